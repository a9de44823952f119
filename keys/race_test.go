//go:build race

package keys_test

// raced: the race detector makes the model ten times slower and has nothing to see in it, since it runs in one goroutine.
const raced = true

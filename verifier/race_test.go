//go:build race

package verifier_test

// raced: the race detector slows our code, and not the assembly of the floor.
const raced = true

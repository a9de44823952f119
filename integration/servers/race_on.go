//go:build race

package servers

// raceDetector tells whether this test binary was built with -race: then
// Signet is built with it too.
const raceDetector = true

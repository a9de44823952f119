package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// StrictEnv is the variable under which a test that can't find its server
// fails instead of being skipped.
const StrictEnv = "SIGNET_TEST_STRICT"

// Strict reports whether a skip counts as a failure in this run.
func Strict() bool {
	v := os.Getenv(StrictEnv)
	return v != "" && v != "0"
}

// Missing ends the test, because what it needs isn't on this machine: as a
// failure when the run is strict, else as a skip. The hint says how to get it.
func Missing(t testing.TB, what, hint string) {
	t.Helper()
	if Strict() {
		t.Fatalf("%s is missing, and %s forbids a skip: %s", what, StrictEnv, hint)
	}
	t.Skipf("%s is missing: %s", what, hint)
}

// Need returns the path of an executable, or ends the test by Missing. The
// folders are searched after PATH; they may hold wildcards, of which the last
// match in lexical order wins.
func Need(t testing.TB, name, debianPackage string, folders ...string) string {
	t.Helper()
	path, ok := find(name, folders...)
	if !ok {
		Missing(t, name, "run `task setup`, or `apt-get install "+debianPackage+"`")
	}
	return path
}

func find(name string, folders ...string) (string, bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	for _, folder := range folders {
		paths, _ := filepath.Glob(filepath.Join(folder, name)) // the only error is a bad pattern, which is ours
		slices.Sort(paths)
		for _, path := range slices.Backward(paths) {
			if _, err := exec.LookPath(path); err == nil {
				return path, true
			}
		}
	}
	return "", false
}

package examples

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/signet-oidc/signet/integration/servers"
)

// installFastAPI makes an environment of what the example's list names, once for
// that list: it is kept in the user's cache.
func installFastAPI(t *testing.T) []string {
	t.Helper()
	list := filepath.Join("fastapi", "requirements.txt")
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("fastapi", "server.py"))
	if err != nil {
		t.Fatal(err)
	}
	dir := cacheFolder(t, fmt.Sprintf("python-%.12x", sha256.Sum256(text)))
	python, done := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "done")
	if _, err := os.Stat(done); err != nil { // none yet, or one whose making was broken off
		makeEnvironment(t, dir, list)
		if err := os.WriteFile(done, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{python, "-B", script}
}

func makeEnvironment(t *testing.T, dir, list string) {
	t.Helper()
	python := servers.Need(t, "python3", "python3-venv")
	for _, args := range [][]string{
		{python, "-m", "venv", "--clear", dir},
		{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", list},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			servers.Missing(t, "what the FastAPI example needs", fmt.Sprintf("%v: %v\n%s", args[1:], err, out))
		}
	}
}

package rotate

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/integration/servers"
)

// startNode runs the verifier with jose, which npm installs from the lock file
// into a folder of the test; npm's cache outlives it.
func startNode(t testing.TB, issuer string) *child {
	t.Helper()
	npm, node := servers.Need(t, "npm", "npm"), servers.Need(t, "node", "nodejs")
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "verify.js"} {
		copyFile(t, filepath.Join("node", name), filepath.Join(dir, name))
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--prefer-offline", "--ignore-scripts", "--cache", cacheFolder(t, "npm"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		servers.Missing(t, "jose", fmt.Sprintf("npm ci: %v\n%s", err, out))
	}
	return start(t, issuer, node, filepath.Join(dir, "verify.js"))
}

// startPython runs the verifier with PyJWT, in an environment that is made once
// for these versions.
func startPython(t testing.TB, issuer string) *child {
	t.Helper()
	python := environment(t, filepath.Join("python", "requirements.txt"))
	script, err := filepath.Abs(filepath.Join("python", "verify.py"))
	if err != nil {
		t.Fatal(err)
	}
	return start(t, issuer, python, script)
}

func start(t testing.TB, issuer, program, script string) *child {
	t.Helper()
	// The test's context ends before its clean-ups: the child ends by Close.
	c, err := startChild(context.WithoutCancel(t.Context()), os.Stderr, program, script, issuer+discovery.PathJWKS, issuer, audience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("%s: %v", filepath.Base(script), err)
		}
	})
	return c
}

// environment returns the Python of a virtual environment in the user's cache
// that holds what a file lists. One whose making was broken off is made anew.
func environment(t testing.TB, requirements string) string {
	t.Helper()
	python := servers.Need(t, "python3", "python3-venv")
	list, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	dir := cacheFolder(t, fmt.Sprintf("python-%.12x", sha256.Sum256(list)))
	defer lockFolder(t, dir)()
	own, done := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "done")
	if _, err := os.Stat(done); err == nil {
		return own
	}
	for _, args := range [][]string{
		{python, "-m", "venv", "--clear", dir},
		{own, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			servers.Missing(t, "PyJWT", fmt.Sprintf("%v: %v\n%s", args[1:], err, out))
		}
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return own
}

// lockFolder has concurrent tests make an environment one after the other.
func lockFolder(t testing.TB, dir string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = f.Close() }
}

func cacheFolder(t testing.TB, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "signet-test", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

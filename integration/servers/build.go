package servers

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// modulePath is how the module's go.mod begins; folders below may have a
// go.mod of their own.
const modulePath = "github.com/signet-oidc/signet"

// BinaryEnv may name a built signet, which is then used as it is.
const BinaryEnv = "SIGNET_TEST_BINARY"

// Binary returns the path of signet, built from the working tree: once per
// test binary, with the race detector when that has it. Packages that run at
// the same time share one file and one link step.
func Binary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv(BinaryEnv); path != "" {
		return path
	}
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Root returns the folder of Signet's go.mod, above the current one.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module "+modulePath+"\n")) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod of %s above the current folder", modulePath)
		}
		dir = filepath.Dir(dir)
	}
}

var build = sync.OnceValues(func() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := binaryFolder(root)
	if err != nil {
		return "", err
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	return compile(root, dir)
})

// binaryFolder is in the user's cache: one a checkout, and for -race another.
func binaryFolder(root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // no HOME: as good, but for the next reboot
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(root)) // a hash never fails
	name := fmt.Sprintf("%016x", h.Sum64())
	if raceDetector {
		name += "-race"
	}
	dir := filepath.Join(cache, "signet-test", name)
	return dir, os.MkdirAll(dir, 0o700)
}

// unraced leaves out what shares nothing of ours and would take ten times as long,
// three quarters of all that the tests do: bcrypt's own arithmetic, and SQLite's C, as
// it was translated. `task test` has the same flags, so that nothing is built twice.
var unraced = []string{
	"-gcflags=golang.org/x/crypto/blowfish=-race=false",
	"-gcflags=modernc.org/sqlite/lib=-race=false", "-gcflags=modernc.org/libc=-race=false",
}

// compile leaves the file alone when it is up to date, as `go build` does.
// GOTMPDIR beside it makes the replacement a rename, so that a process which
// runs the old file isn't disturbed.
func compile(root, dir string) (string, error) {
	path := filepath.Join(dir, "signet")
	args := []string{"build", "-o", path}
	if raceDetector {
		args = append(append(args, "-race"), unraced...)
	}
	cmd := exec.Command("go", append(args, "./cmd/signet")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOTMPDIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building signet: %w\n%s", err, out)
	}
	return path, nil
}

// lockFolder has concurrent test binaries build one after the other. The
// system drops the lock of a process that died.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", f.Name(), err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

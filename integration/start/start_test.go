// Package start measures how soon the compiled binary serves, and reads what a
// start that can't succeed says.
//
// Times of a start are printed as they are; what is asserted is CPU time,
// against a program that does the unavoidable part of it (see floor), in the
// same minute on the same machine. It owns no refusal that needs nothing but
// SQLite: those are scripts beside cmd/signet.
package start

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

const (
	patience = 60 * time.Second
	poll     = time.Millisecond
	rounds   = 3
)

// run is what a process took until it served, and to its end.
type run struct {
	wall, cpu time.Duration
	memory    int64 // resident, idle, in bytes; 0: not known
}

// TestTimes starts signet and the floor in turn.
func TestTimes(t *testing.T) {
	signet, floor := compile(t, "./cmd/signet"), compile(t, "./integration/start/floor")
	t.Run("dev on an empty directory", func(t *testing.T) {
		compare(t, 2*time.Second, 4,
			func() run { return startSignet(t, signet, t.TempDir(), "dev", "--demo-addr", freeAddr(t)) },
			func() run { return startFloor(t, floor, "dev", filepath.Join(t.TempDir(), "floor.db")) })
	})
	t.Run("serve on an existing directory", func(t *testing.T) {
		dir := t.TempDir()
		startSignet(t, signet, dir, "serve") // makes it
		compare(t, 300*time.Millisecond, 10,
			func() run { return startSignet(t, signet, dir, "serve") },
			func() run { return startFloor(t, floor, "serve", filepath.Join(dir, "signet.db")) })
	})
}

// compare prints how soon signet served, beside what is promised, and fails
// when it takes more CPU than so many times the floor's. Searching primes takes
// as long as it takes, so it is the rounds' sums that are compared.
func compare(t *testing.T, promised time.Duration, most float64, signet, floor func() run) {
	t.Helper()
	var ours, theirs time.Duration
	for range rounds {
		s, f := signet(), floor()
		t.Logf("served after %v (promised on an idle machine: %v), CPU %v, idle memory %.1f MB; floor %v, CPU %v",
			s.wall.Round(time.Millisecond), promised, s.cpu.Round(time.Millisecond), float64(s.memory)/1e6,
			f.wall.Round(time.Millisecond), f.cpu.Round(time.Millisecond))
		ours, theirs = ours+s.cpu, theirs+f.cpu
	}
	ratio := float64(ours) / float64(theirs)
	t.Logf("CPU %.2f times the floor's", ratio)
	if ratio > most {
		t.Errorf("a start costs %.2f times the CPU of its floor, want %.0f at most", ratio, most)
	}
}

// compile builds a command without the race detector, as it is installed.
func compile(t *testing.T, pkg string) string {
	t.Helper()
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	return path
}

var sealKey = servers.SealKey()

func startSignet(t *testing.T, binary, dir string, args ...string) run {
	t.Helper()
	addr, admin := freeAddr(t), freeAddr(t)
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"SIGNET_ADDR=" + addr, "SIGNET_ADMIN_ADDR=" + admin, "SIGNET_ISSUER=http://" + addr, "SIGNET_DATA_DIR=" + dir,
		"SIGNET_SEAL_KEY=" + sealKey, "PATH=" + os.Getenv("PATH"), "HOME=" + dir,
	}
	return timed(t, cmd, "http://"+addr+"/.well-known/jwks.json", "http://"+admin+"/readyz")
}

func startFloor(t *testing.T, binary, mode, database string) run {
	t.Helper()
	addr := freeAddr(t)
	return timed(t, exec.Command(binary, mode, addr, database), "http://"+addr)
}

// timed starts cmd, waits until all URLs answer 200, and ends it.
func timed(t *testing.T, cmd *exec.Cmd, urls ...string) run {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err := await(t.Context(), urls)
	r := run{wall: time.Since(begun), memory: resident(cmd.Process.Pid)}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if ended := cmd.Wait(); err != nil || ended != nil {
		t.Fatalf("%s: %v, %v\n%s", cmd, err, ended, &out)
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return r
}

func await(ctx context.Context, urls []string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for _, url := range urls {
		for {
			err := ask(ctx, url)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return err
			}
			<-tick.C
		}
	}
	return nil
}

var once = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func ask(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := once.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}

// resident is the memory that a process has, where the system tells it as Linux
// does.
func resident(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

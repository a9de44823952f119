package redis

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// sentinel starts one sentinel that watches a master, and returns its address.
func sentinel(t *testing.T, master string) string {
	t.Helper()
	binary := servers.Need(t, "redis-server", "redis-server")
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr) // both were made by FreeAddr
	host, masterPort, _ := net.SplitHostPort(master)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	conf := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor main %s %s 1\nsentinel down-after-milliseconds main 1000\n"+
		"sentinel failover-timeout main 10000\n", port, host, masterPort)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, file, "--sentinel")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its status is that of the kill
	})
	c := dial(t, addr)
	await(t, "the sentinel", func() error { return c.Ping(t.Context()).Err() })
	return addr
}

// TestFailover kills the master of a Sentinel deployment in the middle of a
// family's life.
func TestFailover(t *testing.T) {
	master, replica := servers.Redis(t), servers.Redis(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica.CLI("REPLICAOF", host, port)
	await(t, "replication", func() error {
		if got := infoField(replica.CLI("INFO", "replication"), "master_link_status"); got != "up" {
			return errors.New(got)
		}
		return nil
	})
	watch := sentinel(t, master.Addr)
	await(t, "the sentinel to find the replica", func() error {
		found, err := dial(t, watch).Do(t.Context(), "SENTINEL", "REPLICAS", "main").Slice()
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%d replicas", len(found))
		}
		return err
	})

	s := open(t, "redis://"+watch+"/0?master=main")
	state := begun(t, s, start)
	mustRotate(t, s, rotation(state, 1, start), session.Rotated)
	mustSay(t, s, true, "the first call")
	mustSay(t, s, false, "nothing happened")
	if err := s.Waiting().Put(t.Context(), "wait:a", []byte("a"), start, start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := master.CLI("WAIT", "1", "5000"); got != "1" {
		t.Fatalf("replicated to %s", got)
	}
	master.Kill()

	began := time.Now()
	var got session.Result
	await(t, "the failover", func() (err error) {
		got, err = s.Rotate(t.Context(), rotation(state, 2, start))
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("meanwhile: %v, want ErrUnavailable", err)
		}
		return err
	})
	t.Logf("failed over in %v", time.Since(began))
	if got.Outcome != session.Rotated || got.State.Generation != 3 {
		t.Errorf("%+v, want the next generation", got)
	}
	if got, err := s.Waiting().Take(t.Context(), "wait:a", start); err != nil || string(got) != "a" {
		t.Errorf("what waits after the failover: %q, %v", got, err)
	}
	mustSay(t, s, true, "failed over")
	mustSay(t, s, false, "nothing happened")
}

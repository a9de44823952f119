package chaos

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

// pair is a Redis and its replica behind one address that leads to whichever is
// the master, as a provider's virtual address does: a link to its socket.
type pair struct {
	t             testing.TB
	master, spare *servers.RedisServer
	address       string
}

func startPair(t testing.TB) *pair {
	t.Helper()
	p := &pair{t: t, master: servers.Redis(t, "--repl-diskless-sync-delay", "0"), spare: servers.Redis(t), address: filepath.Join(t.TempDir(), "redis.sock")}
	host, port, err := net.SplitHostPort(p.master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	p.spare.CLI("REPLICAOF", host, port)
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(p.spare.CLI("INFO", "replication"), "master_link_status:up"); {
		if time.Now().After(deadline) || !pause(t.Context(), 50*time.Millisecond) {
			t.Fatal(errors.New("the replica doesn't replicate"))
		}
	}
	p.lead()
	return p
}

func (p *pair) url() string { return "unix://" + p.address }

// lead makes the address that of the master.
func (p *pair) lead() {
	p.t.Helper()
	next := p.address + ".next"
	if err := errors.Join(os.Symlink(p.master.Socket, next), os.Rename(next, p.address)); err != nil {
		p.t.Fatal(err)
	}
}

// detach keeps from the replica what happens from now on.
func (p *pair) detach() { p.spare.CLI("REPLICAOF", "NO", "ONE") }

// failOver kills the master; after a while, the replica is it.
func (p *pair) failOver(outage time.Duration) {
	p.t.Helper()
	p.master.Kill()
	pause(p.t.Context(), outage)
	p.master, p.spare = p.spare, p.master
	p.lead()
}

func (p *pair) flush() { p.master.CLI("FLUSHALL") }

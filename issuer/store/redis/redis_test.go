package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys/secret"
)

// start is when tests begin: neither now nor a whole second.
var start = time.UnixMilli(1_800_000_000_123).UTC()

// open opens a store on what the URL names.
func open(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: secret.New(url)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// single is a store on a Redis of its own.
func single(t testing.TB, settings ...string) (*Store, *servers.RedisServer) {
	t.Helper()
	server := servers.Redis(t, settings...)
	return open(t, server.URL), server
}

// cluster starts three masters and returns a URL that names them, and the servers.
func cluster(t testing.TB) (url string, masters []*servers.RedisServer) {
	t.Helper()
	cli := servers.Need(t, "redis-cli", "redis-tools")
	args := []string{"--cluster", "create"}
	for range 3 {
		s := servers.Redis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		masters, args = append(masters, s), append(args, s.Addr)
	}
	if out, err := exec.CommandContext(t.Context(), cli, append(args, "--cluster-yes")...).CombinedOutput(); err != nil {
		t.Fatalf("making the cluster: %v\n%s", err, out)
	}
	url = fmt.Sprintf("redis://%s,%s,%s", masters[0].Addr, masters[1].Addr, masters[2].Addr)
	s := open(t, url)
	await(t, "the cluster's agreement", func() error {
		return s.eachServer(t.Context(), agrees)
	})
	return url, masters
}

// agrees tells whether a master of a cluster knows all of it.
func agrees(ctx context.Context, c *driver.Client) error {
	info, err := c.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	if infoField(info, "cluster_state") != "ok" || infoField(info, "cluster_known_nodes") != "3" {
		return errors.New(info)
	}
	return nil
}

// await asks until there is no error, for a minute at most.
func await(t testing.TB, what string, f func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(time.Minute)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		<-tick.C
	}
}

// newState is a live session of now.
func newState(now time.Time) session.State {
	return session.State{
		Session: id.NewSession(), Login: id.NewLogin(), Client: "webapp",
		Person:     session.Person{User: id.NewUser(), Roles: []string{"admin", "editor"}, Version: 4},
		Generation: 1, Key: 3, NotAfter: now.Add(168 * time.Hour), Answered: now,
		Scope: []string{"openid", "profile", "email", "offline_access"}, Audience: []string{"https://api.example.com"},
		Status: 41, AuthTime: now, Expires: now.Add(720 * time.Hour),
	}
}

// rotation presents a generation of s.
func rotation(s session.State, generation uint32, now time.Time) session.Rotation {
	return session.Rotation{
		Session: s.Session, Generation: generation, Client: s.Client, BoundKey: s.BoundKey,
		Key: s.Key, Idle: 168 * time.Hour, Window: time.Minute, Now: now,
	}
}

func dial(t testing.TB, addr string) *driver.Client {
	t.Helper()
	if _, _, err := net.SplitHostPort(addr); err != nil {
		t.Fatal(err)
	}
	c := driver.NewClient(&driver.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// seeded is randomness that a failure can be repeated with.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

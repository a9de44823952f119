package redis

import (
	"errors"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/store"
)

func mustSay(t *testing.T, s *Store, want bool, why string) {
	t.Helper()
	if got, err := s.WentBack(t.Context()); err != nil || got != want {
		t.Errorf("%s: WentBack says %v, %v; want %v", why, got, err, want)
	}
}

func TestWentBack(t *testing.T) {
	s, server := single(t, "--appendonly", "yes", "--appendfsync", "always")
	other := open(t, server.URL)
	mustSay(t, s, true, "the first call")
	mustSay(t, s, false, "nothing happened")
	mustSay(t, other, true, "another process's first call")
	mustSay(t, s, false, "another process called")
	server.Restart()
	mustSay(t, s, true, "restarted")
	mustSay(t, s, false, "nothing happened")
	server.CLI("FLUSHALL")
	mustSay(t, other, true, "restarted and flushed")
	mustSay(t, s, true, "flushed, though another process has called since")
	mustSay(t, s, false, "nothing happened")
	server.Kill()
	if _, err := s.WentBack(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	server.Start()
	mustSay(t, s, true, "back again")
}

// TestWentBackWithoutRestart takes the marks back to an earlier copy of them, as
// a replica does that was behind.
func TestWentBackWithoutRestart(t *testing.T) {
	s, server := single(t)
	mustSay(t, s, true, "the first call")
	key := s.epochs.key("00")
	before := server.CLI("GET", key)
	mustSay(t, s, false, "nothing happened")
	server.CLI("SET", key, before)
	mustSay(t, s, true, "an older mark")
}

func testClusterWentBack(t *testing.T, s *Store, masters []*servers.RedisServer) {
	mustSay(t, s, true, "the first call")
	mustSay(t, s, false, "nothing happened")
	for _, m := range masters {
		m.CLI("FLUSHALL")
		mustSay(t, s, true, "one master flushed")
		mustSay(t, s, false, "nothing happened")
	}
}

func TestRemember(t *testing.T) {
	s, server := single(t)
	for range 2 {
		if err := s.Remember(t.Context(), "dep-one"); err != nil {
			t.Fatal(err)
		}
	}
	other := open(t, server.URL)
	err := other.Remember(t.Context(), "dep-two")
	if !errors.Is(err, ErrOtherDeployment) || !strings.Contains(err.Error(), deploymentKey) {
		t.Errorf("%v, want ErrOtherDeployment and how to mend it", err)
	}
	server.CLI("FLUSHALL")
	mustSay(t, s, true, "flushed")
	if got := server.CLI("GET", deploymentKey); got != "dep-one" {
		t.Errorf("after a flush it remembers %q, want it restored", got)
	}
}

func TestAdvise(t *testing.T) {
	for name, c := range map[string]struct {
		given observed
		want  string // part of the only advice; empty: none
	}{
		"as it should be":   {observed{version: "7.0.15", policy: "noeviction", appendOnly: "1", saveKnown: true}, ""},
		"tells nothing":     {observed{}, ""},
		"snapshots only":    {observed{appendOnly: "0", save: "3600 1", saveKnown: true}, ""},
		"CONFIG forbidden":  {observed{appendOnly: "0"}, ""},
		"evicts":            {observed{policy: "volatile-lru"}, "maxmemory-policy noeviction"},
		"keeps nothing":     {observed{appendOnly: "0", saveKnown: true}, "appendonly yes"},
		"old":               {observed{version: "6.2.14"}, "6.2.14"},
		"odd version":       {observed{version: "unstable"}, ""},
		"two digits, newer": {observed{version: "10.1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := advise(c.given)
			if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	s, server := single(t)
	if got := s.Advice(t.Context()); len(got) != 1 || !strings.Contains(got[0], "appendonly yes") {
		t.Errorf("%q, want advice to persist", got)
	}
	server.CLI("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "save", "3600 1")
	if got := s.Advice(t.Context()); len(got) != 1 || !strings.Contains(got[0], "allkeys-lru") {
		t.Errorf("%q, want advice not to evict", got)
	}
	server.CLI("ACL", "SETUSER", "app", "on", ">pw", "~signet:*", "+@all", "-@admin", "-@dangerous")
	if got := open(t, "redis://app:pw@"+server.Addr).Advice(t.Context()); len(got) != 0 {
		t.Errorf("%q, want none where it is forbidden to look", got)
	}
	server.Kill()
	if got := s.Advice(t.Context()); len(got) != 0 {
		t.Errorf("%q, want none of a server that is down", got)
	}
}

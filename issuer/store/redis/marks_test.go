package redis

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// TestMarks runs what touches more than one key on one server and on a Cluster.
func TestMarks(t *testing.T) {
	all := func(t *testing.T, s *Store) {
		t.Run("end", func(t *testing.T) { testEnd(t, s) })
		t.Run("update", func(t *testing.T) { testUpdate(t, s) })
		t.Run("unsettled", func(t *testing.T) { testUnsettled(t, s) })
	}
	t.Run("single", func(t *testing.T) {
		s, _ := single(t)
		all(t, s)
	})
	t.Run("cluster", func(t *testing.T) {
		url, masters := cluster(t)
		s := open(t, url)
		all(t, s)
		t.Run("contract", func(t *testing.T) { testContract(t, s) })
		t.Run("walk", func(t *testing.T) { testWalk(t, s, 40) })
		t.Run("spread", func(t *testing.T) { testSpread(t, masters) })
		t.Run("least user", func(t *testing.T) { testLeastUserOfCluster(t, masters) })
		t.Run("went back", func(t *testing.T) { testClusterWentBack(t, s, masters) })
	})
}

func testSpread(t *testing.T, masters []*servers.RedisServer) {
	for _, m := range masters {
		if n, err := dial(t, m.Addr).DBSize(t.Context()).Result(); err != nil || n == 0 {
			t.Errorf("%s holds %d keys, error %v: the sessions aren't spread", m.Addr, n, err)
		}
	}
}

func testEnd(t *testing.T, s *Store) {
	states := make([]session.State, 300)
	ended := make([]session.Ended, len(states))
	for i := range states {
		states[i] = newState(start)
		if i%2 == 0 {
			states[i] = begun(t, s, start)
		}
		ended[i] = session.Ended{ID: states[i].Session, Until: states[i].Expires}
	}
	for range 2 {
		if err := s.End(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
	}
	for _, state := range states {
		if err := s.Begin(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		got := mustRotate(t, s, rotation(state, 1, start), session.Over)
		look, err := s.Look(t.Context(), state.Session)
		if !got.Ended || got.Session != state.Session || err != nil || !look.Ended {
			t.Fatalf("%+v; Look %+v, %v", got, look, err)
		}
	}
}

// TestMarksOutlastTheState: the TTL of the idle end must not drop an end mark,
// or the session could begin again.
func TestMarksOutlastTheState(t *testing.T) {
	s, server := single(t)
	c := dial(t, server.Addr)
	now := time.Now()
	for name, end := range map[string]func(session.State) error{
		"by End": func(state session.State) error {
			return s.End(t.Context(), []session.Ended{{ID: state.Session, Until: state.Expires}})
		},
		"by reuse": func(state session.State) error {
			_, err := s.Rotate(t.Context(), rotation(state, 7, now))
			if err == nil {
				mustRotate(t, s, rotation(state, 1, now), session.Reused)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			state := begun(t, s, now)
			if err := end(state); err != nil {
				t.Fatal(err)
			}
			left, err := c.PTTL(t.Context(), stateKey(state.Session)).Result()
			if want := state.Expires.Sub(now); err != nil || left < want {
				t.Errorf("the mark stays for %v, error %v; want %v", left, err, want)
			}
		})
	}
}

func testUpdate(t *testing.T, s *Store) {
	state, gone := begun(t, s, start), newState(start)
	sids := []id.Session{gone.Session, state.Session}
	for _, step := range []struct {
		name string
		give session.Person
		want session.Person
	}{
		{"newer", session.Person{Version: 10, Roles: []string{"a b"}, Disabled: true}, session.Person{Version: 10, Roles: []string{"a b"}, Disabled: true}},
		{"older, though longer ago by text", session.Person{Version: 9}, session.Person{Version: 10, Roles: []string{"a b"}, Disabled: true}},
		{"the same", session.Person{Version: 10}, session.Person{Version: 10, Roles: []string{"a b"}, Disabled: true}},
		{"beyond 2^53", session.Person{Version: 1<<53 + 1}, session.Person{Version: 1<<53 + 1}},
		{"one less", session.Person{Version: 1 << 53, Disabled: true}, session.Person{Version: 1<<53 + 1}},
	} {
		if err := s.Update(t.Context(), sids, step.give); err != nil {
			t.Fatal(err)
		}
		step.want.User = state.Person.User
		got, err := s.Look(t.Context(), state.Session)
		if err != nil || got.Person.Version != step.want.Version || got.Person.Disabled != step.want.Disabled ||
			!slices.Equal(got.Person.Roles, step.want.Roles) || got.Person.User != step.want.User {
			t.Errorf("%s: %+v, %v; want %+v", step.name, got.Person, err, step.want)
		}
	}
	if _, err := s.Look(t.Context(), gone.Session); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Update made a session: %v", err)
	}
}

// reuse ends a family by presenting a used-up token.
func reuse(t *testing.T, s *Store) id.Session {
	t.Helper()
	state := begun(t, s, start)
	mustRotate(t, s, rotation(state, 1, start), session.Rotated)
	mustRotate(t, s, rotation(state, 2, start), session.Rotated)
	if got := mustRotate(t, s, rotation(state, 1, start), session.Reused); !got.Ended {
		t.Fatalf("%+v, want it ended", got)
	}
	return state.Session
}

// testUnsettled: a process that dies right after Rotate leaves the end listed;
// another one, here another store, finds it.
func testUnsettled(t *testing.T, s *Store) {
	var want []id.Session
	for range 40 {
		want = append(want, reuse(t, s))
	}
	for _, sid := range want { // whatever comes after changes nothing of that
		if err := s.Begin(t.Context(), newState(start)); err != nil {
			t.Fatal(err)
		}
		mustRotate(t, s, session.Rotation{Session: sid, Now: start}, session.Over)
	}
	mustList(t, s, 1000, want)
	if some, err := s.Unsettled(t.Context(), 7); err != nil || len(some) != 7 {
		t.Errorf("%d of at most 7, error %v", len(some), err)
	}
	// Settled twice, or by an End after the ledger's, is settled.
	if err := errors.Join(s.Settle(t.Context(), want[:10]), s.Settle(t.Context(), want[:10])); err != nil {
		t.Fatal(err)
	}
	if err := s.End(t.Context(), []session.Ended{{ID: want[10], Until: start}}); err != nil {
		t.Fatal(err)
	}
	mustList(t, s, 1000, want[11:])
	mustRotate(t, s, session.Rotation{Session: want[0], Now: start}, session.Over)
}

func mustList(t *testing.T, s *Store, limit int, want []id.Session) {
	t.Helper()
	got, err := s.Unsettled(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	want = slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d unsettled, want %d", len(got), len(want))
	}
}

func TestSettledMark(t *testing.T) {
	s, server := single(t)
	sid := reuse(t, s)
	mark := func() string { return server.CLI("GETRANGE", stateKey(sid), "0", "0") }
	if got := mark(); got != unsettled {
		t.Errorf("after reuse the mark is %q, want %q", got, unsettled)
	}
	if err := s.Settle(t.Context(), []id.Session{sid}); err != nil {
		t.Fatal(err)
	}
	if got := mark(); got != ended {
		t.Errorf("after Settle the mark is %q, want %q", got, ended)
	}
}

// TestSettleWhatIsGone makes no key of a session that was lost meanwhile.
func TestSettleWhatIsGone(t *testing.T) {
	s, server := single(t)
	sid := reuse(t, s)
	server.CLI("DEL", stateKey(sid))
	if err := s.Settle(t.Context(), []id.Session{sid}); err != nil {
		t.Fatal(err)
	}
	if got := server.CLI("DBSIZE"); got != "0" && got != "(integer) 0" {
		t.Errorf("%s keys left, want none", got)
	}
}

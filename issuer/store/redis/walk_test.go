package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/signet-oidc/signet/issuer/session"
)

func TestWalk(t *testing.T) {
	s, _ := single(t)
	testWalk(t, s, 150)
}

// testWalk holds the script to session.Decide on random walks: both are given
// the same presentations and must agree on each outcome and state.
func testWalk(t *testing.T, s *Store, walks int) {
	r := seeded(t)
	seen := map[session.Outcome]int{}
	for n := 0; n < walks || unmet(seen) != 0 && n < 20*walks; n++ {
		walk(t, s, r, 60, seen)
	}
	if o := unmet(seen); o != 0 {
		t.Errorf("no walk met outcome %d", o)
	}
	t.Logf("outcomes: %v", seen)
}

// unmet is an outcome that no walk has met yet; 0: none.
func unmet(seen map[session.Outcome]int) session.Outcome {
	for o := session.Rotated; o <= session.Reused; o++ {
		if seen[o] == 0 {
			return o
		}
	}
	return 0
}

func walk(t *testing.T, s *Store, r *rand.Rand, steps int, seen map[session.Outcome]int) {
	t.Helper()
	now := start
	want := randomState(r, now)
	if err := s.Begin(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for range steps {
		now = now.Add(pause(r))
		try := randomRotation(r, want, now)
		expect := session.Decide(want, try)
		got, err := s.Rotate(t.Context(), try)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expect, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("state %+v\nrotation %+v\n-Decide +script\n%s", want, try, diff)
		}
		want = expect.State
		seen[got.Outcome]++
		if got.Outcome == session.Over && r.IntN(3) == 0 {
			return
		}
	}
	look, err := s.Look(t.Context(), want.Session)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, look, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("Look: -want +got\n%s", diff)
	}
}

func randomState(r *rand.Rand, now time.Time) session.State {
	s := newState(now)
	s.Client = pick(r, s.Client, "a b", "100%", "native\napp")
	s.BoundKey = pick(r, "", "", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
	s.Scope = pick(r, s.Scope, nil, []string{"openid"}, []string{""}, []string{"a", "ab", "b c"})
	s.Audience = pick(r, s.Audience, nil, []string{"https://a.example", "https://b.example/%20"})
	s.Person.Roles = pick(r, s.Person.Roles, nil, []string{"with space", ""})
	s.Person.Disabled = r.IntN(4) == 0
	s.Expires = now.Add(pick(r, 720*time.Hour, 100*time.Hour, time.Minute))
	if s.NotAfter.After(s.Expires) {
		s.NotAfter = s.Expires
	}
	s.Generation = pick[uint32](r, 1, 2, 1000, 1<<32-2, 1<<32-1)
	return s
}

// pause is mostly about the retry rule's borders.
func pause(r *rand.Rand) time.Duration {
	around := pick(r, 0, session.FreeRetry, time.Minute, 20*time.Minute, time.Hour)
	return max(around+time.Duration(r.IntN(5)-2)*time.Millisecond, 0)
}

func randomRotation(r *rand.Rand, s session.State, now time.Time) session.Rotation {
	out := rotation(s, s.Generation-uint32(pick(r, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1)), now)
	switch r.IntN(60) {
	case 0:
		out.Generation = s.Generation - 2
	case 1:
		out.Generation = s.Generation + uint32(r.IntN(5))
	case 2:
		out.Client = "another"
	case 3:
		out.BoundKey = "another"
	case 4:
		out.Scope = []string{"openid", "more"}
	case 5:
		out.Audience = []string{"https://evil.example"}
	case 6:
		out.Client, out.BoundKey = "another", "another"
	case 7:
		out.Scope, out.Audience = s.Scope, s.Audience
	case 8:
		out.Scope = []string{""}
	case 9:
		out.Idle, out.Window = time.Hour, 0
	case 10:
		out.Key = uint32(r.Uint64())
	}
	return out
}

func pick[T any](r *rand.Rand, some ...T) T { return some[r.IntN(len(some))] }

// TestEverythingExpires looks at every key that a busy store leaves.
func TestEverythingExpires(t *testing.T) {
	s, server := single(t)
	busy(t, s)
	c := dial(t, server.Addr)
	keys, err := c.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, key := range keys {
		ttl, err := c.PTTL(t.Context(), key).Result()
		if err != nil || ttl <= 0 {
			t.Errorf("%s: TTL %v, error %v", key, ttl, err)
		}
		if !strings.HasPrefix(key, "signet:") {
			t.Errorf("key %q isn't of ours", key)
		}
		for _, kind := range []string{"unsettled", "epoch", "limit", "deployment"} {
			kinds[kind] = kinds[kind] || strings.Contains(key, kind)
		}
	}
	if len(keys) < 6 || len(kinds) != 4 || !kinds["unsettled"] || !kinds["epoch"] || !kinds["limit"] || !kinds["deployment"] {
		t.Errorf("not busy enough: %q", keys)
	}
}

// busy leaves a key of each kind.
func busy(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	stolen := begun(t, s, start)
	mustRotate(t, s, rotation(stolen, 1, start), session.Rotated)
	mustRotate(t, s, rotation(stolen, 2, start), session.Rotated)
	mustRotate(t, s, rotation(stolen, 1, start), session.Reused)
	retried := begun(t, s, start)
	mustRotate(t, s, rotation(retried, 1, start), session.Rotated)
	mustRotate(t, s, rotation(retried, 1, start), session.Replayed)
	begun(t, s, start)
	_, wentErr := s.WentBack(ctx)
	_, takeErr := s.Take(ctx, "login:192.0.2.1", tenAMinute, 1, start)
	err := errors.Join(wentErr, takeErr, s.Remember(ctx, "dep"),
		s.End(ctx, []session.Ended{{ID: "neverseen"}}), s.End(ctx, []session.Ended{{ID: begun(t, s, start).Session, Until: start}}))
	if err != nil {
		t.Fatal(err)
	}
}

func begun(t testing.TB, s *Store, now time.Time) session.State {
	t.Helper()
	state := newState(now)
	if err := s.Begin(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	return state
}

func mustRotate(t testing.TB, s *Store, r session.Rotation, want session.Outcome) session.State {
	t.Helper()
	got, err := s.Rotate(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != want {
		t.Fatalf("outcome %d, want %d (state %+v)", got.Outcome, want, got.State)
	}
	return got.State
}

// TestConstantSize measures a session in bytes over a thousand refreshes.
func TestConstantSize(t *testing.T) {
	s, server := single(t)
	c := dial(t, server.Addr)
	state := begun(t, s, start)
	size := func() int64 {
		n, err := c.MemoryUsage(t.Context(), stateKey(state.Session)).Result()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	now, first := start, size()
	most := first
	for generation := uint32(1); generation <= 1000; generation++ {
		now = now.Add(15 * time.Minute)
		mustRotate(t, s, rotation(state, generation, now), session.Rotated)
		most = max(most, size())
	}
	t.Logf("a session takes %d bytes at first, at most %d, %d after 1,000 refreshes", first, most, size())
	if most > maxSessionBytes || most-first > 16 {
		t.Errorf("from %d to %d bytes, want at most %d and constant but for a few digits", first, most, maxSessionBytes)
	}
}

// maxSessionBytes is what doc.go states, with the slack of an allocator.
const maxSessionBytes = 400

func ExampleStore_keys() {
	fmt.Println(stateKey("7k0f3v2n8q1c5d9e4g6h0j2k8m"))
	fmt.Println(unsettledKey("7k"))
	fmt.Println(limitKey("login:192.0.2.1"))
	// Output:
	// signet:{7k}:7k0f3v2n8q1c5d9e4g6h0j2k8m
	// signet:{7k}:unsettled
	// signet:{DWoFdjLT3E9EhOEknDbSAg}:limit
}

package keys_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
)

func TestFirstRingSignsAtOnce(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: keys.Algorithms()})
	k := d.open()
	for _, alg := range keys.Algorithms() {
		key, err := k.Ring().Signer(alg, d.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		token, err := key.SignJWS("at+jwt", []byte(`{"iss":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		pub, got, ok := k.Ring().PublicKey(key.ID(), d.clock.Now())
		if !ok || got != alg {
			t.Fatalf("public key of %s: %v %v", alg, got, ok)
		}
		payload, header := verifyJWS(t, token, pub, alg)
		raw, _ := base64.RawURLEncoding.DecodeString(header)
		want := `{"alg":"` + string(alg) + `","kid":"` + key.ID() + `","typ":"at+jwt"}`
		if payload != `{"iss":"x"}` || string(raw) != want {
			t.Errorf("%s: payload %s, header %s, want header %s", alg, payload, raw, want)
		}
	}
	if got := k.Ring().Algorithms(d.clock.Now()); !slices.Equal(got, keys.Algorithms()) {
		t.Errorf("algorithms %v", got)
	}
	if n := len(published(t, k.Ring().JWKS(d.clock.Now()))); n != 10 {
		t.Errorf("%d keys published, want an active and a standby of five algorithms", n)
	}
	if err := k.Ring().Ready(d.clock.Now()); err != nil {
		t.Errorf("ready: %v", err)
	}
}

// TestFirstRingSignsUnderASlowClock: the first ring signs on a replica whose clock is behind that of the one that made it.
func TestFirstRingSignsUnderASlowClock(t *testing.T) {
	d := deploy(t, keys.Policy{})
	d.open()
	d.clock.Advance(-2 * keys.Leeway)
	if _, err := d.open().Ring().Signer(keys.ES256, d.clock.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestTwoReplicasStartAtOnce(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.EdDSA}})
	const n = 8
	var wg sync.WaitGroup
	kids := make([]string, n)
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			k, err := keys.Open(t.Context(), d.config)
			if errs[i] = err; err == nil {
				kids[i] = d.signer(k, keys.ES256)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(kids); kids[0] != kids[n-1] {
		t.Errorf("replicas sign with %v", kids)
	}
	if got := d.changeKinds(); got != "created" {
		t.Errorf("changes %q, want one", got)
	}
}

func TestRotate(t *testing.T) {
	d := deploy(t, keys.Policy{})
	a, b := d.open(), d.open()
	first, standby := d.signer(a, keys.ES256), d.kidOf(a, keys.ES256, keys.Standby)

	_, err := a.Rotate(t.Context(), keys.RotateRequest{})
	early, ok := errors.AsType[*keys.TooEarlyError](err)
	wait := a.Policy().PublishWait()
	if !ok || !errors.Is(err, keys.ErrTooEarly) || early.KID != standby || !early.Safe.Equal(start.Add(wait)) {
		t.Fatalf("rotated at once: %v", err)
	}
	d.pass(wait-time.Millisecond, a, b)
	if _, err := a.Rotate(t.Context(), keys.RotateRequest{}); !errors.Is(err, keys.ErrTooEarly) {
		t.Fatalf("a millisecond before the wait is over: %v, want ErrTooEarly", err)
	}
	d.pass(time.Millisecond, a, b)

	dry := d.rotate(a, keys.RotateRequest{DryRun: true})
	if d.changeKinds() != "created" || !dry.DryRun || len(dry.Steps) != 1 || dry.Steps[0].KID != standby || dry.Steps[0].Standby != "" {
		t.Fatalf("dry run: %+v, changes %q", dry, d.changeKinds())
	}
	tl := d.rotate(a, keys.RotateRequest{Reason: "drill", Actor: "admin:usr_1"})
	s := tl.Steps[0]
	if s.KID != standby || s.Old != first || s.Forced || !s.Activate.Equal(d.clock.Now().Add(keys.ActivateAhead)) || !s.Remove.Equal(s.Activate.Add(a.Policy().Retain())) {
		t.Fatalf("timeline %+v", s)
	}
	if _, err := a.Rotate(t.Context(), keys.RotateRequest{}); !errors.Is(err, keys.ErrTooEarly) {
		t.Errorf("rotated twice: %v, want ErrTooEarly", err)
	}
	if got := published(t, a.Ring().JWKS(d.clock.Now())); !slices.Contains(got, s.Standby) || len(got) != 3 {
		t.Errorf("published %v, want the new standby %s among 3", got, s.Standby)
	}
	d.pass(keys.Poll, a, b)
	if x, y := d.signer(a, keys.ES256), d.signer(b, keys.ES256); x != first || y != first {
		t.Errorf("before the moment %s and %s sign, want %s", x, y, first)
	}
	d.pass(keys.Poll, a, b)
	if x, y := d.signer(a, keys.ES256), d.signer(b, keys.ES256); x != standby || y != standby {
		t.Errorf("at the moment %s and %s sign, want %s", x, y, standby)
	}
	if got := d.states(b); got != "ES256 retired, ES256 active, ES256 standby" {
		t.Errorf("states %s", got)
	}
	c := d.store.Changes()[1]
	if c.Kind != keys.Rotated || c.Actor != "admin:usr_1" || c.Reason != "drill" || !slices.Equal(c.KIDs, []string{standby, first, s.Standby}) {
		t.Errorf("audit %+v", c)
	}
}

func TestRetiredKeyLeavesWhenItsTokensAreOver(t *testing.T) {
	d := deploy(t, keys.Policy{RotateEvery: -1})
	k := d.open()
	first := d.signer(k, keys.ES256)
	d.pass(k.Policy().PublishWait(), k)
	remove := d.rotate(k, keys.RotateRequest{}).Steps[0].Remove
	before := k.Ring().JWKS(remove.Add(-time.Millisecond))
	after := k.Ring().JWKS(remove)
	if !slices.Contains(published(t, before), first) || slices.Contains(published(t, after), first) || before.ETag == after.ETag {
		t.Errorf("%s published before %v, after %v", first, published(t, before), published(t, after))
	}
	d.pass(remove.Sub(d.clock.Now()), k)
	if _, _, ok := k.Ring().PublicKey(first, d.clock.Now()); ok {
		t.Error("a removed key verifies access tokens")
	}
	if _, _, ok := k.Ring().HintKey(first); !ok {
		t.Error("a removed key isn't there for id_token_hint")
	}
	if done, err := k.Step(t.Context()); !done || err != nil {
		t.Fatalf("sweep: %v %v", done, err)
	}
	if got := d.states(k); got != "ES256 removed, ES256 active, ES256 standby" {
		t.Errorf("states %s", got)
	}
	stored, _ := d.store.LoadRing(t.Context())
	if n := strings.Count(string(stored.Document), `"private"`); n != 4 { // two signing, two refresh keys
		t.Errorf("%d private parts are stored, want that of the removed key wiped", n)
	}
	d.pass(k.Policy().SessionTTL, k)
	if done, err := k.Step(t.Context()); !done || err != nil {
		t.Fatalf("forget: %v %v", done, err)
	}
	if _, _, ok := k.Ring().HintKey(first); ok || len(k.Ring().List(d.clock.Now())) != 2 {
		t.Errorf("after SESSION_TTL: %s", d.states(k))
	}
	if done, _ := k.Step(t.Context()); done {
		t.Error("a step where nothing was due")
	}
}

func TestRotateAll(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.EdDSA, keys.ES384}})
	k := d.open()
	d.pass(k.Policy().PublishWait(), k)
	d.rotate(k, keys.RotateRequest{Alg: keys.EdDSA})
	if _, err := k.Rotate(t.Context(), keys.RotateRequest{}); !errors.Is(err, keys.ErrTooEarly) {
		t.Fatalf("all while one is too early: %v, want ErrTooEarly", err)
	}
	if got := d.changeKinds(); got != "created rotated" {
		t.Fatalf("changes %q: a part was rotated", got)
	}
	d.pass(k.Policy().PublishWait(), k)
	tl := d.rotate(k, keys.RotateRequest{})
	d.pass(keys.ActivateAhead, k)
	if len(tl.Steps) != 3 {
		t.Fatalf("timeline %+v", tl)
	}
	for _, s := range tl.Steps {
		if got := d.signer(k, s.Alg); got != s.KID {
			t.Errorf("%s: %s signs, want %s", s.Alg, got, s.KID)
		}
		if got := d.kidOf(k, s.Alg, keys.Standby); got != s.Standby {
			t.Errorf("%s: standby %s, want %s", s.Alg, got, s.Standby)
		}
	}
	for alg, want := range map[keys.Algorithm]error{keys.RS256: keys.ErrAlgorithm, "none": keys.ErrAlgorithm} {
		if _, err := k.Rotate(t.Context(), keys.RotateRequest{Alg: alg}); !errors.Is(err, want) {
			t.Errorf("rotate %s: %v, want %v", alg, err, want)
		}
	}
}

func TestForce(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	s := d.rotate(k, keys.RotateRequest{Force: true}).Steps[0]
	if !s.Forced || !s.Known.Equal(start.Add(k.Policy().PublishWait())) {
		t.Errorf("step %+v doesn't say that it was forced, or until when", s)
	}
	if c := d.store.Changes()[1]; c.Detail["forced"] != "true" {
		t.Errorf("audit %+v", c)
	}
	d.pass(k.Policy().PublishWait(), k)
	if s := d.rotate(k, keys.RotateRequest{Force: true}).Steps[0]; s.Forced {
		t.Error("a rotation that was safe calls itself forced")
	}
}

// TestConflict: another replica rotates between our reading and our write. A plain rotation finds that nothing is left to
// do; keys are made once.
func TestConflict(t *testing.T) {
	d := deploy(t, keys.Policy{})
	counting := &countingProvider{}
	other := d.open()
	d.config.Providers = []keys.Provider{counting}
	k := d.open()
	d.pass(k.Policy().PublishWait(), k, other)
	d.store.BeforeSwap(func(keys.Sealed) {
		d.store.BeforeSwap(nil)
		d.rotate(other, keys.RotateRequest{})
	})
	if _, err := k.Rotate(t.Context(), keys.RotateRequest{}); !errors.Is(err, keys.ErrTooEarly) {
		t.Errorf("after another was first: %v, want ErrTooEarly", err)
	}
	if got := d.changeKinds(); got != "created rotated" {
		t.Errorf("changes %q", got)
	}
	counting.made = 0
	conflicts := 0
	var first func(keys.Sealed)
	first = func(keys.Sealed) { // another replica is first, three times
		d.store.BeforeSwap(nil)
		d.rotate(other, keys.RotateRequest{Force: true})
		if conflicts++; conflicts < 3 {
			d.store.BeforeSwap(first)
		}
	}
	d.store.BeforeSwap(first)
	d.rotate(k, keys.RotateRequest{Force: true})
	if counting.made != 1 || conflicts != 3 {
		t.Errorf("%d keys made for one rotation with %d conflicts", counting.made, conflicts)
	}
}

func TestEndlessConflictEnds(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	d.config.Store = losingStore{d.store}
	k2 := d.open()
	if _, err := k2.Rotate(t.Context(), keys.RotateRequest{Force: true}); !errors.Is(err, keys.ErrConflict) {
		t.Errorf("%v, want ErrConflict", err)
	}
	if d.signer(k, keys.ES256) != d.signer(k2, keys.ES256) {
		t.Error("a write that lost is in force")
	}
}

func TestStaleRing(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	for _, tc := range []struct {
		age    time.Duration
		ready  error
		fresh  bool
		signer error
	}{
		{0, nil, true, nil},
		{keys.FreshFor, nil, true, nil},
		{keys.FreshFor + 1, keys.ErrNotFresh, false, nil},
		{keys.StaleFor, keys.ErrNotFresh, false, nil},
		{keys.StaleFor + 1, keys.ErrNotFresh, false, keys.ErrStale},
	} {
		at := start.Add(tc.age)
		if err := k.Ring().Ready(at); !errors.Is(err, tc.ready) {
			t.Errorf("age %s: ready %v, want %v", tc.age, err, tc.ready)
		}
		j := k.Ring().JWKS(at)
		if j.Fresh != tc.fresh || (j.CacheControl() == "no-store") == tc.fresh {
			t.Errorf("age %s: JWKS fresh %v, %q", tc.age, j.Fresh, j.CacheControl())
		}
		if _, err := k.Ring().Signer(keys.ES256, at); !errors.Is(err, tc.signer) {
			t.Errorf("age %s: signer %v, want %v", tc.age, err, tc.signer)
		}
		if err := k.Ring().Stale(at); !errors.Is(err, tc.signer) {
			t.Errorf("age %s: stale %v, want %v", tc.age, err, tc.signer)
		}
	}
	boom := errors.New("boom")
	d.store.Fail(boom)
	d.clock.Advance(keys.FreshFor + time.Second)
	if err := k.Reload(t.Context()); !errors.Is(err, boom) {
		t.Errorf("reload: %v", err)
	}
	if done, err := k.Step(t.Context()); done || err != nil {
		t.Errorf("a step from a ring that isn't fresh: %v %v", done, err)
	}
	d.store.Fail(nil)
	d.pass(0, k)
	if err := k.Ring().Ready(d.clock.Now()); err != nil {
		t.Errorf("after the store came back: %v", err)
	}
}

func TestClock(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	for _, tc := range []struct {
		offset time.Duration
		want   error
	}{{keys.Leeway, nil}, {-keys.Leeway, nil}, {keys.Leeway + 1, keys.ErrClock}, {-keys.Leeway - 1, keys.ErrClock}, {0, nil}} {
		k.ObserveClock(tc.offset)
		if err := k.Ring().Ready(d.clock.Now()); !errors.Is(err, tc.want) {
			t.Errorf("offset %s: %v, want %v", tc.offset, err, tc.want)
		}
		d.pass(0, k)
		if err := k.Ring().Ready(d.clock.Now()); !errors.Is(err, tc.want) {
			t.Errorf("offset %s, after a reload: %v, want %v", tc.offset, err, tc.want)
		}
	}
}

// TestRestoredBackup: the store went back to an earlier version, and the replica follows it.
func TestRestoredBackup(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	backup, _ := d.store.LoadRing(t.Context())
	d.pass(time.Second, k)
	d.rotate(k, keys.RotateRequest{Force: true})
	d.store.Put(backup)
	d.pass(time.Second, k)
	if k.Ring().Version() != backup.Version {
		t.Errorf("version %d, want %d", k.Ring().Version(), backup.Version)
	}

	// It went back, and another replica has written the same version number before this one looked.
	d.rotate(k, keys.RotateRequest{Force: true})
	other := d.open()
	d.store.Put(backup)
	d.rotate(other, keys.RotateRequest{Force: true})
	d.pass(time.Minute, k, other)
	if x, y := d.signer(k, keys.ES256), d.signer(other, keys.ES256); x != y || d.kidOf(k, keys.ES256, keys.Standby) != d.kidOf(other, keys.ES256, keys.Standby) {
		t.Errorf("%s and %s sign, and different keys stand by", x, y)
	}
}

// TestLockFree reads while others write; -race is the judge.
func TestLockFree(t *testing.T) {
	store := new(keystest.MemStore)
	k := keystest.Open(t, keys.Config{Store: store})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				now := time.Now()
				r := k.Ring()
				key, err := r.Signer(keys.ES256, now)
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, ok := r.PublicKey(key.ID(), now); !ok {
					t.Error("the signer isn't published in its own ring")
				}
				r.JWKS(now)
				r.List(now)
				if id, err := r.Newest(); err != nil {
					t.Error(err)
				} else if _, ok := r.MAC(id, []byte("x")); !ok {
					t.Error("the minting key doesn't check")
				}
			}
		})
	}
	for i := range 10 {
		if _, err := k.Rotate(t.Context(), keys.RotateRequest{Force: i%2 == 0}); err != nil && !errors.Is(err, keys.ErrTooEarly) {
			t.Error(err)
		}
		if err := k.Reload(t.Context()); err != nil {
			t.Error(err)
		}
		k.ObserveClock(time.Duration(i))
	}
	wg.Wait()
}

package keys_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
)

func TestAddAlgorithm(t *testing.T) {
	d := deploy(t, keys.Policy{})
	old := d.open()
	d.pass(time.Hour, old)
	d.config.Policy.Algs = []keys.Algorithm{keys.EdDSA, keys.ES256}
	k := d.open()
	if _, err := k.Ring().Signer(keys.EdDSA, d.clock.Now()); !errors.Is(err, keys.ErrNoKey) {
		t.Fatalf("it signs at once: %v, want ErrNoKey", err)
	}
	if got := d.states(k); got != "ES256 active, ES256 standby, EdDSA pending, EdDSA standby" {
		t.Errorf("states %s", got)
	}
	if got := len(published(t, k.Ring().JWKS(d.clock.Now()))); got != 4 {
		t.Errorf("%d published", got)
	}
	wait := k.Policy().PublishWait()
	if _, err := k.Rotate(t.Context(), keys.RotateRequest{Alg: keys.EdDSA}); !errors.Is(err, keys.ErrTooEarly) {
		t.Errorf("rotated before it signs: %v", err)
	}
	if tl := d.rotate(k, keys.RotateRequest{}); len(tl.Steps) != 1 || tl.Steps[0].Alg != keys.ES256 {
		t.Errorf("all: %+v, want the one that signs", tl)
	}
	d.pass(wait-1, k, old)
	if got := k.Ring().Algorithms(d.clock.Now()); !slices.Equal(got, []keys.Algorithm{keys.ES256}) {
		t.Errorf("discovery would list %v", got)
	}
	d.pass(1, k, old)
	if got := k.Ring().Algorithms(d.clock.Now()); !slices.Equal(got, []keys.Algorithm{keys.EdDSA, keys.ES256}) {
		t.Errorf("discovery would list %v", got)
	}
	if a, b := d.signer(k, keys.EdDSA), d.signer(old, keys.EdDSA); a != b {
		t.Errorf("%s and %s sign", a, b)
	}
}

func TestHastenAddedAlgorithm(t *testing.T) {
	d := deploy(t, keys.Policy{})
	d.open()
	d.config.Policy.Algs = []keys.Algorithm{keys.ES256, keys.EdDSA}
	k := d.open()
	pending := d.kidOf(k, keys.EdDSA, keys.Pending)
	s := d.rotate(k, keys.RotateRequest{Alg: keys.EdDSA, Force: true}).Steps[0]
	d.pass(keys.ActivateAhead, k)
	if s.KID != pending || !s.Forced || s.Standby != "" || d.signer(k, keys.EdDSA) != pending {
		t.Errorf("step %+v", s)
	}
}

func TestDropAlgorithm(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.EdDSA}})
	old := d.open()
	kid := d.signer(old, keys.EdDSA)
	d.pass(time.Hour, old)
	d.config.Policy.Algs = []keys.Algorithm{keys.ES256}
	k := d.open()
	if got := d.signer(k, keys.EdDSA); got != kid {
		t.Errorf("%s signs in the two polls left", got)
	}
	d.pass(keys.ActivateAhead, k, old)
	for _, k := range []*keys.Keeper{k, old} {
		if _, err := k.Ring().Signer(keys.EdDSA, d.clock.Now()); !errors.Is(err, keys.ErrAlgorithm) {
			t.Errorf("it still signs: %v", err)
		}
		if got := k.Ring().Algorithms(d.clock.Now()); !slices.Equal(got, []keys.Algorithm{keys.ES256}) {
			t.Errorf("discovery would list %v", got)
		}
		if got := published(t, k.Ring().JWKS(d.clock.Now())); !slices.Contains(got, kid) || len(got) != 3 {
			t.Errorf("published %v: tokens of %s are out", got, kid)
		}
	}
	d.pass(k.Policy().Retain(), k)
	if slices.Contains(published(t, k.Ring().JWKS(d.clock.Now())), kid) {
		t.Error("still published after its tokens are over")
	}
	// And back: by the same gate as any algorithm that is added.
	d.config.Policy.Algs = []keys.Algorithm{keys.ES256, keys.EdDSA}
	k = d.open()
	if _, err := k.Ring().Signer(keys.EdDSA, d.clock.Now()); !errors.Is(err, keys.ErrNoKey) {
		t.Errorf("came back: %v, want ErrNoKey", err)
	}
}

func TestLongerSettingsLengthenWhatIsRetired(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	first := d.signer(k, keys.ES256)
	d.pass(k.Policy().PublishWait(), k)
	before := d.rotate(k, keys.RotateRequest{}).Steps[0].Remove
	d.config.Policy.LongestToken = time.Hour
	k = d.open()
	after := k.Ring().List(d.clock.Now())[0].Remove
	if got := after.Sub(before); got != 45*time.Minute {
		t.Errorf("lengthened by %s, want 45m", got)
	}
	if c := d.store.Changes()[2]; c.Kind != keys.Raised || c.Detail["token"] != "1h0m0s" {
		t.Errorf("audit %+v", c)
	}
	// A replica with shorter settings can't undercut it.
	d.config.Policy = keys.Policy{Algs: d.config.Policy.Algs, LongestToken: time.Minute, MaxAge: time.Second, RotateEvery: time.Hour}
	short := d.open()
	if len(d.store.Changes()) != 3 {
		t.Errorf("changes %q", d.changeKinds())
	}
	_, err := short.Rotate(t.Context(), keys.RotateRequest{})
	early, _ := errors.AsType[*keys.TooEarlyError](err)
	if early == nil || early.Safe.Before(d.clock.Now().Add(5*time.Minute)) {
		t.Errorf("the replica with a shorter max-age may rotate: %v", err)
	}
	if j := short.Ring().JWKS(d.clock.Now()); j.MaxAge != time.Second {
		t.Errorf("max-age %s, want its own setting", j.MaxAge)
	}
	d.pass(before.Sub(d.clock.Now()), short)
	if !slices.Contains(published(t, short.Ring().JWKS(d.clock.Now())), first) {
		t.Error("a token of an hour lost its key")
	}
}

// TestVisit: the command line may run with other settings, and changes none of theirs.
func TestVisit(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.EdDSA}})
	visit := d.config
	visit.Visit = true
	visit.Policy = keys.Policy{Algs: []keys.Algorithm{keys.ES384}, LongestToken: 10 * time.Hour}
	if _, err := keys.Open(t.Context(), visit); !errors.Is(err, keys.ErrNoRing) {
		t.Fatalf("visit of nothing: %v, want ErrNoRing", err)
	}
	k := d.open()
	v, err := keys.Open(t.Context(), visit)
	if err != nil || d.changeKinds() != "created" {
		t.Fatalf("a visit changed %q, %v", d.changeKinds(), err)
	}
	if _, err := v.Rotate(t.Context(), keys.RotateRequest{Force: true}); err != nil {
		t.Fatal(err)
	}
	d.pass(keys.ActivateAhead, k)
	for _, alg := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		if got := d.kidOf(k, alg, keys.Retired); got == "" {
			t.Errorf("%s wasn't rotated", alg)
		}
	}
	if done, err := v.Step(t.Context()); done || err != nil {
		t.Errorf("a visitor took a step by itself: %v %v", done, err)
	}
}

func TestJWKSIsStable(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.EdDSA, keys.ES384}})
	a, b := d.open(), d.open()
	x := a.Ring().JWKS(d.clock.Now())
	d.pass(24*time.Hour, a, b)
	for _, k := range []*keys.Keeper{a, b, d.open()} {
		y := k.Ring().JWKS(d.clock.Now())
		if string(x.Body) != string(y.Body) || x.ETag != y.ETag || y.MaxAge != 5*time.Minute {
			t.Errorf("JWKS differs between steps or replicas: %s %s", x.ETag, y.ETag)
		}
	}
	if x.CacheControl() != "public, max-age=300" {
		t.Errorf("Cache-Control %q", x.CacheControl())
	}
	allocs := testing.AllocsPerRun(100, func() { a.Ring().JWKS(d.clock.Now()) })
	if allocs != 0 {
		t.Errorf("%v allocations a request, want 0", allocs)
	}
	d.rotate(a, keys.RotateRequest{Alg: keys.ES256})
	if y := a.Ring().JWKS(d.clock.Now()); y.ETag == x.ETag {
		t.Error("a rotation left the ETag as it was")
	}
}

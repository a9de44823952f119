package keys_test

import (
	"crypto"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
	"github.com/signet-oidc/signet/keys/secret"
)

var (
	start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	seal  = secret.GenerateKey()
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// deployment is a store, a clock and what its replicas share.
type deployment struct {
	t      *testing.T
	store  *keystest.MemStore
	clock  *clock
	config keys.Config
}

func deploy(t *testing.T, p keys.Policy) *deployment {
	d := &deployment{t: t, store: new(keystest.MemStore), clock: newClock()}
	if len(p.Algs) == 0 {
		p.Algs = []keys.Algorithm{keys.ES256}
	}
	d.config = keys.Config{Store: d.store, SealKeys: []secret.Key{seal}, Policy: p, Now: d.clock.Now}
	return d
}

func (d *deployment) open() *keys.Keeper {
	d.t.Helper()
	k, err := keys.Open(d.t.Context(), d.config)
	if err != nil {
		d.t.Fatalf("open: %v", err)
	}
	return k
}

// pass lets time go by and the replicas read the ring.
func (d *deployment) pass(dt time.Duration, ks ...*keys.Keeper) {
	d.t.Helper()
	d.clock.Advance(dt)
	for _, k := range ks {
		if err := k.Reload(d.t.Context()); err != nil {
			d.t.Fatalf("reload: %v", err)
		}
	}
}

func (d *deployment) signer(k *keys.Keeper, alg keys.Algorithm) string {
	d.t.Helper()
	key, err := k.Ring().Signer(alg, d.clock.Now())
	if err != nil {
		d.t.Fatalf("signer: %v", err)
	}
	return key.ID()
}

func (d *deployment) rotate(k *keys.Keeper, q keys.RotateRequest) keys.Timeline {
	d.t.Helper()
	tl, err := k.Rotate(d.t.Context(), q)
	if err != nil {
		d.t.Fatalf("rotate: %v", err)
	}
	return tl
}

// states lists "kid state" by algorithm and age, with the kids left out.
func (d *deployment) states(k *keys.Keeper) string {
	var out []string
	for _, i := range k.Ring().List(d.clock.Now()) {
		out = append(out, string(i.Alg)+" "+string(i.State))
	}
	return strings.Join(out, ", ")
}

func (d *deployment) kidOf(k *keys.Keeper, alg keys.Algorithm, s keys.State) string {
	d.t.Helper()
	for _, i := range k.Ring().List(d.clock.Now()) {
		if i.Alg == alg && i.State == s {
			return i.KID
		}
	}
	d.t.Fatalf("no %s key that is %s among %s", alg, s, d.states(k))
	return ""
}

// published lists the kids in a JWKS.
func published(t *testing.T, j keys.JWKS) []string {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(j.Body, &set); err != nil {
		t.Fatalf("JWKS: %v", err)
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.KeyID)
	}
	return kids
}

// changeKinds lists what was written.
func (d *deployment) changeKinds() string {
	var out []string
	for _, c := range d.store.Changes() {
		out = append(out, c.Kind)
	}
	return strings.Join(out, " ")
}

// as asserts that v is a T.
func as[T any](t *testing.T, v any) T {
	t.Helper()
	out, ok := v.(T)
	if !ok {
		t.Fatalf("%T, want %T", v, out)
	}
	return out
}

// verifyJWS checks a compact token with go-jose, which knows nothing of the ring.
func verifyJWS(t *testing.T, token string, pub crypto.PublicKey, alg keys.Algorithm) (payload, header string) {
	t.Helper()
	sig, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatalf("parse token: %v", err)
	}
	b, err := sig.Verify(pub)
	if err != nil {
		t.Fatalf("verify token: %v", err)
	}
	return string(b), token[:strings.IndexByte(token, '.')]
}

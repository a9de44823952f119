package keys_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
	"github.com/signet-oidc/signet/keys/secret"
)

// The model runs real keepers on one store, each with a clock of its own that is off by up to the leeway, and lets
// chance decide what happens: time passes, replicas lose the store and find it again, crash and start with other
// settings, rotate when asked and by themselves, sign; verifiers fetch key sets and keep them for the whole max-age
// without ever looking again. After each step it holds the world to the promise:
//
//   - no replica signs with a key that a verifier who keeps the rules could not know, and
//   - no key set that is served lacks a key whose token a verifier would still take.
//
// Only a forced rotation and an emergency revocation may break it; the model forces nothing, unless it is told to, and
// then it must find the break.
type model struct {
	t     *testing.T
	r     *rand.Rand
	store *keystest.MemStore
	real  time.Time
	seal  secret.Key
	force bool

	replicas []*replica
	caches   []cache
	tokens   []token
	signed   map[string]bool // kids that ever signed
	broken   string
	sets     map[string][]string // kids by ETag
}

// replica is one process.
type replica struct {
	keeper *keys.Keeper
	policy keys.Policy
	offset time.Duration
	cut    bool // from the store
	synced time.Time
}

// cache is a key set that a verifier holds.
type cache struct {
	kids []string
	till time.Time
}

// token is what a verifier may be shown.
type token struct {
	kid  string
	till time.Time // by true time, with the verifier's leeway and clock
}

func newModel(t *testing.T, seed uint64, force bool) *model {
	return &model{
		t: t, r: rand.New(rand.NewPCG(seed, 1)), store: new(keystest.MemStore), real: start, seal: seal, force: force,
		signed: map[string]bool{}, sets: map[string][]string{},
	}
}

// dice returns a duration below d.
func (m *model) dice(d time.Duration) time.Duration { return time.Duration(m.r.Int64N(int64(d))) }

func (m *model) chance(percent int) bool { return m.r.IntN(100) < percent }

// offset is that of a clock, both ends of what is allowed more often than not.
func (m *model) offset() time.Duration {
	switch m.r.IntN(3) {
	case 0:
		return keys.Leeway
	case 1:
		return -keys.Leeway
	}
	return m.dice(2*keys.Leeway) - keys.Leeway
}

func (m *model) policy() keys.Policy {
	p := keys.Policy{
		Algs:         []keys.Algorithm{keys.ES256},
		MaxAge:       time.Duration(1+m.r.IntN(600)) * time.Second,
		LongestToken: time.Duration(1+m.r.IntN(60)) * time.Minute,
		RotateEvery:  time.Duration(1+m.r.IntN(10)) * time.Hour,
	}
	if m.chance(50) {
		p.Algs = append(p.Algs, keys.EdDSA)
	}
	return p
}

func (m *model) start(r *replica) {
	k, err := keys.Open(m.t.Context(), keys.Config{
		Store: m.store, SealKeys: []secret.Key{m.seal}, Policy: r.policy,
		Now: func() time.Time { return m.real.Add(r.offset) },
	})
	if err != nil {
		m.t.Fatalf("start: %v", err)
	}
	r.keeper, r.cut, r.synced = k, false, m.real
}

// run takes n steps and returns what broke, or nothing.
func (m *model) run(n int) string {
	alike, same := m.chance(70), m.policy()
	for range 1 + m.r.IntN(4) {
		r := &replica{offset: m.offset(), policy: m.policy()}
		if alike {
			r.policy = same
		}
		m.replicas = append(m.replicas, r)
		m.start(r)
	}
	for i := range n {
		m.step()
		if m.broken != "" {
			return fmt.Sprintf("step %d: %s", i, m.broken)
		}
	}
	return ""
}

func (m *model) step() {
	r := m.replicas[m.r.IntN(len(m.replicas))]
	switch n := m.r.IntN(100); {
	case n < 30:
		m.pass()
	case n < 55:
		m.fetch(r)
	case n < 80:
		m.sign(r)
	case n < 86:
		m.rotate(r)
	case n < 87:
		m.huntLateSet(r)
	case n < 88:
		m.huntLateToken(r)
	case n < 93:
		r.cut = !r.cut
	case n < 96: // crash, and start with what settings there are now
		if m.chance(50) {
			r.policy = m.policy()
		}
		m.start(r)
	default:
		m.sync(r)
		_, _ = r.keeper.Step(m.t.Context())
	}
}

// pass lets time go by: mostly moments, sometimes hours. Replicas that reach the store poll on their way.
func (m *model) pass() {
	spans := []time.Duration{time.Second, 5 * time.Second, 20 * time.Second, 2 * time.Minute, 10 * time.Minute, 20 * time.Minute, 4 * time.Hour}
	m.real = m.real.Add(m.dice(spans[m.r.IntN(len(spans))]))
	m.expire()
}

func (m *model) expire() {
	m.caches = slices.DeleteFunc(m.caches, func(c cache) bool { return m.real.After(c.till) })
	m.tokens = slices.DeleteFunc(m.tokens, func(t token) bool { return m.real.After(t.till) })
}

// sync is the poll of a replica that reaches the store. A poll may be a moment old when the replica is asked, or late by
// as much as a ring may be used for.
func (m *model) sync(r *replica) {
	late := keys.Poll
	if m.chance(20) {
		late = keys.FreshFor
	}
	if r.cut || m.real.Sub(r.synced) < m.dice(late) {
		return
	}
	if err := r.keeper.Reload(m.t.Context()); err != nil {
		m.t.Fatalf("reload: %v", err)
	}
	r.synced = m.real
}

func (m *model) now(r *replica) time.Time { return m.real.Add(r.offset) }

// rotate asks for one. A refusal is fine; what is done must be safe.
func (m *model) rotate(r *replica) {
	if r.cut {
		return
	}
	q := keys.RotateRequest{Force: m.force}
	if m.chance(50) {
		q.Alg = keys.ES256
	}
	_, err := r.keeper.Rotate(m.t.Context(), q)
	if err != nil && !errors.Is(err, keys.ErrTooEarly) && !errors.Is(err, keys.ErrNoKey) {
		m.t.Fatalf("rotate: %v", err)
	}
}

// fetch is a verifier that gets the key set, which must hold every key of a token that it may be shown.
func (m *model) fetch(r *replica) {
	m.expire()
	m.sync(r)
	j := r.keeper.Ring().JWKS(m.now(r))
	if !j.Fresh {
		return // no-store, and the replica isn't ready
	}
	if m.sets[j.ETag] == nil {
		m.sets[j.ETag] = published(m.t, j)
	}
	c := cache{kids: m.sets[j.ETag], till: m.real.Add(j.MaxAge)}
	m.caches = append(m.caches, c)
	for _, t := range m.tokens {
		if !slices.Contains(c.kids, t.kid) {
			m.broken = fmt.Sprintf("key %s isn't served %s before its last token is over", t.kid, t.till.Sub(m.real))
		}
	}
}

// sign is a token, for which every verifier must know the key.
func (m *model) sign(r *replica) {
	m.expire()
	m.sync(r)
	for _, alg := range r.keeper.Ring().Algorithms(m.now(r)) {
		key, err := r.keeper.Ring().Signer(alg, m.now(r))
		if errors.Is(err, keys.ErrStale) {
			return
		}
		if err != nil {
			m.broken = fmt.Sprintf("discovery lists %s, but: %v", alg, err)
			return
		}
		m.signed[key.ID()] = true
		// The verifier's clock may be behind by a leeway, and it grants an expired token its own.
		exp := m.now(r).Add(r.policy.LongestToken)
		m.tokens = append(m.tokens, token{key.ID(), exp.Add(keys.Leeway + keys.VerifierLeeway)})
		for _, c := range m.caches {
			if !slices.Contains(c.kids, key.ID()) {
				m.broken = fmt.Sprintf("%s signs, which a verifier won't know for %s", key.ID(), c.till.Sub(m.real))
			}
		}
	}
	if _, err := r.keeper.Ring().Signer(keys.ES256, m.now(r)); err != nil && !errors.Is(err, keys.ErrStale) {
		m.broken = fmt.Sprintf("ES256 has a gap: %v", err)
	}
}

// TestModel is promise 3, on many worlds.
func TestModel(t *testing.T) {
	worlds, steps, rotated := 60, 400, 0
	if testing.Short() || raced {
		worlds = 10
	}
	for seed := range uint64(worlds) {
		m := newModel(t, seed, false)
		if broken := m.run(steps); broken != "" {
			t.Fatalf("seed %d: %s", seed, broken)
		}
		rotated += len(m.signed)
	}
	if rotated < 5*worlds {
		t.Errorf("only %d keys signed in %d worlds: the model hardly moves", rotated, worlds)
	}
}

// TestModelSeesABreak: the same model finds what a forced rotation breaks, so that its silence means something.
func TestModelSeesABreak(t *testing.T) {
	found, worlds := 0, 30
	if raced {
		worlds = 10
	}
	for seed := range uint64(worlds) {
		if newModel(t, seed, true).run(400) != "" {
			found++
		}
	}
	if found < worlds/3 {
		t.Errorf("forced rotations broke %d of %d worlds: the model is blind", found, worlds)
	}
}

package keys

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Ring is an immutable snapshot of the keys. Its methods take no lock and do no I/O.
type Ring struct {
	*contents
	loaded time.Time     // when the store last confirmed it
	offset time.Duration // of this machine's clock against the database's, as last observed
	maxAge time.Duration // by the settings of this replica
	every  time.Duration // likewise
}

// contents is what one version of the ring holds. Snapshots of the same version share it.
type contents struct {
	version int64
	raw     []byte // as it is stored
	doc     *document
	signers map[Algorithm][]signerEntry // each latest activation first
	public  map[string]publicEntry
	refresh map[uint32]RefreshKey
	minting uint32
	steps   []jwksStep
}

// signerEntry is a key that signs within a span of time.
type signerEntry struct {
	record *record
	key    *Key
}

// publicEntry is the public part of a key.
type publicEntry struct {
	record *record
	key    crypto.PublicKey
	jwk    jose.JSONWebKey
}

// builder makes contents of documents, and reuses the keys that the last ones had opened: a private key is unsealed once.
type builder struct {
	seal      *sealer
	providers []Provider
	opened    map[string]*Key // by kid
}

// build opens a document. An error names the key and leaves everything as it was.
func (b *builder) build(ctx context.Context, stored Sealed, doc *document) (*contents, error) {
	c := &contents{
		version: stored.Version, raw: stored.Document, doc: doc,
		signers: map[Algorithm][]signerEntry{}, public: map[string]publicEntry{}, refresh: map[uint32]RefreshKey{},
	}
	opened := map[string]*Key{}
	for i := range doc.Keys {
		if err := b.addKey(ctx, c, &doc.Keys[i], opened); err != nil {
			return nil, err
		}
	}
	for _, line := range c.signers {
		slices.SortFunc(line, func(x, y signerEntry) int { return y.record.Activate.Compare(x.record.Activate) })
	}
	if err := b.addRefresh(c); err != nil {
		return nil, err
	}
	if err := c.prepareJWKS(); err != nil {
		return nil, err
	}
	b.opened = opened
	return c, nil
}

func (b *builder) addKey(ctx context.Context, c *contents, r *record, opened map[string]*Key) error {
	public, err := readPublic(r)
	if err != nil {
		return err
	}
	c.public[r.KID] = public
	if r.Private == "" || !r.Revoked.IsZero() {
		return nil
	}
	key, err := b.open(ctx, r, public.key)
	if err != nil {
		return err
	}
	opened[r.KID] = key
	if !r.Activate.IsZero() {
		c.signers[r.Alg] = append(c.signers[r.Alg], signerEntry{r, key})
	}
	return nil
}

// open unseals a private key, or takes the one that was opened before.
func (b *builder) open(ctx context.Context, r *record, public crypto.PublicKey) (*Key, error) {
	if key := b.opened[r.KID]; key != nil && key.alg == r.Alg && samePublic(key.Public(), public) {
		return key, nil
	}
	state, err := b.seal.open(sealedSigning, r.KID, r.Private)
	if err != nil {
		return nil, err
	}
	defer clear(state)
	p, err := providerOf(b.providers, r.Provider)
	if err != nil {
		return nil, fmt.Errorf("open key %s: %w", r.KID, err)
	}
	signer, err := p.Open(ctx, r.Alg, state)
	if err != nil {
		return nil, fmt.Errorf("open key %s: %w", r.KID, err)
	}
	if !samePublic(signer.Public(), public) {
		return nil, fmt.Errorf("%w: key %s: its public part is another key's", ErrDocument, r.KID)
	}
	return newKey(r.KID, r.Alg, signer)
}

func providerOf(all []Provider, name string) (Provider, error) {
	for _, p := range all {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%w: %.40q", ErrProvider, name)
}

// readPublic reads a record's JWK and holds it to what the record says.
func readPublic(r *record) (publicEntry, error) {
	var stored jose.JSONWebKey
	if err := json.Unmarshal(r.Public, &stored); err != nil {
		return publicEntry{}, fmt.Errorf("%w: key %s: %w", ErrDocument, r.KID, err)
	}
	if !stored.IsPublic() {
		return publicEntry{}, fmt.Errorf("%w: key %s: its public part isn't one", ErrDocument, r.KID)
	}
	if err := r.Alg.check(stored.Key); err != nil {
		return publicEntry{}, fmt.Errorf("%w: key %s: %w", ErrDocument, r.KID, err)
	}
	thumb, err := thumbprint(stored.Key)
	if err != nil {
		return publicEntry{}, err
	}
	if thumb != r.KID && !r.Imported {
		return publicEntry{}, fmt.Errorf("%w: key %s: its kid isn't its thumbprint", ErrDocument, r.KID)
	}
	return publicEntry{r, stored.Key, publicJWK(r.KID, r.Alg, stored.Key)}, nil
}

// samePublic compares two public keys of the standard library.
func samePublic(a, b crypto.PublicKey) bool {
	x, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && x.Equal(b)
}

// age is how long ago the store last confirmed the ring.
func (r *Ring) age(now time.Time) time.Duration { return now.Sub(r.loaded) }

// Version is the ring's version in the store.
func (r *Ring) Version() int64 { return r.version }

// Loaded is when the store last confirmed the ring, by this machine's clock.
func (r *Ring) Loaded() time.Time { return r.loaded }

// Signer returns the key that signs for alg at now. It is ErrAlgorithm where the ring doesn't sign with alg, ErrNoKey
// where it will but verifiers can't know the key yet, and ErrStale where the ring is too old.
func (r *Ring) Signer(alg Algorithm, now time.Time) (*Key, error) {
	if err := r.Stale(now); err != nil {
		return nil, err
	}
	for _, e := range r.signers[alg] {
		if e.record.signs(now) {
			return e.key, nil
		}
	}
	if r.doc.live(alg) {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, alg)
	}
	return nil, fmt.Errorf("%w: %.20q", ErrAlgorithm, alg)
}

// Stale returns an ErrStale where the ring is older than StaleFor: nothing may be signed or refused by it.
func (r *Ring) Stale(now time.Time) error {
	if age := r.age(now); age > StaleFor {
		return fmt.Errorf("%w: %s", ErrStale, age.Round(time.Second))
	}
	return nil
}

// Algorithms lists those that may sign at now, in the order of the settings: discovery names them. One that was dropped
// and signs until another may comes last.
func (r *Ring) Algorithms(now time.Time) []Algorithm {
	var out []Algorithm
	for _, alg := range slices.Concat(r.doc.Algs, Algorithms()) {
		if r.doc.signer(alg, now) != nil && !slices.Contains(out, alg) {
			out = append(out, alg)
		}
	}
	return out
}

// PublicKey returns a published key: what an access token may be verified with at now.
func (r *Ring) PublicKey(kid string, now time.Time) (crypto.PublicKey, Algorithm, bool) {
	e, ok := r.public[kid]
	if !ok || !e.record.published(now) {
		return nil, "", false
	}
	return e.key, e.record.Alg, true
}

// HintKey returns a key that an ID token given as id_token_hint may be checked with: published ones and removed ones
// (OpenID Connect RP-Initiated Logout 1.0 §4 accepts expired ID tokens), never a revoked one.
func (r *Ring) HintKey(kid string) (crypto.PublicKey, Algorithm, bool) {
	e, ok := r.public[kid]
	if !ok || !e.record.Revoked.IsZero() {
		return nil, "", false
	}
	return e.key, e.record.Alg, true
}

// Ready returns nil when the replica may be sent requests: its ring was confirmed within FreshFor, some key may sign, and
// its clock is within Leeway of the database's.
func (r *Ring) Ready(now time.Time) error {
	var errs []error
	if age := r.age(now); age > FreshFor {
		errs = append(errs, fmt.Errorf("%w: for %s; is the database reachable?", ErrNotFresh, age.Round(time.Second)))
	}
	if _, err := r.Newest(); err != nil {
		errs = append(errs, err)
	}
	if len(r.Algorithms(now)) == 0 {
		errs = append(errs, fmt.Errorf("%w: of %v", ErrNoKey, r.doc.Algs))
	}
	return errors.Join(append(errs, r.Clock())...)
}

// ClockOffset is by how much this machine's clock is ahead of the database's, as last observed.
func (r *Ring) ClockOffset() time.Duration { return r.offset }

// Clock returns an ErrClock where this machine's clock is off the database's by more than Leeway.
func (r *Ring) Clock() error {
	if r.offset.Abs() <= Leeway {
		return nil
	}
	return fmt.Errorf("%w: by %s against the database's, more than %s: start time synchronisation", ErrClock, r.offset.Round(time.Millisecond), Leeway)
}

// Format prints version and number of keys, under every verb.
func (r *Ring) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("key ring version %d of %d keys", r.version, len(r.doc.Keys)))
}

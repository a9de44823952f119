package client

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/signet-oidc/signet/verifier/jws"
)

// Bounds of the memory of remote key sets.
const (
	// freshKeys is how long a set is used before it is asked for again: so long at
	// most is a key trusted that the client has withdrawn.
	freshKeys = 5 * time.Minute
	// staleKeys is how long a set goes on while the client's address doesn't answer.
	staleKeys = time.Hour
	// keysPause lies between two fetches of one address, whatever key ids are asked
	// for and whatever the last one brought.
	keysPause = 10 * time.Second
	// keysPatience is how long a caller waits for news of a set that will do.
	keysPatience = time.Second
	// keysTime bounds a fetch, which lasts longer than who asked for it may wait.
	keysTime = 10 * time.Second
	maxSets  = 1024 // addresses; of further ones the longest unused is forgotten
)

// ErrKeys means that there is no key of a client to check a signature with: it has
// none of the id and algorithm, or its jwks_uri brought none. What it wraps is for the
// log: it tells how an address answered that the client chose.
var ErrKeys = errors.New("no such key of the client")

// Fetcher gets a document of at most a bounded size, from addresses that may be
// called.
type Fetcher interface {
	Get(ctx context.Context, address, accept string) ([]byte, error)
}

// Keys finds clients' public keys, and remembers what jwks_uri brought. It is safe for
// concurrent use.
type Keys struct {
	fetcher Fetcher
	now     func() time.Time

	mu   sync.Mutex // guards:
	sets map[string]*remoteSet
}

// NewKeys returns an empty memory. now nil is time.Now.
func NewKeys(f Fetcher, now func() time.Time) *Keys {
	if now == nil {
		now = time.Now
	}
	return &Keys{fetcher: f, now: now, sets: map[string]*remoteSet{}}
}

// Find returns the client's keys that may have signed by alg, or ErrKeys. By a kid it
// is one (several, if the client uses an id twice); without, all that fit (OpenID
// Connect Core §10.1 wants a kid where there are several). One that isn't known may be
// new, so that the client's address is asked again, unless it was just now.
func (k *Keys) Find(ctx context.Context, c Client, kid, alg string) ([]crypto.PublicKey, error) {
	if c.JWKSURI == "" {
		own, err := parseKeys(string(c.JWKS))
		if err != nil {
			return nil, fmt.Errorf("%w: jwks: %w", ErrKeys, err)
		}
		return pick(own, kid, alg)
	}
	set := k.set(c.JWKSURI)
	known, err := k.read(ctx, set, c.JWKSURI, false)
	if err != nil {
		return nil, err
	}
	if found, err := pick(known, kid, alg); err == nil {
		return found, nil
	}
	if known, err = k.read(ctx, set, c.JWKSURI, true); err != nil {
		return nil, err
	}
	return pick(known, kid, alg)
}

func pick(keys []publicKey, kid, alg string) (found []crypto.PublicKey, err error) {
	for _, key := range keys {
		if (kid == "" || kid == key.id) && (key.alg == "" || key.alg == alg) && jws.Fits(alg, key.public) {
			found = append(found, key.public)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: kid %.64q for %.16q", ErrKeys, kid, alg)
	}
	return found, nil
}

// remoteSet is what is known of one address.
type remoteSet struct {
	used time.Time // under Keys.mu

	mu      sync.Mutex // guards:
	keys    []publicKey
	fetched time.Time     // when keys came; zero: never
	tried   time.Time     // when the last fetch began
	failure error         // of the last fetch
	flight  chan struct{} // closed when the fetch under way has ended; nil: none is
}

// set returns an address's entry, and makes room for a new one.
func (k *Keys) set(address string) *remoteSet {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.sets[address]
	if s == nil {
		if len(k.sets) >= maxSets {
			k.forgetOne()
		}
		s = &remoteSet{}
		k.sets[address] = s
	}
	s.used = k.now()
	return s
}

// forgetOne drops the longest unused. mu is held.
func (k *Keys) forgetOne() {
	oldest := ""
	for address, s := range k.sets {
		if oldest == "" || s.used.Before(k.sets[oldest].used) {
			oldest = address
		}
	}
	delete(k.sets, oldest)
}

// read returns the keys of an address. It fetches what isn't fresh, or everything if
// anew, in one flight for all who ask; a failed or a slow fetch changes nothing for
// who has keys that will do.
func (k *Keys) read(ctx context.Context, s *remoteSet, address string, anew bool) ([]publicKey, error) {
	now := k.now()
	s.mu.Lock()
	if !anew && s.younger(now, freshKeys) {
		defer s.mu.Unlock()
		return s.keys, nil
	}
	if s.flight == nil && (s.tried.IsZero() || now.Sub(s.tried) >= keysPause) {
		s.tried, s.flight = now, make(chan struct{})
		go k.fetch(s, address)
	}
	flight, waits := s.flight, !s.younger(now, staleKeys)
	s.mu.Unlock()
	if err := await(ctx, flight, waits); err != nil {
		return nil, err
	}
	return s.latest(k.now())
}

func (s *remoteSet) younger(now time.Time, age time.Duration) bool {
	return !s.fetched.IsZero() && now.Sub(s.fetched) < age
}

// await waits for a flight: as long as the caller may, or for a moment only.
func await(ctx context.Context, flight chan struct{}, waits bool) error {
	if flight == nil {
		return nil
	}
	var enough <-chan time.Time
	if !waits {
		timer := time.NewTimer(keysPatience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-flight:
	case <-enough:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (s *remoteSet) latest(now time.Time) ([]publicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.younger(now, staleKeys):
		return s.keys, nil
	case s.failure == nil: // became too old in the moment of waiting
		return nil, ErrKeys
	}
	return nil, fmt.Errorf("%w: jwks_uri: %w", ErrKeys, s.failure)
}

// fetch ends with its own time, not with that of who began it: others wait too.
func (k *Keys) fetch(s *remoteSet, address string) {
	ctx, cancel := context.WithTimeout(context.Background(), keysTime)
	defer cancel()
	keys, err := k.get(ctx, address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys, s.fetched = keys, k.now()
	}
	s.failure = err
	close(s.flight)
	s.flight = nil
}

func (k *Keys) get(ctx context.Context, address string) ([]publicKey, error) {
	text, err := k.fetcher.Get(ctx, address, "application/jwk-set+json, application/json")
	if err != nil {
		return nil, err
	}
	return parseKeys(string(text))
}

// publicKey is a key of a client's set.
type publicKey struct {
	id     string // kid, "" if absent
	alg    string // "" where its type and curve decide
	public crypto.PublicKey
}

// errPrivate says that a set holds what nobody but its owner may have.
var errPrivate = errors.New("a private or symmetric key")

// parseKeys reads a JWK set. Keys of unknown types, weak ones and those for other uses
// are passed over (RFC 7517 §5), so that none may be left; one with a private part
// makes the whole set an error, since who made it doesn't mind what is in it.
func parseKeys(set string) ([]publicKey, error) {
	if len(set) > maxJWKS {
		return nil, fmt.Errorf("larger than %d bytes", maxJWKS)
	}
	raws, err := splitKeys(set)
	if err != nil {
		return nil, err
	}
	keys := []publicKey{}
	for _, raw := range raws {
		key, ok, err := parseKey(raw)
		if err != nil {
			return nil, err
		}
		if ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// splitKeys returns the elements of keys as they stand.
func splitKeys(set string) (raws []string, err error) {
	r, found := jws.NewReader(set), false
	for m := r.Object(); m.Next(&r); {
		if m.Name != "keys" {
			continue
		}
		found = true
		for a := r.Array(); a.Next(&r); {
			if len(raws) == maxKeys {
				return nil, fmt.Errorf("more than %d keys", maxKeys)
			}
			raws = append(raws, r.Raw())
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("not a JWK set")
	}
	return raws, nil
}

// private are the members of a JWK that nobody but its owner may have (RFC 7518 §6, RFC
// 8037 §2).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// parseKey reads one key; ok says that it can check signatures.
func parseKey(jwk string) (key publicKey, ok bool, err error) {
	r, use, verifies := jws.NewReader(jwk), "sig", true
	for m := r.Object(); m.Next(&r); {
		switch {
		case slices.Contains(private, m.Name):
			return key, false, errPrivate
		case m.Name == "use":
			use = r.String()
		case m.Name == "key_ops":
			verifies = slices.Contains(r.Strings(nil), "verify")
		case m.Name == "kid":
			key.id = r.String()
		case m.Name == "alg":
			key.alg = r.String()
		}
	}
	if err := r.End(); err != nil {
		return key, false, err
	}
	if key.public, err = jws.ParseKey(jwk); err != nil || use != "sig" || !verifies {
		return key, false, nil // of a type that we don't know, weak, or for something else
	}
	return key, key.alg == "" || jws.Fits(key.alg, key.public), nil
}

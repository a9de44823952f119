package verifier

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// How RemoteKeys paces itself.
const (
	keyWait     = 2 * time.Second  // a request's longest wait for keys
	maxRefresh  = 5 * time.Minute  // between looks, where no status list is polled
	firstRetry  = time.Second      // after a failure
	emptyRetry  = 5 * time.Second  // the longest pause while no key is known at all
	outageRetry = 30 * time.Second // the longest pause during an outage
)

// RemoteKeysConfig is for NewRemoteKeys. Issuer is required.
type RemoteKeysConfig struct {
	Issuer     string           // as Config.Issuer
	HTTPClient *http.Client     // as Config.HTTPClient
	Poll       time.Duration    // as Config.Poll
	Outage     time.Duration    // as Config.Outage
	Withdrawn  func()           // called when a key is gone or changed; nil: nobody asks
	Fetched    func(Fetch)      // as Hooks.Fetched
	Now        func() time.Time // as Config.Now
}

// RemoteKeys is a KeySet of the keys that an issuer publishes, found by discovery
// and refreshed in the background: at each poll where the issuer publishes status
// lists, else when their max-age is over, at most five minutes. An unknown kid may
// cause a fetch, out of a small bucket, which all callers share.
type RemoteKeys struct {
	cfg         RemoteKeysConfig
	fetcher     fetcher
	systemClock bool // whether cfg.Now is time.Now
	cancel      context.CancelFunc
	ctx         context.Context // of the background, ended by Close
	done        chan struct{}

	snap      atomic.Pointer[keySnapshot] // nil until the first success
	validated atomic.Int64                // when snap was last known to be the truth, in ns
	bucket    bucket
	flights   flights

	mu       sync.Mutex // the rest, which the one flight under way writes
	meta     metadata
	metaAt   time.Time
	maxAge   time.Duration
	failures int
	lastErr  error
}

var _ KeySet = (*RemoteKeys)(nil)

// keySnapshot is what one JWKS document said. It doesn't change.
type keySnapshot struct {
	keys map[string]Key
	body []byte
	etag string
}

// NewRemoteKeys starts to fetch at once and doesn't wait. The background ends
// with ctx or Close.
func NewRemoteKeys(ctx context.Context, cfg RemoteKeysConfig) (*RemoteKeys, error) {
	u, err := checkIssuer(cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("remote keys: issuer: %w", err)
	}
	cfg.Poll, cfg.Outage = orDefault(cfg.Poll, DefaultPoll), orDefault(cfg.Outage, DefaultOutage)
	systemClock := cfg.Now == nil
	if systemClock {
		cfg.Now = time.Now
	}
	k := &RemoteKeys{cfg: cfg, systemClock: systemClock, fetcher: newFetcher(cfg.HTTPClient, u), maxAge: -1, done: make(chan struct{})}
	k.ctx, k.cancel = context.WithCancel(ctx)
	first := k.flights.join(always, k.fetch)
	go k.run(first)
	return k, nil
}

// Close ends the background.
func (k *RemoteKeys) Close() {
	k.cancel()
	<-k.done
}

// Refresh asks the issuer now.
func (k *RemoteKeys) Refresh(ctx context.Context) error {
	ended, err := k.flights.join(always, k.fetch).wait(ctx, fetchTime*2)
	if !ended && err == nil {
		err = ErrKeysUnavailable
	}
	return err
}

// Key returns the issuer's key by kid. See [KeySet].
func (k *RemoteKeys) Key(ctx context.Context, kid string) (Key, error) {
	key, _, err := k.find(ctx, kid, k.cfg.Now())
	return key, err
}

// Fetched returns when the keys were last known to be the issuer's, zero for
// never, and the error of the last look, if it failed.
func (k *RemoteKeys) Fetched() (time.Time, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at := k.validated.Load(); at != 0 {
		return time.Unix(0, at).UTC(), k.lastErr
	}
	return time.Time{}, k.lastErr
}

// stands says whether snap is still what counts.
func (k *RemoteKeys) stands(snap *keySnapshot, now time.Time) bool {
	return snap == k.snap.Load() && k.fresh(now)
}

// fresh says whether an outage, if there is one, is within the stated time.
func (k *RemoteKeys) fresh(now time.Time) bool {
	return now.UnixNano()-k.validated.Load() <= int64(k.cfg.Outage)
}

// find looks into the snapshot, and past it only for a kid it doesn't hold. now is
// by cfg.Now.
func (k *RemoteKeys) find(ctx context.Context, kid string, now time.Time) (Key, *keySnapshot, error) {
	key, snap, err := k.known(kid, now)
	if err == nil {
		return key, snap, nil
	}
	fl := k.flights.join(k.mayFetch, k.fetch)
	if fl == nil {
		return Key{}, nil, err
	}
	if _, waited := fl.wait(ctx, keyWait); waited != nil && ctx.Err() != nil {
		return Key{}, nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, waited)
	}
	return k.known(kid, k.cfg.Now())
}

// mayFetch asks the bucket, unless nothing is known: then the background is
// trying as hard as it should.
func (k *RemoteKeys) mayFetch() bool {
	return k.snap.Load() != nil && k.ctx.Err() == nil && k.bucket.take(k.cfg.Now())
}

func (k *RemoteKeys) known(kid string, now time.Time) (Key, *keySnapshot, error) {
	snap := k.snap.Load()
	if snap == nil || !k.fresh(now) {
		_, err := k.Fetched()
		return Key{}, nil, unavailable(err)
	}
	if key, ok := snap.keys[kid]; ok {
		return key, snap, nil
	}
	return Key{}, nil, unknownKey(kid)
}

func unavailable(cause error) error {
	if cause == nil {
		return ErrKeysUnavailable
	}
	return fmt.Errorf("%w: %w", ErrKeysUnavailable, cause)
}

// run refreshes until it is told to stop.
func (k *RemoteKeys) run(fl *flight) {
	defer close(k.done)
	for {
		<-fl.done
		timer := time.NewTimer(k.pause())
		select {
		case <-k.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		fl = k.flights.join(always, k.fetch)
	}
}

// pause is how long until the next look.
func (k *RemoteKeys) pause() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.failures > 0 && k.snap.Load() == nil:
		return backOff(k.failures, firstRetry/2, emptyRetry)
	case k.failures > 0:
		return backOff(k.failures, min(firstRetry, k.cfg.Poll), outageRetry)
	case k.meta.status:
		return jitter(k.cfg.Poll)
	case k.maxAge < 0:
		return jitter(maxRefresh)
	}
	return jitter(min(max(k.maxAge, k.cfg.Poll), maxRefresh))
}

// fetch looks at the issuer once. It runs in one goroutine at a time.
func (k *RemoteKeys) fetch() error {
	began := time.Now()
	url, changed, err := k.look()
	k.mu.Lock()
	k.lastErr = err
	if k.failures++; err == nil {
		k.failures = 0
	}
	k.mu.Unlock()
	if k.cfg.Fetched != nil {
		k.cfg.Fetched(Fetch{What: "keys", URL: url, Changed: changed, Took: time.Since(began), Err: err})
	}
	return err
}

func (k *RemoteKeys) look() (url string, changed bool, err error) {
	meta, err := k.metadata()
	if err != nil {
		return k.cfg.Issuer, false, err
	}
	old := k.snap.Load()
	etag := ""
	if old != nil {
		etag = old.etag
	}
	asked := k.cfg.Now() // before the answer: it is at least as old as the question
	d, err := k.fetcher.get(k.ctx, meta.jwksURI, etag, "application/jwk-set+json, application/json", maxJWKS)
	if err == nil && !d.unchanged {
		changed, err = k.take(old, d)
	}
	if err != nil {
		k.forgetMetadata()
		return meta.jwksURI, false, err
	}
	k.mu.Lock()
	k.maxAge = d.maxAge
	k.mu.Unlock()
	k.validated.Store(asked.UnixNano())
	return meta.jwksURI, changed, nil
}

// take makes a snapshot of a document that differs from the one held.
func (k *RemoteKeys) take(old *keySnapshot, d document) (changed bool, err error) {
	if old != nil && bytes.Equal(old.body, d.body) && old.etag == d.etag {
		return false, nil
	}
	keys, err := parseJWKS(d.body)
	if err != nil {
		return false, err
	}
	if old != nil {
		keepPointers(keys, old.keys)
	}
	k.snap.Store(&keySnapshot{keys: keys, body: d.body, etag: d.etag})
	if old != nil && withdrawn(old.keys, keys) && k.cfg.Withdrawn != nil {
		k.cfg.Withdrawn()
	}
	return true, nil
}

// keepPointers lets keys that stayed stay the same pointers, so that telling that
// they are the same costs nothing.
func keepPointers(keys, old map[string]Key) {
	for kid, key := range keys {
		if was, ok := old[kid]; ok && was.same(key) {
			keys[kid] = was
		}
	}
}

// withdrawn says whether a key of old is gone or another now.
func withdrawn(old, keys map[string]Key) bool {
	for kid, was := range old {
		if is, ok := keys[kid]; !ok || !is.same(was) {
			return true
		}
	}
	return false
}

// metadata is the discovery document, read again when it is old. A look that
// fails leaves the old one in use.
func (k *RemoteKeys) metadata() (metadata, error) {
	k.mu.Lock()
	meta, at := k.meta, k.metaAt
	k.mu.Unlock()
	now := k.cfg.Now()
	if meta.jwksURI != "" && now.Sub(at) < metadataAge {
		return meta, nil
	}
	fresh, err := k.fetcher.discover(k.ctx, k.cfg.Issuer)
	if err != nil && meta.jwksURI == "" {
		return metadata{}, err
	}
	if err == nil {
		meta = fresh
	}
	k.mu.Lock()
	k.meta, k.metaAt = meta, now
	k.mu.Unlock()
	return meta, nil
}

// forgetMetadata has discovery read again at the next look: the keys may have moved.
func (k *RemoteKeys) forgetMetadata() {
	k.mu.Lock()
	k.metaAt = time.Time{}
	k.mu.Unlock()
}

package verifier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signet-oidc/signet/verifier/jws"
)

// How RemoteStatus paces and bounds itself.
const (
	listWait    = time.Second // a request's longest wait for a list never seen
	maxLists    = 1024        // lists remembered: 134 million sessions of Signet's
	listIdle    = time.Hour   // a list nobody asked for so long is no longer polled
	pollAtOnce  = 4           // lists fetched at the same time
	maxListBody = 1 << 20     // bytes of a status list token
)

// RemoteStatusConfig is for NewRemoteStatus. Issuer and Keys are required.
type RemoteStatusConfig struct {
	Issuer     string           // as Config.Issuer
	Keys       KeySet           // which sign the lists
	Algorithms []string         // as Config.Algorithms
	HTTPClient *http.Client     // as Config.HTTPClient
	Poll       time.Duration    // as Config.Poll
	MaxAge     time.Duration    // as Config.StatusMaxAge
	Leeway     time.Duration    // as Config.Leeway
	Fetched    func(Fetch)      // as Hooks.Fetched
	Now        func() time.Time // as Config.Now
}

// RemoteStatus is a StatusSource of the issuer's status lists: each list that a
// token named is polled in the background, and only a list never seen before is
// waited for, by one shared fetch, for a second at most.
type RemoteStatus struct {
	cfg        RemoteStatusConfig
	prefix     string
	fetcher    fetcher
	signatures signatures
	ctx        context.Context
	cancel     context.CancelFunc
	done       chan struct{}

	known atomic.Pointer[map[string]*list] // by uri; a snapshot, swapped whole
	mu    sync.Mutex                       // among those who swap known
}

var _ StatusSource = (*RemoteStatus)(nil)

// list is one status list, over time.
type list struct {
	owner   *RemoteStatus
	uri     string
	state   atomic.Pointer[listState] // nil until the first success
	checked atomic.Int64              // when state was last known to be the truth, in ns
	used    atomic.Int64              // when a token last named it, in ns, to about a poll
	flights flights

	mu       sync.Mutex
	failures int
	next     time.Time // no fetch before, after failures
	lastErr  error
}

type listState struct {
	*statusList
	etag string
}

// NewRemoteStatus starts polling; there is nothing to poll until a token names a
// list. The background ends with ctx or Close.
func NewRemoteStatus(ctx context.Context, cfg RemoteStatusConfig) (*RemoteStatus, error) {
	u, err := checkIssuer(cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("remote status: issuer: %w", err)
	}
	if cfg.Keys == nil {
		return nil, errors.New("remote status: Keys is nil: give the issuer's, for the lists are signed")
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{jws.ES256, jws.RS256}
	}
	cfg.Poll, cfg.Leeway = orDefault(cfg.Poll, DefaultPoll), max(orDefault(cfg.Leeway, DefaultLeeway), 0)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &RemoteStatus{
		cfg: cfg, fetcher: newFetcher(cfg.HTTPClient, u), done: make(chan struct{}),
		prefix:     strings.TrimSuffix(cfg.Issuer, "/") + statusPath,
		signatures: signatures{keys: cfg.Keys, algorithms: cfg.Algorithms},
	}
	s.known.Store(&map[string]*list{})
	s.ctx, s.cancel = context.WithCancel(ctx)
	go s.run()
	return s, nil
}

// Close ends the background.
func (s *RemoteStatus) Close() {
	s.cancel()
	<-s.done
}

// Revoked says whether the status at index of the list at uri is set. See
// [StatusSource].
func (s *RemoteStatus) Revoked(ctx context.Context, uri string, index uint64) (bool, error) {
	l, err := s.find(ctx, uri)
	if err != nil {
		return false, err
	}
	err = l.check(index, s.cfg.Now())
	if errors.Is(err, ErrRevoked) {
		return true, nil
	}
	return false, err
}

// check returns ErrRevoked, nil, or why it can't tell.
func (l *list) check(index uint64, now time.Time) error {
	state := l.state.Load()
	if state == nil {
		return l.unavailable()
	}
	if age := l.owner.cfg.MaxAge; age > 0 && now.UnixNano()-l.checked.Load() > int64(age) {
		return l.unavailable()
	}
	if at := now.UnixNano(); at-l.used.Load() > int64(time.Minute) {
		l.used.Store(at)
	}
	revoked, ok := state.set(index)
	switch {
	case !ok:
		return fmt.Errorf("%w: index %d is beyond the list", ErrStatusUnavailable, index)
	case revoked:
		return ErrRevoked
	}
	return nil
}

func (l *list) unavailable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lastErr == nil {
		return ErrStatusUnavailable
	}
	return fmt.Errorf("%w: %w", ErrStatusUnavailable, l.lastErr)
}

// find returns the list at uri, after a short wait if it was never fetched.
func (s *RemoteStatus) find(ctx context.Context, uri string) (*list, error) {
	l, ok := (*s.known.Load())[uri]
	if !ok {
		var err error
		if l, err = s.add(uri); err != nil {
			return nil, err
		}
	}
	if l.state.Load() != nil {
		return l, nil
	}
	fl := l.flights.join(l.mayFetch, l.fetch)
	if fl == nil {
		return nil, l.unavailable()
	}
	if _, err := fl.wait(ctx, listWait); err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatusUnavailable, err)
	}
	return l, nil
}

// add begins to remember a list. Its address comes from a token, if a signed one:
// only what lies below the issuer's own is ever fetched.
func (s *RemoteStatus) add(uri string) (*list, error) {
	name, ok := strings.CutPrefix(uri, s.prefix)
	if !ok || !listName(name) {
		return nil, fmt.Errorf("%w: the list isn't under %s", ErrStatusUnavailable, s.prefix)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.known.Load()
	if l, ok := old[uri]; ok {
		return l, nil
	}
	if len(old) >= maxLists {
		return nil, fmt.Errorf("%w: more than %d lists", ErrStatusUnavailable, maxLists)
	}
	l := &list{owner: s, uri: strings.Clone(uri)}
	l.used.Store(s.cfg.Now().UnixNano())
	next := make(map[string]*list, len(old)+1)
	for u, known := range old {
		next[u] = known
	}
	next[l.uri] = l
	s.known.Store(&next)
	return l, nil
}

// listName is one segment of a path, with nothing in it that means something.
func listName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != "" && len(name) <= 128
}

// Refresh fetches every list in use now.
func (s *RemoteStatus) Refresh(ctx context.Context) error {
	var errs []error
	for _, l := range *s.known.Load() {
		ended, err := l.flights.join(always, l.fetch).wait(ctx, fetchTime)
		if !ended && err == nil {
			err = ErrStatusUnavailable
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *RemoteStatus) run() {
	defer close(s.done)
	for {
		timer := time.NewTimer(jitter(s.cfg.Poll))
		select {
		case <-s.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			s.poll()
		}
	}
}

// poll fetches the lists that are due, a few at once, and drops the idle.
func (s *RemoteStatus) poll() {
	s.dropIdle()
	slots := make(chan struct{}, pollAtOnce)
	for _, l := range *s.known.Load() {
		slots <- struct{}{}
		fl := l.flights.join(l.mayFetch, l.fetch)
		go func() {
			if fl != nil {
				<-fl.done
			}
			<-slots
		}()
	}
	for range pollAtOnce {
		slots <- struct{}{}
	}
}

func (s *RemoteStatus) dropIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.known.Load()
	next := make(map[string]*list, len(old))
	for uri, l := range old {
		if s.cfg.Now().UnixNano()-l.used.Load() < int64(listIdle) {
			next[uri] = l
		}
	}
	if len(next) < len(old) {
		s.known.Store(&next)
	}
}

// mayFetch holds back after failures.
func (l *list) mayFetch() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owner.ctx.Err() == nil && !l.owner.cfg.Now().Before(l.next)
}

// fetch looks at the list once.
func (l *list) fetch() error {
	began := time.Now()
	changed, err := l.look()
	l.mu.Lock()
	l.lastErr, l.failures, l.next = err, l.failures+1, time.Time{}
	if err == nil {
		l.failures = 0
	} else {
		l.next = l.owner.cfg.Now().Add(backOff(l.failures, firstRetry, outageRetry))
	}
	l.mu.Unlock()
	if hook := l.owner.cfg.Fetched; hook != nil {
		hook(Fetch{What: "status", URL: l.uri, Changed: changed, Took: time.Since(began), Err: err})
	}
	return err
}

func (l *list) look() (changed bool, err error) {
	s, old := l.owner, l.state.Load()
	etag := ""
	if old != nil {
		etag = old.etag
	}
	asked := s.cfg.Now()
	d, err := s.fetcher.get(s.ctx, l.uri, etag, "application/statuslist+jwt", maxListBody)
	if err == nil && !d.unchanged {
		changed, err = l.take(old, d)
	}
	if err != nil {
		return false, fmt.Errorf("status list: %w", err)
	}
	l.checked.Store(asked.UnixNano())
	return changed, nil
}

// take checks a status list token (draft §8.3) and swaps it in, unless it is
// older than the one held.
func (l *list) take(old *listState, d document) (changed bool, err error) {
	fresh, err := l.owner.open(string(d.body), l.uri)
	if err != nil {
		return false, err
	}
	if old != nil && fresh.before(old.statusList) {
		return false, errors.New("older than the one held")
	}
	l.state.Store(&listState{statusList: fresh, etag: d.etag})
	return old == nil || old.version != fresh.version || !fresh.versioned, nil
}

func (s *RemoteStatus) open(raw, uri string) (*statusList, error) {
	parts, err := jws.SplitUpTo(raw, maxListBody)
	if err != nil {
		return nil, err
	}
	signed, err := s.signatures.checkParts(s.ctx, parts, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	if !statusListType(signed.header.Type) {
		return nil, ErrType
	}
	text, err := signed.parts.Payload()
	if err != nil {
		return nil, err
	}
	fresh, err := readStatusList(text)
	if err != nil {
		return nil, err
	}
	return fresh, s.judge(fresh, uri)
}

func statusListType(typ string) bool {
	return strings.EqualFold(typ, "statuslist+jwt") || strings.EqualFold(typ, "application/statuslist+jwt")
}

func (s *RemoteStatus) judge(fresh *statusList, uri string) error {
	now, leeway := s.cfg.Now().Unix(), int64(s.cfg.Leeway/time.Second)
	switch {
	case fresh.issuer != s.cfg.Issuer:
		return ErrIssuer
	case fresh.subject != uri: // else one list could be passed off as another
		return fmt.Errorf("%w: sub isn't the list's address", ErrMalformed)
	case fresh.expires >= 0 && now >= fresh.expires+leeway:
		return ErrExpired
	case fresh.issued > now+leeway:
		return ErrNotYetValid
	}
	return nil
}

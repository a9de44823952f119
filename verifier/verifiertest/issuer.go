package verifiertest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/verifier"
)

// URL is the issuer of [New], Audience who its tokens are for unless told otherwise.
const (
	URL      = "https://issuer.test"
	Audience = "https://api.test"
)

// Issuer is an issuer in this process. It is safe for concurrent use.
type Issuer struct {
	URL   string // the issuer's identifier, and where its documents stand
	Clock *Clock // by which it dates tokens, and the verifiers it makes judge them

	t testing.TB

	mu      sync.Mutex // the rest
	keys    []*signingKey
	gone    []*signingKey // withdrawn
	list    *statusList
	next    uint64 // the next session's index
	faults  faults
	fetches map[string]int
}

// faults is how the issuer misbehaves at the moment.
type faults struct {
	down    bool
	slow    time.Duration
	hostile func(*http.Request) *http.Response
}

// New makes an issuer with one ES256 key.
func New(t testing.TB) *Issuer {
	iss := &Issuer{URL: URL, Clock: &Clock{}, t: t, list: newStatusList(), fetches: make(map[string]int)}
	iss.Rotate("ES256")
	return iss
}

// NewServer makes an issuer that listens on a loopback port until the test ends.
func NewServer(t testing.TB) *Issuer {
	iss := New(t)
	server := httptest.NewServer(http.HandlerFunc(iss.serveFaulty))
	t.Cleanup(server.Close)
	iss.URL = server.URL
	return iss
}

// serveFaulty serves over a real connection what RoundTrip gives in process.
func (i *Issuer) serveFaulty(w http.ResponseWriter, r *http.Request) {
	if err := i.obstruct(r); err != nil {
		panic(http.ErrAbortHandler)
	}
	i.ServeHTTP(w, r)
}

// Config is a verifier's configuration for this issuer; the test may change it.
func (i *Issuer) Config(audience string) verifier.Config {
	return verifier.Config{Issuer: i.URL, Audience: audience, HTTPClient: i.Client(), Now: i.Clock.Now}
}

// Verifier makes a verifier of this issuer's tokens, closed when the test ends.
func (i *Issuer) Verifier(t testing.TB, audience string) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(t.Context(), i.Config(audience))
	if err != nil {
		t.Fatalf("verifiertest: %v", err)
	}
	t.Cleanup(v.Close)
	return v
}

// Client reaches this issuer and nothing else.
func (i *Issuer) Client() *http.Client { return &http.Client{Transport: transport{i}} }

// Down takes the issuer off the network, or brings it back.
func (i *Issuer) Down(down bool) { i.set(func(f *faults) { f.down = down }) }

// Slow makes every answer wait for d.
func (i *Issuer) Slow(d time.Duration) { i.set(func(f *faults) { f.slow = d }) }

// Hostile has answer write the answers instead of the issuer; where it returns nil
// the issuer answers after all. A nil answer ends it. In process only.
func (i *Issuer) Hostile(answer func(*http.Request) *http.Response) {
	i.set(func(f *faults) { f.hostile = answer })
}

func (i *Issuer) set(change func(*faults)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.faults)
}

func (i *Issuer) faultsNow() faults {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.faults
}

// Fetches is how often the document at path was asked for.
func (i *Issuer) Fetches(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches[path]
}

var errDown = errors.New("verifiertest: the issuer is down")

// obstruct counts the request, and is slow or down if the issuer is.
func (i *Issuer) obstruct(r *http.Request) error {
	i.mu.Lock()
	i.fetches[r.URL.Path]++
	f := i.faults
	i.mu.Unlock()
	if f.slow > 0 {
		timer := time.NewTimer(f.slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	if f.down {
		return errDown
	}
	return nil
}

// transport is the way to an issuer in the same process.
type transport struct{ issuer *Issuer }

var _ http.RoundTripper = transport{}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.issuer.obstruct(r); err != nil {
		return nil, err
	}
	if hostile := t.issuer.faultsNow().hostile; hostile != nil {
		if resp := hostile(r); resp != nil {
			resp.Request = r
			return resp, nil
		}
	}
	w := httptest.NewRecorder()
	t.issuer.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// Clock is time.Now, moved by as much as a test says.
type Clock struct {
	mu    sync.Mutex
	moved time.Duration
}

// Now is the time on this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.moved)
}

// Advance moves the clock. Background work goes by real time and isn't moved: see
// verifier.Refresh.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}

// Package revoked measures, against the real binary over real HTTP, how soon a
// resource server refuses a session that was logged out, and what a stranger's
// random key ids cost the issuer and those who are known.
//
// It owns the figures end to end; the rules behind them are package verifier's,
// tested there with a clock that jumps.
package revoked

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/verifier"
)

const (
	audience = "https://api.example.com"
	email    = "ann@example.com"
	password = "a long and winding passphrase"

	logouts = 20
	poll    = verifier.DefaultPoll
	slack   = 2 * time.Second // the issuer's own second, and a busy machine's
)

func startSignet(t *testing.T) *servers.SignetServer {
	t.Helper()
	s := servers.Signet(t, servers.Config{Env: map[string]string{
		"SIGNET_AUDIENCE": audience, "SIGNET_BCRYPT_COST": "10", "SIGNET_LOGIN_RATE": "1000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "1000/m",
	}})
	s.MustRun(password+"\n", "users", "add", "--email", email, "--password-stdin")
	return s
}

// session is what a login answers with.
type session struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func login(t *testing.T, s *servers.SignetServer) session {
	t.Helper()
	var got session
	body := post(t, s.URL+"/login", map[string]string{"email": email, "password": password}, http.StatusOK)
	if err := json.Unmarshal(body, &got); err != nil || got.Access == "" || got.Refresh == "" {
		t.Fatalf("login: %v\n%s", err, body)
	}
	return got
}

func post(t *testing.T, url string, body any, status int) []byte {
	t.Helper()
	payload, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != status {
		t.Fatalf("POST %s: %s, %v\n%s", url, resp.Status, err, got)
	}
	return got
}

func newVerifier(t *testing.T, cfg verifier.Config) *verifier.Verifier {
	t.Helper()
	cfg.Audience = audience
	v, err := verifier.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// TestRevokedToRefused logs sessions out all over the poll's phase, and waits for
// each to be refused. The clock runs from before the logout is sent.
func TestRevokedToRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for polls: 15 seconds")
	}
	s := startSignet(t)
	v := newVerifier(t, verifier.Config{Issuer: s.URL})
	sessions := make([]session, logouts+1)
	for i := range sessions {
		sessions[i] = login(t, s)
		if _, err := v.Verify(t.Context(), sessions[i].Access); err != nil {
			t.Fatal(err)
		}
	}
	took := make([]time.Duration, logouts)
	var wg sync.WaitGroup
	for i := range took {
		began := time.Now()
		post(t, s.URL+"/logout", map[string]string{"refresh_token": sessions[i].Refresh}, http.StatusNoContent)
		wg.Go(func() { took[i] = untilRevoked(t, v, sessions[i].Access, began) })
		time.Sleep(poll / logouts) // the measurement's spread over the phase, not a wait for something
	}
	wg.Wait()
	if _, err := v.Verify(t.Context(), sessions[logouts].Access); err != nil {
		t.Errorf("the session that wasn't logged out: %v", err)
	}
	slices.Sort(took)
	median, worst := took[logouts/2], took[logouts-1]
	t.Logf("logout to refused, of %d: median %.2f s, worst %.2f s; poll %v, so %.2f and %.2f polls",
		logouts, median.Seconds(), worst.Seconds(), poll, ratio(median), ratio(worst))
	if most := ratio(poll + slack); ratio(worst) > most {
		t.Errorf("the worst took %.2f polls, want %.2f at most", ratio(worst), most)
	}
}

func ratio(d time.Duration) float64 { return float64(d) / float64(poll) }

// untilRevoked asks until the token is refused as revoked, and as nothing else.
func untilRevoked(t *testing.T, v *verifier.Verifier, raw string, began time.Time) time.Duration {
	const every, patience = 10 * time.Millisecond, 10 * poll
	tick := time.NewTicker(every)
	defer tick.Stop()
	for time.Since(began) < patience {
		switch _, err := v.Verify(t.Context(), raw); {
		case errors.Is(err, verifier.ErrRevoked):
			return time.Since(began)
		case err != nil:
			t.Errorf("a logged-out session: %v", err)
			return time.Since(began)
		}
		<-tick.C
	}
	t.Errorf("a logged-out session was still in after %v", patience)
	return patience
}

// counted counts the requests for keys that pass.
type counted struct{ keys atomic.Int64 }

var _ http.RoundTripper = (*counted)(nil)

// RoundTrip implements http.RoundTripper.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == discovery.PathJWKS {
		c.keys.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestRandomKids sends what anybody can: tokens whose kid nobody knows. It runs
// for a moment; package verifier's test of the same holds the whole minute.
func TestRandomKids(t *testing.T) {
	const strangers, most = 10_000, 4
	s := startSignet(t)
	var count counted
	v := newVerifier(t, verifier.Config{Issuer: s.URL, HTTPClient: &http.Client{Transport: &count}, CacheSize: -1, Poll: 10 * time.Minute})
	known := login(t, s).Access
	if _, err := v.Verify(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	before, began := count.keys.Load(), time.Now()
	rest := known[strings.IndexByte(known, '.'):]
	var slowest time.Duration
	for i := range strangers {
		header := fmt.Sprintf(`{"alg":"ES256","kid":"random-%d","typ":"at+jwt"}`, i)
		raw := base64.RawURLEncoding.EncodeToString([]byte(header)) + rest
		if _, err := v.Verify(t.Context(), raw); !errors.Is(err, verifier.ErrUnknownKey) {
			t.Fatalf("a random kid: %v, want %v", err, verifier.ErrUnknownKey)
		}
		if i%100 == 0 {
			slowest = max(slowest, verifyKnown(t, v, known))
		}
	}
	n := count.keys.Load() - before
	t.Logf("%d tokens with random kids in %v: %d fetches; %d known tokens in between all taken, the slowest in %v",
		strangers, time.Since(began).Round(time.Millisecond), n, strangers/100, slowest.Round(time.Microsecond))
	if n < 1 || n > most {
		t.Errorf("%d fetches, want 1 to %d", n, most)
	}
}

func verifyKnown(t *testing.T, v *verifier.Verifier, raw string) time.Duration {
	t.Helper()
	began := time.Now()
	if _, err := v.Verify(t.Context(), raw); err != nil {
		t.Fatalf("a known key's token: %v", err)
	}
	return time.Since(began)
}

package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signet-oidc/signet/verifier"
)

// issuer answers with body, and counts.
func issuer(t *testing.T, status int, body string) (url string, asked *atomic.Int32) {
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		id, secret, ok := r.BasicAuth()
		if r.Method != "POST" || r.URL.Path != "/oauth/introspect" || !ok || id != "api%3A1" || secret != "s%25" || r.PostFormValue("token") == "" {
			t.Errorf("%s %s as %q %q", r.Method, r.URL, id, secret)
		}
		if status == 302 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	cfg.ClientID, cfg.ClientSecret = "api:1", "s%"
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestIntrospect(t *testing.T) {
	cases := []struct {
		name   string
		status int
		body   string
		active bool
		want   error
	}{
		{"active", 200, `{"active":true,"sub":"u","aud":"api","scope":"a b"}`, true, nil},
		{"active for a list", 200, `{"active":true,"sub":"u","aud":["x","api"]}`, true, nil},
		{"inactive", 200, `{"active":false}`, false, nil},
		{"inactive with claims", 200, `{"active":false,"sub":"u","aud":"api"}`, false, nil},
		{"for somebody else", 200, `{"active":true,"aud":"other"}`, false, nil},
		{"for nobody", 200, `{"active":true}`, false, nil},
		{"of another issuer", 200, `{"active":true,"aud":"api","iss":"https://evil.test"}`, false, nil},
		{"no active", 200, `{"sub":"u"}`, false, ErrUnavailable},
		{"active a string", 200, `{"active":"true"}`, false, ErrUnavailable},
		{"active twice", 200, `{"active":false,"active":true}`, false, ErrUnavailable},
		{"not JSON", 200, `ok`, false, ErrUnavailable},
		{"too large", 200, `{"active":true,"x":"` + strings.Repeat("x", 70<<10) + `"}`, false, ErrUnavailable},
		{"401", 401, `{"active":true}`, false, ErrUnavailable},
		{"503", 503, ``, false, ErrUnavailable},
		{"redirect", 302, ``, false, ErrUnavailable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			url, _ := issuer(t, c.status, c.body)
			a, err := newClient(t, Config{Issuer: url, Audience: "api"}).Introspect(t.Context(), "sgr_x")
			if a.Active != c.active || !errors.Is(err, c.want) {
				t.Errorf("%+v, %v", a, err)
			}
			if !a.Active && (a.Subject != "" || a.Scopes != nil) {
				t.Errorf("an inactive answer says %+v", a)
			}
		})
	}
}

// TestBound: a resource server can tell that a token needs proof, and of which key (RFC
// 9449 §6.2).
func TestBound(t *testing.T) {
	const key = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	for _, c := range []struct {
		name, cnf string
		bound     bool
		key       string
	}{
		{"to nothing", ``, false, ""},
		{"to a DPoP key", `,"cnf":{"jkt":"` + key + `"}`, true, key},
		{"to a certificate", `,"cnf":{"x5t#S256":"` + key + `"}`, true, ""},
		{"to both", `,"cnf":{"jkt":"` + key + `","x5t#S256":"` + key + `"}`, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _ := issuer(t, 200, `{"active":true`+c.cnf+`}`)
			a, err := newClient(t, Config{Issuer: url}).Introspect(t.Context(), "x")
			if err != nil || !a.Active || a.Bound != c.bound || a.BoundKey != c.key {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
	for _, cnf := range []string{`"x"`, `{"jkt":1}`, `null`} {
		url, _ := issuer(t, 200, `{"active":true,"cnf":`+cnf+`}`)
		if a, err := newClient(t, Config{Issuer: url}).Introspect(t.Context(), "x"); !errors.Is(err, ErrUnavailable) || a.Active {
			t.Errorf("cnf %s: %+v, %v", cnf, a, err)
		}
	}
}

func TestCache(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	url, asked := issuer(t, 200, fmt.Sprintf(`{"active":true,"exp":%d}`, now.Unix()+5))
	c := newClient(t, Config{Issuer: url, CacheFor: 10 * time.Second, Now: func() time.Time { return now }})
	ask := func(raw string, want int32) {
		t.Helper()
		if a, err := c.Introspect(t.Context(), raw); err != nil || !a.Active || asked.Load() != want {
			t.Errorf("%+v, %v, asked %d times, want %d", a, err, asked.Load(), want)
		}
	}
	ask("one", 1)
	ask("one", 1)
	ask("two", 2)
	now = now.Add(5 * time.Second) // it is over, and so is its memory
	ask("one", 3)
}

func TestNothingIsRememberedUnlessAsked(t *testing.T) {
	url, asked := issuer(t, 200, `{"active":true}`)
	c := newClient(t, Config{Issuer: url})
	for range 3 {
		if _, err := c.Introspect(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() != 3 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestWaitingEnds(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	c := newClient(t, Config{Issuer: s.URL, Timeout: 50 * time.Millisecond})
	if _, err := c.Introspect(context.Background(), "x"); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestRefusedBeforeAsking(t *testing.T) {
	url, asked := issuer(t, 200, `{"active":true}`)
	c := newClient(t, Config{Issuer: url})
	for _, raw := range []string{"", strings.Repeat("x", 17<<10)} {
		if _, err := c.Introspect(t.Context(), raw); !errors.Is(err, verifier.ErrMalformed) || asked.Load() != 0 {
			t.Errorf("%v, asked %d times", err, asked.Load())
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"empty": {}, "no client": {Issuer: "https://a.test"}, "plain http": {Issuer: "http://a.test", ClientID: "x"}, "long memory": {Issuer: "https://a.test", ClientID: "x", CacheFor: time.Hour},
		"with a password": {Endpoint: "https://u:p@a.test/x", ClientID: "x"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

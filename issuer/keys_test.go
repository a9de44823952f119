package issuer_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/store/sql"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

// replicas are issuers on one database, each with settings and a clock of its own.
type replicas struct {
	t    *testing.T
	db   *sql.DB
	seal secret.Key

	mu  sync.Mutex // guards what follows
	log bytes.Buffer
}

// Write takes log lines, which come from several goroutines.
func (r *replicas) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(b)
}

func (r *replicas) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func newReplicas(t *testing.T) *replicas {
	t.Helper()
	db, err := sql.Open(t.Context(), sql.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "signet.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &replicas{t: t, db: db, seal: secret.GenerateKey()}
}

// start runs one more; the server that it returns has only what HTTP needs.
func (r *replicas) start(algs []string, now func() time.Time) *server {
	r.t.Helper()
	cfg := settings("http://localhost")
	cfg.KeyAlgs = algs
	s := &server{t: r.t}
	var err error
	s.keeper, err = keys.Open(r.t.Context(), keys.Config{
		Store: r.db.Backend().Keys, SealKeys: []secret.Key{r.seal}, Policy: cfg.KeyPolicy(), Now: now,
	})
	s.must(err)
	s.issuer, err = issuer.New(r.t.Context(), issuer.Config{
		Settings: cfg, Backend: r.db.Backend(), Keeper: s.keeper, Log: zerolog.New(r), Now: now,
	})
	s.must(err)
	running, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.issuer.Run(running) }()
	public, ops := httptest.NewServer(s.issuer.Public()), httptest.NewServer(s.issuer.Operations())
	r.t.Cleanup(func() { public.Close(); ops.Close(); stop(); s.must(<-done) })
	s.url, s.admin = public.URL, ops.URL
	return s
}

// until asks again and again, for half a minute at most.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("half a minute has passed, and not yet: %s", what)
		case <-tick.C:
		}
	}
}

func shifted(by time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(by) }
}

// A clock that is off by more than the leeway is said in /readyz and in the log, and
// one within it isn't. (SQLite's clock is this machine's.)
func TestClockOff(t *testing.T) {
	for name, c := range map[string]struct {
		by  time.Duration
		off bool
	}{
		"ahead":          {12 * time.Second, true},
		"behind":         {-12 * time.Second, true},
		"within leeway":  {8 * time.Second, false},
		"within, behind": {-8 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicas(t)
			s := r.start([]string{"ES256"}, shifted(c.by))
			const says = "this machine's clock is off"
			if c.off {
				until(t, "readiness says it", func() bool {
					a := s.call("GET", s.admin+"/readyz", "")
					return a.status == http.StatusServiceUnavailable && strings.Contains(a.raw, says)
				})
				until(t, "the log says it", func() bool { return strings.Contains(r.logged(), says) })
				return
			}
			until(t, "the clocks were compared", func() bool {
				return regexp.MustCompile(`(?m)^signet_clock_offset_seconds -?[1-9]`).MatchString(s.call("GET", s.admin+"/metrics", "").raw)
			})
			s.want(s.call("GET", s.admin+"/readyz", ""), http.StatusOK, "")
			if strings.Contains(r.logged(), says) {
				t.Errorf("the log: %s", r.logged())
			}
		})
	}
}

// Replicas start one by one with another list of algorithms: logins go on all the
// while, by what signed before until the new one may.
func TestAlgorithmsChange(t *testing.T) {
	r := newReplicas(t)
	old := r.start([]string{"ES256"}, time.Now)
	before := old.person("ada@example.com").str("access_token")
	for _, step := range []struct { // in this order: a start drops what its own list has not
		name string
		algs []string
	}{
		{"a new first", []string{"EdDSA", "ES256"}},
		{"another at all", []string{"ES384"}},
	} {
		name, algs := step.name, step.algs
		next := r.start(algs, time.Now)
		got := header(t, next.login("ada@example.com").str("access_token"))
		if got["alg"] != "ES256" {
			t.Errorf("%s: a token is signed by %s, which no verifier knows yet", name, got["alg"])
		}
		metadata := next.call("GET", next.url+"/.well-known/openid-configuration", "")
		signs := fmt.Sprint(metadata.body["id_token_signing_alg_values_supported"], metadata.body["userinfo_signing_alg_values_supported"])
		if strings.Contains(signs, algs[0]) || !strings.Contains(signs, "ES256") { // (clients' own algorithms are listed as well)
			t.Errorf("%s: the metadata name it before it signs: %s", name, metadata.raw)
		}
		if jwks := next.call("GET", next.url+"/.well-known/jwks.json", "").raw; strings.Count(jwks, `"`+algs[0]+`"`) < 2 || !strings.Contains(jwks, header(t, before)["kid"]) {
			t.Errorf("%s: the key set: %s", name, jwks)
		}
	}
	// Much later, for one that starts then: the new algorithm signs, and a token of
	// the old one is still good at the issuer's own calls.
	later := r.start([]string{"ES384"}, shifted(6*time.Minute))
	got := later.login("ada@example.com").str("access_token")
	if alg := header(t, got)["alg"]; alg != "ES384" {
		t.Errorf("after the publish wait a token is signed by %s", alg)
	}
	body := `{"old":"` + password + `","new":"` + password + ` 2"}`
	later.want(later.post("/password", body, "Authorization", "Bearer "+before), http.StatusNoContent, "")
}

// A status list isn't served with the signature of a key that was revoked: nobody
// could check it.
func TestStatusListAfterRevocation(t *testing.T) {
	s := start(t, nil)
	s.person("ada@example.com")
	first := s.call("GET", s.url+"/oauth/status/0", "")
	kid := header(t, first.raw)["kid"]
	_, err := s.keeper.Revoke(t.Context(), kid, "leaked", "test")
	s.must(err)
	next := s.call("GET", s.url+"/oauth/status/0", "", "If-None-Match", first.header.Get("ETag"))
	if next.status != http.StatusOK || header(t, next.raw)["kid"] == kid {
		t.Errorf("after the revocation of %s: %d, signed by %s", kid, next.status, header(t, next.raw)["kid"])
	}
}

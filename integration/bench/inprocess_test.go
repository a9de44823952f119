package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/store/redis"
	"github.com/signet-oidc/signet/issuer/store/sql"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

// BenchmarkHandlers asks the whole public handler in process, on a real Redis: for
// profiles (-cpuprofile, -memprofile). net/http's own work isn't in it.
func BenchmarkHandlers(b *testing.B) {
	for _, r := range newInProcess(b).requests() {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.ask(b)
			}
		})
	}
}

// TestAllocations holds what no noise of the machine changes: the objects that a
// request costs in the handler, the test's own dozen or two among them. The
// bounds are a fifth above what was measured (without the race detector).
func TestAllocations(t *testing.T) {
	for _, r := range newInProcess(t).requests() {
		got := testing.AllocsPerRun(200, func() { r.ask(t) })
		t.Logf("%s: %.0f objects", r.name, got)
		if got > r.most {
			t.Errorf("%s allocates %.0f objects, want at most %.0f", r.name, got, r.most)
		}
	}
}

// request is one kind of request, and the most objects that it may allocate.
type request struct {
	name string
	most float64
	ask  func(testing.TB)
}

func (h *inProcess) requests() []request {
	h.t.Helper()
	rotating := h.login().Refresh
	access := "token=" + h.login().Access
	return []request{
		{"refresh", 210, func(t testing.TB) { rotating = h.form(t, "/oauth/token", refreshing+rotating).Refresh }},
		{"introspection", 88, func(t testing.TB) { h.form(t, "/oauth/introspect", access) }},
		{"client_credentials", 154, func(t testing.TB) { h.form(t, "/oauth/token", "grant_type=client_credentials&scope=read") }},
		{"JWKS", 40, func(t testing.TB) { h.get(t, "/.well-known/jwks.json") }},
	}
}

// inProcess is an issuer in this process.
type inProcess struct {
	t       testing.TB
	handler http.Handler
	secret  string
}

func newInProcess(t testing.TB) *inProcess {
	t.Helper()
	ctx := t.Context()
	db, err := sql.Open(ctx, sql.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "signet.db")})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	must(t, db.Migrate(ctx))
	keeper, err := keys.Open(ctx, keys.Config{Store: db.Backend().Keys, SealKeys: []secret.Key{secret.GenerateKey()}})
	must(t, err)
	backend := db.Backend()
	r, err := redis.Open(ctx, redis.Config{URL: secret.New(servers.Redis(t).URL)})
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	backend.Generations, backend.Limits, backend.Settler, backend.Healer = r, r, r, r
	backend.Waiting = r.Waiting()
	i, err := issuer.New(ctx, issuer.Config{
		Settings: inProcessSettings(), Backend: backend, Keeper: keeper, Version: "bench",
		Log: zerolog.New(io.Discard).With().Timestamp().Logger(),
	})
	must(t, err)
	h := &inProcess{t: t, handler: i.Public()}
	h.furnish(ctx, db)
	return h
}

func inProcessSettings() issuer.Settings {
	return issuer.Settings{
		Issuer: "https://auth.example.com", Audience: []string{audience}, AccessTTL: 15 * time.Minute, RefreshTTL: 168 * time.Hour,
		SessionTTL: 720 * time.Hour, RefreshRetryWindow: time.Minute, KeyAlgs: []string{"ES256", "RS256"}, KeyRotateEvery: 720 * time.Hour,
		JWKSMaxAge: 5 * time.Minute, BcryptCost: 10, PasswordMin: 8, HashQueue: 64, HashDeadline: 5 * time.Second,
		LoginRate: limit.Rate{Count: 1000, Per: time.Minute}, LoginRateAccount: limit.Rate{Count: 1000, Per: time.Minute}, Registration: "open",
	}
}

// furnish makes the person and the client.
func (h *inProcess) furnish(ctx context.Context, db *sql.DB) {
	h.t.Helper()
	hasher, err := account.NewHasher(account.HasherConfig{Cost: 10, Deadline: time.Minute})
	must(h.t, err)
	people, err := account.New(account.Config{Store: db.Backend().Accounts, Hasher: hasher, Policy: account.Policy{Min: 8}})
	must(h.t, err)
	_, err = people.CreateWithRoles(ctx, address(0), password, nil)
	must(h.t, err)
	now := time.Now().UTC().Truncate(time.Millisecond)
	plain, hashed := client.NewSecret(now)
	h.secret = plain
	must(h.t, db.Backend().Clients.Create(ctx, client.Client{
		ID: clientID, Secrets: []client.Secret{hashed}, Scopes: []string{"read"}, Audiences: []string{audience}, Roles: []string{}, Created: now,
		Grants: []string{client.GrantPassword, client.GrantRefreshToken, client.GrantClientCredentials},
	}, audit.New(ctx, audit.ClientCreated, now)))
}

func (h *inProcess) login() login {
	return h.form(h.t, "/oauth/token", url.Values{"grant_type": {"password"}, "username": {address(0)}, "password": {password}}.Encode())
}

func (h *inProcess) form(t testing.TB, path, body string) (l login) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(clientID, h.secret)
	if err := json.Unmarshal(h.serve(t, r), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func (h *inProcess) get(t testing.TB, path string) {
	t.Helper()
	h.serve(t, httptest.NewRequest("GET", path, nil))
}

func (h *inProcess) serve(t testing.TB, r *http.Request) []byte {
	t.Helper()
	w := &answer{header: http.Header{}}
	h.handler.ServeHTTP(w, r)
	if w.status != http.StatusOK {
		t.Fatalf("%s: %d: %s", r.URL.Path, w.status, &w.body)
	}
	return w.body.Bytes()
}

// answer is a http.ResponseWriter.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.body.Write(b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

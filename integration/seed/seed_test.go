// Package seed holds Signet to the article that it grew from: each row of that
// article's table is one test here, which drives the real binary over HTTP as
// a reader of the article would.
//
//	register                    TestRegister
//	login                       TestLogin
//	protected route             TestProtectedRoute
//	short access, long refresh  TestShortAccessLongRefresh
//	refresh                     TestRefresh
//	roles                       TestRoles
//	secrets, environment        TestSecretsFromEnvironment
//	cookies                     TestCookies
//	logout                      TestLogout
//	rotation                    TestRotation
//	asymmetric keys             TestAsymmetricKeys
//	claims                      TestClaims
//	rate limiting               TestRateLimiting
//	CORS                        TestCORS
//
// TestTour pastes the commands that `signet dev` prints. The package owns what
// is seen from outside the process; the rules themselves are tested where they
// stand, and what crashes do in integration/crash.
package seed

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/verifier"
)

const (
	audience = "https://api.example.com"
	password = "a long and winding passphrase"

	// patience bounds what is waited for; poll is how often it is looked at.
	patience = 60 * time.Second
	poll     = 20 * time.Millisecond

	// statusPoll is how often the resource servers of these tests look for
	// what was revoked.
	statusPoll = 200 * time.Millisecond
)

// site is a Signet of one test.
type site struct {
	*servers.SignetServer
}

// settings are those of a test's Signet: quick passwords, no RSA keys to search
// primes for, and no throttle in the way of tests that aren't about it.
func settings(more map[string]string) map[string]string {
	env := map[string]string{
		"SIGNET_AUDIENCE":           audience,
		"SIGNET_BCRYPT_COST":        "10",
		"SIGNET_HASH_DEADLINE":      "30s",
		"SIGNET_KEY_ALGS":           "ES256",
		"SIGNET_LOGIN_RATE":         "1000/m",
		"SIGNET_LOGIN_RATE_ACCOUNT": "1000/m",
	}
	maps.Copy(env, more)
	return env
}

// deployments are the two shapes that Signet runs in.
var deployments = []struct {
	name  string
	start func(t *testing.T, env map[string]string) site
}{
	{"SQLite", alone},
	{"PostgreSQL and Redis", replicated},
}

// alone is `signet serve` with nothing else.
func alone(t *testing.T, env map[string]string) site {
	t.Helper()
	return site{servers.Signet(t, servers.Config{Env: settings(env)})}
}

func replicated(t *testing.T, env map[string]string) site {
	t.Helper()
	return site{servers.Signet(t, servers.Config{
		DatabaseURL: servers.Postgres(t), RedisURL: servers.Redis(t).URL, Env: settings(env),
	})}
}

// onBoth runs a test in both shapes.
func onBoth(t *testing.T, env map[string]string, run func(t *testing.T, s site)) {
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) { run(t, d.start(t, env)) })
	}
}

func (s site) post(t *testing.T, path, body string, header ...string) answer {
	t.Helper()
	return call(t, http.MethodPost, s.URL+path, body, header...)
}

// form posts a form as a client; without a secret as a public one.
func (s site) form(t *testing.T, path string, c client, values url.Values) answer {
	t.Helper()
	header := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if c.Secret == "" {
		values.Set("client_id", c.ID)
	} else {
		header = append(header, "Authorization", basic(c))
	}
	return call(t, http.MethodPost, s.URL+path, values.Encode(), header...)
}

func basic(c client) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret)) // RFC 6749 §2.3.1
	return r.Header.Get("Authorization")
}

// client is what `clients add --json` prints.
type client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

func (s site) addClient(t *testing.T, id string, flags ...string) client {
	t.Helper()
	var c client
	out := s.MustRun("", append([]string{"clients", "add", "--json", "--id", id}, flags...)...)
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("clients add: %v\n%s", err, out)
	}
	return c
}

// member registers somebody and returns the tokens of a first login.
func (s site) member(t *testing.T, email string) answer {
	t.Helper()
	s.post(t, "/register", credentials(email, password)).want(t, http.StatusCreated, "")
	return s.login(t, email)
}

func (s site) login(t *testing.T, email string) answer {
	t.Helper()
	return s.post(t, "/login", credentials(email, password)).want(t, http.StatusOK, "")
}

func (s site) refresh(t *testing.T, token string) answer {
	t.Helper()
	return s.post(t, "/refresh", object("refresh_token", token))
}

// admin makes an administrator by the command line and returns a token of the
// admin audience.
func (s site) admin(t *testing.T) string {
	t.Helper()
	s.MustRun(password+"\n", "users", "add", "--email", "root@example.com", "--role", "admin", "--password-stdin")
	return s.post(t, "/login", object("email", "root@example.com", "password", password, "audience", s.URL+"/admin")).
		want(t, http.StatusOK, "").text("access_token")
}

func credentials(email, password string) string { return object("email", email, "password", password) }

// object writes a JSON object of texts, given as name and value in turn.
func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	b, _ := json.Marshal(m) // a map of texts always can be
	return string(b)
}

// bearer are the two elements of a header with a token.
func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// answer is a response that was read whole.
type answer struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	raw     string
	body    map[string]any // of a JSON object
}

// want fails the test unless the answer has a status and, where given, an error
// code.
func (a answer) want(t *testing.T, status int, code string) answer {
	t.Helper()
	if a.status != status || a.text("error") != code {
		t.Fatalf("answered %d %s, want %d %s", a.status, a.raw, status, code)
	}
	return a
}

// text is a member of the body; "" when it is none or no text.
func (a answer) text(name string) string {
	v, _ := a.body[name].(string)
	return v
}

// browser keeps no connection: a server's end isn't held up by it, and a
// server that was killed isn't asked on a dead one.
var browser = &http.Client{
	Timeout:   patience,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// call sends a request; a body is JSON unless a Content-Type among the pairs of
// headers says otherwise.
func call(t *testing.T, method, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, cookies: resp.Cookies(), raw: string(raw)}
	_ = json.Unmarshal(raw, &a.body) // what isn't an object has no members
	return a
}

func get(t *testing.T, url string, header ...string) answer {
	t.Helper()
	return call(t, http.MethodGet, url, "", header...)
}

// await looks until done is true.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("in %v it didn't come about that %s", patience, what)
		}
		<-tick.C
	}
}

// resource is a resource server: GET /protected for any token, GET /admin for
// the role.
type resource struct{ name, url string }

// protect serves a resource server as the verifier's documentation shows one.
func protect(t *testing.T, config verifier.Config) resource {
	t.Helper()
	v, err := verifier.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	mux := http.NewServeMux()
	show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := verifier.FromContext(r.Context())
		_ = json.NewEncoder(w).Encode(map[string]string{"message": "Hello, " + tok.Subject}) // a client that hung up
	})
	mux.Handle("/protected", v.Middleware(show))
	mux.Handle("GET /admin", v.Middleware(verifier.RequireRole("admin")(show)))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return resource{"verifier.Middleware", server.URL}
}

// protect serves a resource server for the tokens of s.
func (s site) protect(t *testing.T) resource {
	t.Helper()
	return protect(t, verifier.Config{Issuer: s.URL, Audience: audience, Poll: statusPoll})
}

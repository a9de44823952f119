package issuer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
)

// browser is somebody's, at one server. Its cookies are Secure, which Go's jar would
// not send over http; real ones do to localhost.
type browser struct {
	s       *server
	cookies map[string]string
	agent   string // the User-Agent header; empty: Go's
}

func (s *server) browser() *browser { return &browser{s: s, cookies: map[string]string{}} }

// page is what a browser shows, or where it was sent away to.
type page struct {
	answer
	url    string // of the page
	leaves string // the URL of another site that the server sent it to
}

// get follows redirects within the server.
func (b *browser) get(target string) page { return b.go_("GET", target, nil) }

// submit posts a form of a page.
func (b *browser) submit(target string, form url.Values) page { return b.go_("POST", target, form) }

func (b *browser) go_(method, target string, form url.Values) page {
	b.s.t.Helper()
	for range 10 {
		if !strings.HasPrefix(target, "http") && !strings.Contains(target, "://") {
			target = b.s.url + target
		}
		p := b.once(method, target, form)
		to := p.header.Get("Location")
		if to == "" {
			return p
		}
		at, err := url.Parse(target)
		b.s.must(err)
		next, err := at.Parse(to)
		b.s.must(err)
		if next.Host != at.Host {
			p.leaves = next.String()
			return p
		}
		method, target, form = "GET", next.String(), nil
	}
	b.s.t.Fatal("too many redirects")
	return page{}
}

func (b *browser) once(method, target string, form url.Values) page {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, target, strings.NewReader(form.Encode()))
	b.s.must(err)
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	b.s.must(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	b.s.must(err)
	for _, c := range res.Cookies() {
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return page{answer: answer{status: res.StatusCode, header: res.Header, cookies: res.Cookies(), raw: string(raw)}, url: target}
}

var fields = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
var attribute = regexp.MustCompile(`(name|value)="([^"]*)"`)

// hidden are the hidden fields of a page's forms.
func (p page) hidden() url.Values {
	v := url.Values{}
	for _, field := range fields.FindAllString(p.raw, -1) {
		at := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(field, -1) {
			at[m[1]] = html.UnescapeString(m[2])
		}
		v.Set(at["name"], at["value"])
	}
	return v
}

// with are the hidden fields and more.
func (p page) with(pairs ...string) url.Values {
	v := p.hidden()
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// on tells whether the page is one of /ui/.
func (p page) on(name string) bool {
	u, err := url.Parse(p.url)
	return err == nil && u.Path == "/ui/"+name && p.status < 300
}

// logIn fills in the login page.
func (b *browser) logIn(p page, email string) page {
	b.s.t.Helper()
	if !p.on("login") {
		b.s.t.Fatalf("not the login page: %s %d %s", p.url, p.status, p.leaves)
	}
	return b.submit(p.url, p.with("email", email, "password", password))
}

// allow agrees on the page of consent.
func (b *browser) allow(p page) page {
	b.s.t.Helper()
	if !p.on("consent") {
		b.s.t.Fatalf("not the page of consent: %s %d %s", p.url, p.status, p.leaves)
	}
	return b.submit(p.url, p.with("decision", "allow"))
}

// answer is what a client reads from the URL that a browser was sent to.
func (p page) read(t *testing.T, redirect string) url.Values {
	t.Helper()
	to, err := url.Parse(p.leaves)
	if err != nil || !strings.HasPrefix(p.leaves, redirect) {
		t.Fatalf("not sent to the client, but on %s: %d %q %.600s", p.url, p.status, p.leaves, p.raw)
	}
	if to.Fragment != "" {
		v, err := url.ParseQuery(to.EscapedFragment())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return to.Query()
}

// clock is the server's time, as engines keep it.
func (s *server) clock() time.Time {
	if s.now != nil {
		return s.now().UTC().Truncate(time.Millisecond)
	}
	return time.Now().UTC().Truncate(time.Millisecond)
}

const (
	callback     = "https://client.example/callback"
	codeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func challenge() string {
	sum := sha256.Sum256([]byte(codeVerifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// register makes a client for the authorization code; edit may change it. It returns
// id and secret.
func (s *server) register(name string, edit func(*client.Client)) [2]string {
	s.t.Helper()
	plain, secret := client.NewSecret(s.clock())
	c := client.Client{
		ID: id.Client(name), Version: 1, Created: s.clock(), Secrets: []client.Secret{secret},
		Grants: []string{client.GrantAuthorizationCode, client.GrantRefreshToken}, RedirectURIs: []string{callback},
		Scopes: []string{"openid", "profile", "email", "phone", "address", "roles", "offline_access", "read"}, Audiences: []string{}, Roles: []string{},
	}
	if edit != nil {
		edit(&c)
	}
	if c.Public {
		c.Secrets, plain = nil, ""
	}
	s.must(s.db.Backend().Clients.Create(s.t.Context(), c, audit.New(s.t.Context(), audit.ClientCreated, s.clock())))
	return [2]string{name, plain}
}

// authorizeURL is an authorization request with defaults; pairs replace them, and an
// empty value leaves one out.
func (s *server) authorizeURL(client string, pairs ...string) string {
	v := url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s t&a"}, "nonce": {"n-0S6"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	return "/oauth/authorize?" + v.Encode()
}

// exchange presents a code as the client that asked for it; pairs as above.
func (s *server) exchange(client [2]string, code string, pairs ...string) answer {
	s.t.Helper()
	v := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {codeVerifier}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	return s.form("/oauth/token", client, v)
}

// code logs a person in in a browser, lets the client have what it asks for, and
// returns the code.
func (b *browser) code(client, email string, pairs ...string) string {
	b.s.t.Helper()
	p := b.get(b.s.authorizeURL(client, pairs...))
	if p.on("login") {
		p = b.logIn(p, email)
	}
	if p.on("consent") {
		p = b.allow(p)
	}
	got := p.read(b.s.t, callback)
	if got.Get("code") == "" {
		b.s.t.Fatalf("no code but %v", got)
	}
	return got.Get("code")
}

// jwtOf is what a JWT says, unchecked.
func jwtOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

package issuer_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
)

// ada has an account, and a client is registered.
func ada(t *testing.T, edit func(*issuer.Settings)) (*server, *browser, [2]string) {
	s := start(t, edit)
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	return s, s.browser(), s.register("web", nil)
}

const adas = "ada@example.com"

// TestServer is the module oidcc-server: log in, agree, exchange the code, and all
// that comes of it.
func TestServer(t *testing.T) {
	s, b, web := ada(t, nil)
	p := b.get(s.authorizeURL("web", "scope", "openid email profile"))
	p = b.allow(b.logIn(p, adas))
	got := p.read(t, callback)
	if got.Get("state") != "s t&a" || got.Get("iss") != s.url {
		t.Errorf("state %q, iss %q", got.Get("state"), got.Get("iss"))
	}
	a := s.want(s.exchange(web, got.Get("code")), 200, "")
	if a.header.Get("Cache-Control") != "no-store" || a.str("token_type") != "Bearer" || a.str("scope") != "openid email profile" {
		t.Errorf("token response %v %s", a.header, a.raw)
	}
	c := jwtOf(t, a.str("id_token"))
	for name, want := range map[string]any{
		"iss": s.url, "aud": "web", "azp": "web", "nonce": "n-0S6", "email": adas, "acr": "urn:signet:acr:password", "sid": a.str("session_id"),
	} {
		if c[name] != want {
			t.Errorf("%s: %v, want %v", name, c[name], want)
		}
	}
	for _, name := range []string{"name", "email_verified", "phone_number", "address"} { // what a person has not
		if _, there := c[name]; there {
			t.Errorf("the ID token has %s", name)
		}
	}
	info := s.want(s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+a.str("access_token")), 200, "")
	if info.str("sub") != c["sub"] || info.str("email") != adas {
		t.Errorf("userinfo %s", info.raw)
	}
	again := s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}}), 200, "")
	r := jwtOf(t, again.str("id_token"))
	if r["sub"] != c["sub"] || r["auth_time"] != c["auth_time"] || r["sid"] != c["sid"] || r["nonce"] != nil {
		t.Errorf("the ID token of a refresh: %v", r)
	}
}

// TestSilent: who is logged in and has agreed isn't asked again, and prompt=none works
// (oidcc-prompt-none-logged-in); where not, it says why (oidcc-prompt-none-not-logged-in).
func TestSilent(t *testing.T) {
	s, b, web := ada(t, nil)
	none := func(want string) url.Values {
		t.Helper()
		got := b.get(s.authorizeURL("web", "prompt", "none")).read(t, callback)
		if got.Get("error") != want || got.Get("state") != "s t&a" || got.Get("iss") != s.url {
			t.Fatalf("prompt=none: %v, want %q", got, want)
		}
		return got
	}
	none("login_required")
	p := b.logIn(b.get(s.authorizeURL("web")), adas)
	none("consent_required")
	first := jwtOf(t, s.want(s.exchange(web, b.allow(p).read(t, callback).Get("code")), 200, "").str("id_token"))
	second := jwtOf(t, s.want(s.exchange(web, none("").Get("code")), 200, "").str("id_token"))
	if first["sub"] != second["sub"] || first["auth_time"] != second["auth_time"] || first["sid"] == second["sid"] {
		t.Errorf("two tokens of one login: %v, %v", first, second)
	}
	if p := b.get(s.authorizeURL("web", "scope", "openid email phone")); !p.on("consent") { // more than they have agreed to
		t.Errorf("not asked: %s", p.leaves)
	}
	if p := b.get(s.authorizeURL("web", "prompt", "consent")); !p.on("consent") {
		t.Errorf("prompt=consent: not asked: %s", p.leaves)
	}
	if p := b.get(s.authorizeURL("web", "prompt", "select_account")); !p.on("login") && !p.on("select") {
		t.Errorf("prompt=select_account: not asked: %s", p.leaves)
	}
}

// TestLogInAgain is oidcc-prompt-login and oidcc-max-age-1: the password is asked for
// again, and auth_time is newer.
func TestLogInAgain(t *testing.T) {
	for name, pair := range map[string][2]string{"prompt": {"prompt", "login"}, "max_age": {"max_age", "1"}, "max_age zero": {"max_age", "0"}} {
		t.Run(name, func(t *testing.T) {
			var now aheadOf
			s := &server{t: t, log: &bytes.Buffer{}, now: now.time}
			s.serve(nil)
			s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
			b, web := s.browser(), s.register("web", nil)
			first := jwtOf(t, s.want(s.exchange(web, b.code("web", adas)), 200, "").str("id_token"))
			now.forward(3 * time.Second)
			p := b.get(s.authorizeURL("web", pair[0], pair[1]))
			if !p.on("login") {
				t.Fatalf("not asked to log in: %s", p.leaves)
			}
			old := b.cookies["__Host-signet_login"]
			p = b.logIn(p, adas)
			second := jwtOf(t, s.want(s.exchange(web, p.read(t, callback).Get("code")), 200, "").str("id_token"))
			before, _ := first["auth_time"].(float64)
			after, _ := second["auth_time"].(float64)
			if before == 0 || after < before+3 || first["sub"] != second["sub"] {
				t.Errorf("%v, then %v", first, second)
			}
			if old == b.cookies["__Host-signet_login"] {
				t.Error("the login cookie stays the same after the password was given")
			}
		})
	}
}

// aheadOf is the machine's time and a bit.
type aheadOf struct {
	mu sync.Mutex
	by time.Duration
}

func (s *aheadOf) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.by)
}

func (s *aheadOf) forward(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by += d
}

// TestMaxAgeLong is oidcc-max-age-10000: who logged in lately isn't asked.
func TestMaxAgeLong(t *testing.T) {
	s, b, web := ada(t, nil)
	b.code("web", adas)
	got := b.get(s.authorizeURL("web", "max_age", "10000", "prompt", "none")).read(t, callback)
	c := jwtOf(t, s.want(s.exchange(web, got.Get("code")), 200, "").str("id_token"))
	if c["auth_time"] == nil {
		t.Errorf("no auth_time: %v", c)
	}
}

// TestHint is oidcc-id-token-hint, and what becomes of another person's, a forged one
// and another client's.
func TestHint(t *testing.T) {
	s, b, web := ada(t, nil)
	s.register("other", nil)
	raw := s.want(s.exchange(web, b.code("web", adas)), 200, "").str("id_token")
	if got := b.get(s.authorizeURL("web", "prompt", "none", "id_token_hint", raw)).read(t, callback); got.Get("code") == "" {
		t.Errorf("one's own hint: %v", got)
	}
	for name, c := range map[string]struct{ client, hint string }{
		"forged": {"web", raw[:len(raw)-6] + "AAAAAA"}, "no token": {"web", "x"}, "another client's": {"other", raw},
	} {
		if got := b.get(s.authorizeURL(c.client, "id_token_hint", c.hint)).read(t, callback); got.Get("error") != "invalid_request" {
			t.Errorf("%s: %v", name, got)
		}
	}
	s.want(s.post("/register", `{"email":"eve@example.com","password":"`+password+`"}`), 201, "")
	eve := s.browser()
	eve.code("web", "eve@example.com")
	if got := eve.get(s.authorizeURL("web", "prompt", "none", "id_token_hint", raw)).read(t, callback); got.Get("error") != "login_required" {
		t.Errorf("another person's hint: %v", got)
	}
	p := eve.get(s.authorizeURL("web", "id_token_hint", raw))
	if got := eve.logIn(p, "eve@example.com").read(t, callback); got.Get("error") != "login_required" {
		t.Errorf("another person logs in: %v", got)
	}
}

// TestCodeOnce is oidcc-codereuse and -30seconds: a second use is refused, and ends
// what the first gave.
func TestCodeOnce(t *testing.T) {
	s, b, web := ada(t, nil)
	code := b.code("web", adas)
	a := s.want(s.exchange(web, code), 200, "")
	s.want(s.exchange(web, code), 400, "invalid_grant")
	s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}}), 400, "invalid_grant")
	s.want(s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+a.str("access_token")), 401, "invalid_token")
	if got := b.get(s.authorizeURL("web", "prompt", "none")).read(t, callback); got.Get("code") == "" {
		t.Errorf("the browser was logged out with it: %v", got)
	}
}

// TestCodeAtOnce: of many that present one code at once, none keeps what it got.
func TestCodeAtOnce(t *testing.T) {
	s, b, web := ada(t, nil)
	code := b.code("web", adas)
	answers := make([]answer, 16)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.exchange(web, code) })
	}
	all.Wait()
	given := 0
	for _, a := range answers {
		if a.status == 200 {
			given++
			s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}}), 400, "invalid_grant")
		}
	}
	if given > 1 {
		t.Errorf("%d got tokens", given)
	}
}

// TestCodeBound: a code is good for who asked for it, where it was sent, with the
// verifier of its challenge; a bad try doesn't use it up.
func TestCodeBound(t *testing.T) {
	s, b, web := ada(t, nil)
	other := s.register("other", nil)
	code := b.code("web", adas)
	for name, c := range map[string]struct {
		client [2]string
		pairs  []string
		code   string
	}{
		"another client":        {other, nil, "invalid_grant"},
		"another redirect":      {web, []string{"redirect_uri", callback + "/"}, "invalid_grant"},
		"no redirect":           {web, []string{"redirect_uri", ""}, "invalid_request"},
		"no verifier":           {web, []string{"code_verifier", ""}, "invalid_grant"},
		"another verifier":      {web, []string{"code_verifier", codeVerifier + "x"}, "invalid_grant"},
		"challenge as verifier": {web, []string{"code_verifier", challenge()}, "invalid_grant"},
		"resource not asked":    {web, []string{"resource", "https://other.example"}, "invalid_target"},
		"not a code":            {web, []string{"code", "sgc_x"}, "invalid_grant"},
	} {
		if a := s.exchange(c.client, code, c.pairs...); a.status != 400 || a.str("error") != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	s.want(s.exchange(web, code), 200, "")
	// PKCE downgrade: the attacker took the challenge out of the request, and the client
	// presents its verifier (RFC 9700 §4.8.2).
	code = b.code("web", adas, "code_challenge", "", "code_challenge_method", "")
	s.want(s.exchange(web, code), 400, "invalid_grant")
	s.want(s.exchange(web, code, "code_verifier", ""), 200, "")
}

// TestCodeExpires: a minute, and no longer.
func TestCodeExpires(t *testing.T) {
	var now aheadOf
	s := &server{t: t, log: &bytes.Buffer{}, now: now.time}
	s.serve(nil)
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	b, web := s.browser(), s.register("web", nil)
	code := b.code("web", adas)
	now.forward(61 * time.Second)
	s.want(s.exchange(web, code), 400, "invalid_grant")
}

// TestNotTold: what mustn't go to the client by redirect is a page.
func TestNotTold(t *testing.T) {
	s, b, _ := ada(t, nil)
	s.register("native", func(c *client.Client) {
		c.Public, c.RedirectURIs = true, []string{"http://127.0.0.1/cb", "com.example.app:/cb"}
	})
	for name, u := range map[string]string{
		"unknown client":    s.authorizeURL("nobody"),
		"no client":         s.authorizeURL("web", "client_id", ""),
		"no redirect":       s.authorizeURL("web", "redirect_uri", ""),
		"another redirect":  s.authorizeURL("web", "redirect_uri", "https://evil.example/"),
		"query added":       s.authorizeURL("web", "redirect_uri", callback+"?a=b"),
		"path added":        s.authorizeURL("web", "redirect_uri", callback+"/x"),
		"dots":              s.authorizeURL("web", "redirect_uri", "https://client.example/x/../callback"),
		"backslash":         s.authorizeURL("web", "redirect_uri", `https://client.example\@evil.example/callback`),
		"user information":  s.authorizeURL("web", "redirect_uri", "https://client.example@evil.example/callback"),
		"no scheme":         s.authorizeURL("web", "redirect_uri", "//client.example/callback"),
		"javascript":        s.authorizeURL("web", "redirect_uri", "javascript:alert(1)//client.example/callback"),
		"upper case":        s.authorizeURL("web", "redirect_uri", "HTTPS://client.example/callback"),
		"percent encoded":   s.authorizeURL("web", "redirect_uri", "https://client.example/%63allback"),
		"two redirects":     s.authorizeURL("web") + "&redirect_uri=" + url.QueryEscape("https://evil.example/"),
		"two clients":       s.authorizeURL("web") + "&client_id=web",
		"port of a web app": s.authorizeURL("web", "redirect_uri", "https://client.example:8443/callback"),
		"loopback's host":   s.authorizeURL("native", "redirect_uri", "http://127.0.0.1.evil.example:80/cb"),
		"too long":          s.authorizeURL("web", "state", strings.Repeat("x", 9000)),
		"bad escape":        "/oauth/authorize?client_id=web&redirect_uri=%zz",
	} {
		p := b.get(u)
		if p.leaves != "" || p.status != 400 || !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d, sent to %q", name, p.status, p.leaves)
		}
	}
	if p := b.get(s.authorizeURL("native", "redirect_uri", "http://127.0.0.1:49152/cb")); !p.on("login") { // RFC 8252 §7.3
		t.Errorf("loopback with a port: %d %s", p.status, p.raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+s.authorizeURL("web"), nil)
	s.must(err)
	r.Host = "evil.example"
	res, err := http.DefaultTransport.RoundTrip(r)
	s.must(err)
	res.Body.Close()
	if strings.Contains(res.Header.Get("Location"), "evil") {
		t.Errorf("the Host header decides: %s", res.Header.Get("Location"))
	}
}

// TestTold: what is wrong with the rest, the client is told, by the mode it asked for.
func TestTold(t *testing.T) {
	s, b, _ := ada(t, func(c *issuer.Settings) { c.Audience = []string{"https://api.example"} })
	s.register("spa", func(c *client.Client) { c.Public = true })
	s.register("machine", func(c *client.Client) { c.Grants = []string{client.GrantClientCredentials} })
	for name, c := range map[string]struct{ url, code string }{
		"response type missing": {s.authorizeURL("web", "response_type", ""), "invalid_request"}, // oidcc-response-type-missing
		"implicit":              {s.authorizeURL("web", "response_type", "id_token token"), "unsupported_response_type"},
		"request object":        {s.authorizeURL("web", "request", "e30."), "request_not_supported"}, // oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported
		"request_uri":           {s.authorizeURL("web", "request_uri", "https://client.example/r"), "request_uri_not_supported"},
		"registration":          {s.authorizeURL("web", "registration", "{}"), "registration_not_supported"},
		"no PKCE, public":       {s.authorizeURL("spa", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"plain":                 {s.authorizeURL("web", "code_challenge_method", "plain"), "invalid_request"},
		"method left out":       {s.authorizeURL("web", "code_challenge_method", ""), "invalid_request"},
		"short challenge":       {s.authorizeURL("web", "code_challenge", "abc"), "invalid_request"},
		"prompt none and login": {s.authorizeURL("web", "prompt", "none login"), "invalid_request"},
		"unknown prompt":        {s.authorizeURL("web", "prompt", "dance"), "invalid_request"},
		"max_age":               {s.authorizeURL("web", "max_age", "-1"), "invalid_request"},
		"scope of nobody":       {s.authorizeURL("web", "scope", "nothing"), "invalid_scope"},
		"resource":              {s.authorizeURL("web", "resource", "https://other.example"), "invalid_target"},
		"admin's audience":      {s.authorizeURL("web", "resource", s.url+"/admin"), "invalid_target"},
		"another grant":         {s.authorizeURL("machine"), "unauthorized_client"},
		"twice":                 {s.authorizeURL("web") + "&nonce=2", "invalid_request"},
		"claims":                {s.authorizeURL("web", "claims", `{"id_token":{"a":1}`), "invalid_request"},
		"acr essential":         {s.authorizeURL("web", "claims", `{"id_token":{"acr":{"essential":true,"values":["urn:fingerprint"]}}}`), "unmet_authentication_requirements"},
		"mode":                  {s.authorizeURL("web", "response_mode", "carrier_pigeon"), "invalid_request"},
		"fragment":              {s.authorizeURL("web", "response_mode", "fragment", "response_type", "token"), "unsupported_response_type"},
	} {
		p := b.get(c.url)
		got := p.read(t, callback)
		if got.Get("error") != c.code || got.Get("iss") != s.url || got.Get("state") != "s t&a" {
			t.Errorf("%s: %v", name, got)
		}
		if strings.Contains(p.leaves, "#") != (name == "fragment") {
			t.Errorf("%s: in the wrong part: %s", name, p.leaves)
		}
	}
}

// TestRequirePKCE: by SIGNET_REQUIRE_PKCE confidential clients need it too; without, their
// secret is enough.
func TestRequirePKCE(t *testing.T) {
	for _, require := range []bool{false, true} {
		s, b, _ := ada(t, func(c *issuer.Settings) { c.RequirePKCE = require })
		p := b.get(s.authorizeURL("web", "code_challenge", "", "code_challenge_method", ""))
		if !require {
			if !p.on("login") {
				t.Errorf("not required, and refused: %s", p.leaves)
			}
			continue
		}
		if got := p.read(t, callback); got.Get("error") != "invalid_request" || got.Get("state") != "s t&a" {
			t.Errorf("required, and left out: %v", got)
		}
	}
}

// TestScopesLeftOut: a scope that nobody knows is passed over (OpenID Connect Core
// §3.1.2.1), and the token response says so.
func TestScopesLeftOut(t *testing.T) {
	s, b, web := ada(t, nil)
	a := s.want(s.exchange(web, b.code("web", adas, "scope", "openid whatever read read")), 200, "")
	if a.str("scope") != "openid read" {
		t.Errorf("scope %q", a.str("scope"))
	}
}

// TestNoOpenID: without the scope openid there is no ID token, and no userinfo.
func TestNoOpenID(t *testing.T) {
	s, b, web := ada(t, nil)
	a := s.want(s.exchange(web, b.code("web", adas, "scope", "read")), 200, "")
	if a.str("id_token") != "" {
		t.Errorf("an ID token: %s", a.raw)
	}
	s.want(s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+a.str("access_token")), 403, "insufficient_scope")
}

// TestDeny: who doesn't agree sends the client access_denied, once.
func TestDeny(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.logIn(b.get(s.authorizeURL("web")), adas)
	if got := b.submit(p.url, p.with("decision", "deny")).read(t, callback); got.Get("error") != "access_denied" || got.Get("state") != "s t&a" {
		t.Errorf("denied: %v", got)
	}
	if again := b.submit(p.url, p.with("decision", "allow")); again.leaves != "" {
		t.Errorf("answered twice: %s", again.leaves)
	}
}

// TestPost is oidcc-ensure-post-request-succeeds.
func TestPost(t *testing.T) {
	s, b, web := ada(t, nil)
	_, query, _ := strings.Cut(s.authorizeURL("web"), "?")
	form, err := url.ParseQuery(query)
	s.must(err)
	p := b.allow(b.logIn(b.submit("/oauth/authorize", form), adas))
	s.want(s.exchange(web, p.read(t, callback).Get("code")), 200, "")
}

// TestFormPost is the profile Form Post OP: the answer is a form that the page sends to
// the client.
func TestFormPost(t *testing.T) {
	s, b, web := ada(t, nil)
	p := b.allow(b.logIn(b.get(s.authorizeURL("web", "response_mode", "form_post")), adas))
	got := p.hidden()
	if p.status != 200 || got.Get("state") != "s t&a" || got.Get("iss") != s.url || !strings.Contains(p.raw, `action="`+callback+`"`) {
		t.Fatalf("%d %s", p.status, p.raw)
	}
	s.want(s.exchange(web, got.Get("code")), 200, "")
	if p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("kept by caches: %q", p.header.Get("Cache-Control"))
	}
}

// TestClaimsParameter is oidcc-claims-essential and the like: single claims come where
// they were asked for.
func TestClaimsParameter(t *testing.T) {
	s, b, web := ada(t, nil)
	a := s.want(s.exchange(web, b.code("web", adas, "scope", "openid", "claims", `{"userinfo":{"email":{"essential":true}},"id_token":{"roles":null}}`)), 200, "")
	if c := jwtOf(t, a.str("id_token")); c["email"] != nil || c["roles"] == nil {
		t.Errorf("ID token %v", c)
	}
	info := s.want(s.call("POST", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+a.str("access_token")), 200, "")
	if info.str("email") != adas {
		t.Errorf("userinfo %s", info.raw)
	}
	sub, _ := jwtOf(t, a.str("id_token"))["sub"].(string)
	if got := b.get(s.authorizeURL("web", "prompt", "none", "scope", "openid", "claims", `{"id_token":{"sub":{"value":"`+sub+`"}}}`)).read(t, callback); got.Get("code") == "" {
		t.Errorf("one's own sub: %v", got)
	}
	if got := b.get(s.authorizeURL("web", "prompt", "none", "scope", "openid", "claims", `{"id_token":{"sub":{"value":"usr_else"}}}`)).read(t, callback); got.Get("error") != "login_required" {
		t.Errorf("another's sub: %v", got)
	}
}

// TestUserInfo is oidcc-userinfo-get, -post-header and -post-body, and what it refuses.
func TestUserInfo(t *testing.T) {
	s, b, web := ada(t, nil)
	access := s.want(s.exchange(web, b.code("web", adas)), 200, "").str("access_token")
	for name, a := range map[string]answer{
		"get":         s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+access),
		"post header": s.call("POST", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+access),
		"post body":   s.form("/oidc/userinfo", [2]string{}, url.Values{"access_token": {access}}),
	} {
		if a.status != 200 || a.str("email") != adas {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	for name, c := range map[string]struct {
		a      answer
		status int
	}{
		"nothing":      {s.call("GET", s.url+"/oidc/userinfo", ""), 401},
		"forged":       {s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+access[:len(access)-4]+"AAAA"), 401},
		"in the query": {s.call("GET", s.url+"/oidc/userinfo?access_token="+access, ""), 401},
		"refresh":      {s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer sgr_x"), 401},
	} {
		if c.a.status != c.status || c.a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, c.a.status, c.a.raw)
		}
	}
}

// TestSignedUserInfo is oidcc-userinfo-rs256.
func TestSignedUserInfo(t *testing.T) {
	s, b, _ := ada(t, nil)
	signs := s.register("signs", func(c *client.Client) { c.UserinfoAlg, c.IDTokenAlg = "RS256", "RS256" })
	a := s.want(s.exchange(signs, b.code("signs", adas)), 200, "")
	info := s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+a.str("access_token"))
	c := jwtOf(t, info.raw)
	if info.header.Get("Content-Type") != "application/jwt" || c["iss"] != s.url || c["aud"] != "signs" || c["sub"] == nil {
		t.Errorf("%v %v", info.header, c)
	}
}

// TestLoggedOutMeanwhile: a code whose login has ended is none.
func TestLoggedOutMeanwhile(t *testing.T) {
	s, b, web := ada(t, nil)
	code := b.code("web", adas)
	p := b.get("/ui/logout")
	b.submit(p.url, p.with("decision", "logout"))
	s.want(s.exchange(web, code), 400, "invalid_grant")
	if got := b.get(s.authorizeURL("web", "prompt", "none")).read(t, callback); got.Get("error") != "login_required" {
		t.Errorf("logged out, and still: %v", got)
	}
}

// TestOffline: a session with offline_access outlives the browser's logout; another
// doesn't.
func TestOffline(t *testing.T) {
	s, b, web := ada(t, nil)
	online := s.want(s.exchange(web, b.code("web", adas)), 200, "")
	offline := s.want(s.exchange(web, b.code("web", adas, "scope", "openid offline_access", "prompt", "consent")), 200, "")
	p := b.get("/ui/logout")
	b.submit(p.url, p.with("decision", "logout"))
	refresh := func(a answer) answer {
		return s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}})
	}
	s.want(refresh(online), 400, "invalid_grant")
	s.want(refresh(offline), 200, "")
}

// TestChangedMeanwhile: tokens say what a person is when they are given, not when the
// code was; who was disabled in between gets none.
func TestChangedMeanwhile(t *testing.T) {
	s, b, web := ada(t, nil)
	accounts := s.db.Backend().Accounts
	u, err := accounts.ByEmail(t.Context(), adas)
	s.must(err)
	change := func(edit func(*account.User)) {
		t.Helper()
		edit(&u)
		_, err := accounts.Save(t.Context(), u, account.Ending{}, audit.New(t.Context(), audit.UserChanged, s.clock()))
		s.must(err)
		u.Version++
	}
	code := b.code("web", adas, "scope", "openid roles profile")
	change(func(u *account.User) { u.Roles, u.Profile.Name = []string{"editor"}, "Ada" })
	c := jwtOf(t, s.want(s.exchange(web, code), 200, "").str("id_token"))
	if c["name"] != "Ada" || fmt.Sprint(c["roles"]) != "[editor]" {
		t.Errorf("as of before: %v", c)
	}
	code = b.code("web", adas)
	change(func(u *account.User) { u.Disabled = true })
	s.want(s.exchange(web, code), 400, "invalid_grant")
	if got := b.get(s.authorizeURL("web", "prompt", "none")).read(t, callback); got.Get("error") != "login_required" {
		t.Errorf("disabled, and still logged in: %v", got)
	}
}

package issuer_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

const (
	loginCookie  = "__Host-signet_login"
	deviceCookie = "__Host-signet_device"
)

// look fails unless a page is what every page has to be.
func (p page) look(t *testing.T, status int, texts ...string) page {
	t.Helper()
	if p.status != status {
		t.Fatalf("%s: %d, want %d: %.800s", p.url, p.status, status, p.raw)
	}
	p.checkHeaders(t)
	for _, want := range []string{"<!doctype html>", "<html lang=", "<main", "<h1>", "</html>"} {
		if !strings.Contains(p.raw, want) {
			t.Errorf("%s has no %s", p.url, want)
		}
	}
	if n := strings.Count(p.raw, "<h1"); n != 1 {
		t.Errorf("%s has %d first headings", p.url, n)
	}
	for _, want := range texts {
		if !strings.Contains(html.UnescapeString(p.raw), want) {
			t.Errorf("%s doesn't say %q: %s", p.url, want, p.raw)
		}
	}
	return p
}

func (p page) checkHeaders(t *testing.T) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
	} {
		if got := p.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q, want %q", p.url, name, got, want)
		}
	}
	csp := p.header.Get("Content-Security-Policy")
	for _, rule := range []string{"default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(csp, rule) {
			t.Errorf("%s: the policy %q has no %s", p.url, csp, rule)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
		t.Errorf("%s: the policy is %q", p.url, csp)
	}
}

// field is an input or button by its id, as it stands.
func (p page) field(id string) string {
	return regexp.MustCompile(`<[a-z]+ [^>]*\bid="` + id + `"[^>]*>`).FindString(p.raw)
}

// wantField fails unless an element has what it should.
func (p page) wantField(t *testing.T, id string, attributes ...string) {
	t.Helper()
	for _, want := range attributes {
		if f := p.field(id); !strings.Contains(f, want) {
			t.Errorf("%s: %s is %q, want %s", p.url, id, f, want)
		}
	}
}

func TestLoginPage(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.get(s.authorizeURL("web", "login_hint", adas)).look(t, 200, "Log in", "to go on to web")
	if !p.on("login") {
		t.Fatalf("on %s", p.url)
	}
	p.wantField(t, "email", `name="email"`, `autocomplete="username"`, `inputmode="email"`, `autocapitalize="none"`, `spellcheck="false"`, `value="`+adas+`"`)
	p.wantField(t, "password", `name="password"`, `type="password"`, `autocomplete="current-password"`)
	p.wantField(t, "login", "<button")
	wrong := b.submit(p.url, p.with("email", adas, "password", "wrong")).look(t, 422, "The email address or the password is wrong.")
	wrong.wantField(t, "email", `value="`+adas+`"`, `aria-describedby="problem"`, `aria-invalid="true"`)
	wrong.wantField(t, "password", `aria-describedby="problem"`)
	wrong.wantField(t, "problem", `role="alert"`, `tabindex="-1"`, "autofocus")
	if strings.Contains(wrong.field("password"), "value") || len(wrong.cookies) > 0 {
		t.Errorf("after a wrong password: %s, cookies %v", wrong.field("password"), wrong.cookies)
	}
	unknown := b.submit(p.url, p.with("email", "nobody@example.com", "password", "wrong"))
	same := strings.ReplaceAll(unknown.raw, "nobody@example.com", adas)
	if unknown.status != 422 || same != wrong.raw {
		t.Errorf("an unknown user reads another page: %d %s", unknown.status, unknown.raw)
	}
	done := b.logIn(p, adas)
	if !done.on("consent") {
		t.Errorf("after the login: %s %d", done.url, done.status)
	}
}

// The cookies of a login are for this host, this path, https and no script.
func TestLoginCookies(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.once("POST", s.url+"/ui/login", url.Values{"email": {adas}, "password": {password}})
	if p.status != 303 || p.header.Get("Location") != "/ui/account" {
		t.Fatalf("%d to %q", p.status, p.header.Get("Location"))
	}
	sites := map[string]http.SameSite{loginCookie: http.SameSiteLaxMode, deviceCookie: http.SameSiteStrictMode}
	for _, c := range p.cookies {
		if !c.HttpOnly || !c.Secure || c.Path != "/" || c.Domain != "" || c.SameSite != sites[c.Name] || c.MaxAge < 29*24*3600 {
			t.Errorf("cookie %v", c)
		}
		delete(sites, c.Name)
	}
	if len(sites) > 0 {
		t.Errorf("not given: %v", sites)
	}
	out := b.submit("/ui/logout", url.Values{"decision": {"logout"}})
	if out.look(t, 200, "You are logged out"); b.cookies[loginCookie] != "" {
		t.Error("the cookie is still there")
	}
}

// Two login cookies are none: nobody could tell whose.
func TestTwoLoginCookies(t *testing.T) {
	s, b, _ := ada(t, nil)
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	a := s.call("GET", s.url+"/ui/logout", "", "Cookie", loginCookie+"="+b.cookies[loginCookie]+"; "+loginCookie+"=x")
	if !strings.Contains(a.raw, "You are logged out") {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestRegisterPage(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.get(s.authorizeURL("web"))
	p = b.get(strings.Replace(p.url, "/ui/login", "/ui/register", 1)).look(t, 200, "Create an account", "At least 8 characters")
	p.wantField(t, "password", `autocomplete="new-password"`, `aria-describedby="hint"`)
	p.wantField(t, "register", "<button")
	for name, c := range map[string]struct {
		email, password string
		status          int
		says, field     string
	}{
		"no address":   {"not an address", password, 422, "This is not an email address.", "email"},
		"taken":        {"Ada@Example.com", password, 409, "There is an account with this email address already.", "email"},
		"short":        {"bob@example.com", "short", 422, "it needs at least 8 characters", "password"},
		"common":       {"bob@example.com", "password123", 422, "among the commonest", "password"},
		"long":         {"bob@example.com", strings.Repeat("x", 73), 422, "72 bytes at most", "password"},
		"NUL":          {"bob@example.com", "correct\x00horse battery", 422, "a character that can't be used", "password"},
		"nothing":      {"", "", 422, "This is not an email address.", "email"},
		"script":       {`"><script>alert(1)</script>@example.com`, password, 422, "This is not an email address.", "email"},
		"no UTF-8":     {"bob\xff@example.com", password, 422, "This is not an email address.", "email"},
		"line endings": {"bob@example.com\r\nX: y", password, 422, "This is not an email address.", "email"},
	} {
		got := b.submit(p.url, p.with("email", c.email, "password", c.password))
		got.look(t, c.status, c.says).wantField(t, c.field, "problem", `aria-invalid="true"`)
		if strings.Contains(got.raw, "<script") || strings.Contains(got.field("password"), "value") {
			t.Errorf("%s: %s", name, got.raw)
		}
	}
	done := b.submit(p.url, p.with("email", "bob@example.com", "password", password)).look(t, 200, "bob@example.com")
	if !done.on("consent") {
		t.Errorf("after the registration: %s", done.url)
	}
}

func TestRegisterPageClosed(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.Registration = "closed" })
	b := s.browser()
	b.get("/ui/register").look(t, 403, "makes no accounts by itself")
	b.submit("/ui/register", url.Values{"email": {adas}, "password": {password}}).look(t, 403, "makes no accounts by itself")
	if p := b.get("/ui/login"); strings.Contains(p.raw, "/ui/register") {
		t.Error("the login page leads to a registration that is closed")
	}
}

func TestConsentPage(t *testing.T) {
	s, b, _ := ada(t, nil)
	s.register("shop", func(c *client.Client) {
		c.Name, c.LogoURI, c.PolicyURI, c.TermsURI = "Blue Shop", "https://cdn.example:8443/logo.png", "https://shop.example/privacy", "javascript:alert(1)"
	})
	ask := s.authorizeURL("shop", "scope", "read offline_access openid email")
	p := b.logIn(b.get(ask), adas).look(t, 200, "Blue Shop wants to use your account", "You are logged in as "+adas, "Know you again when you come back",
		"See your email address", "Keep its access while you are away", "<code>read</code>", "After this you go to client.example.",
		`<a href="https://shop.example/privacy" rel="noopener noreferrer">Privacy policy</a>`)
	if strings.Contains(p.raw, "javascript:") || strings.Contains(p.raw, "Terms of service") {
		t.Error("a link that is no https URL")
	}
	csp := p.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "img-src 'self' https://cdn.example:8443;") && !strings.HasSuffix(csp, "img-src 'self' https://cdn.example:8443") {
		t.Errorf("policy %s", csp)
	}
	if !strings.Contains(csp, "form-action 'self' https:;") {
		t.Errorf("policy %s", csp)
	}
	b.submit(p.url, p.with("decision", "perhaps")).look(t, 400)
	denied := b.submit(p.url, p.with("decision", "deny")).read(t, callback)
	if denied.Get("error") != "access_denied" || denied.Get("state") != "s t&a" || denied.Get("iss") != s.url {
		t.Errorf("denied: %v", denied)
	}
	b.submit(p.url, p.with("decision", "allow")).look(t, 410, "This request is over", "Go back to the application") // it is answered
	if got := b.allow(b.get(ask)).read(t, callback); got.Get("code") == "" {
		t.Errorf("allowed: %v", got)
	}
	if got := b.get(ask).read(t, callback); got.Get("code") == "" { // remembered
		t.Errorf("again: %v", got)
	}
}

// Who came after may not be taken at the word of who was there before.
func TestConsentOfAnother(t *testing.T) {
	s, b, _ := ada(t, nil)
	s.want(s.post("/register", `{"email":"bob@example.com","password":"`+password+`"}`), 201, "")
	p := b.logIn(b.get(s.authorizeURL("web")), adas)
	b.submit("/ui/login", url.Values{"email": {"bob@example.com"}, "password": {password}})
	again := b.submit(p.url, p.with("decision", "allow")).look(t, 200, "You are logged in as bob@example.com")
	if !again.on("consent") {
		t.Errorf("on %s", again.url)
	}
}

// From the page of consent to another account, and on: also where the first person
// agreed meanwhile, in another tab.
func TestConsentOther(t *testing.T) {
	s, b, _ := ada(t, nil)
	s.want(s.post("/register", `{"email":"bob@example.com","password":"`+password+`"}`), 201, "")
	p := b.logIn(b.get(s.authorizeURL("web")), adas)
	other := html.UnescapeString(regexp.MustCompile(`id="other" href="([^"]+)"`).FindStringSubmatch(p.raw)[1])
	b.allow(b.get(s.authorizeURL("web"))).read(t, callback)
	p = b.get(other).look(t, 200, "Log in")
	b.logIn(p, "bob@example.com").look(t, 200, "You are logged in as bob@example.com")
}

// Who has to show again who they are doesn't have to type their address again.
func TestLoginAgain(t *testing.T) {
	s, b, _ := ada(t, nil)
	b.allow(b.logIn(b.get(s.authorizeURL("web")), adas)).read(t, callback)
	for hint, want := range map[string]string{"": adas, "bob@example.com": "bob@example.com"} {
		p := b.get(s.authorizeURL("web", "prompt", "login", "login_hint", hint)).look(t, 200)
		p.wantField(t, "email", `value="`+want+`"`)
	}
	p := b.get(s.authorizeURL("web", "prompt", "select_account", "login_hint", "Ada@example.com"))
	p.wantField(t, "email", `value=""`)
}

func TestSelectAccount(t *testing.T) {
	s, b, _ := ada(t, nil)
	b.allow(b.logIn(b.get(s.authorizeURL("web")), adas))
	p := b.get(s.authorizeURL("web", "prompt", "select_account")).look(t, 200, "Choose an account", "Continue as "+adas, "Or use another account")
	p.wantField(t, "continue", `name="continue"`)
	if got := b.submit(p.url, p.with("continue", "1")).read(t, callback); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
	b.cookies = map[string]string{} // logged out meanwhile
	if p := b.submit(p.url, p.with("continue", "1")); p.status != 410 && !p.on("login") {
		t.Errorf("%d on %s", p.status, p.url)
	}
}

// A request that waits no longer still lets somebody log in, and says what to do.
func TestRequestOver(t *testing.T) {
	s, b, _ := ada(t, nil)
	for _, name := range []string{"sgq_" + strings.Repeat("x", 43), "nothing", strings.Repeat("x", 5000), `"><script>`, "%00"} {
		b := s.browser()
		target := "/ui/login?request=" + url.QueryEscape(name)
		p := b.get(target).look(t, 200, "Log in")
		if strings.Contains(p.raw, "<script") {
			t.Errorf("%q: %s", name, p.raw)
		}
		b.get("/ui/consent?request="+url.QueryEscape(name)).look(t, 410, "This request is over")
	}
	p := b.get("/ui/login?request=sgq_"+strings.Repeat("x", 43)).look(t, 200, "The application's request is over.")
	b.submit(p.url, p.with("email", adas, "password", password)).look(t, 410, "begin again there", "Go to your account")
	if b.cookies[loginCookie] == "" {
		t.Error("not logged in")
	}
	b.get(p.url).look(t, 410, "This request is over")
	b.get("/ui/account").look(t, 200, adas)
	if p := b.get("/ui/login"); !p.on("account") {
		t.Errorf("who is logged in is on %s", p.url)
	}
}

func TestThrottledPage(t *testing.T) {
	_, b, _ := ada(t, func(c *issuer.Settings) { c.LoginRateAccount = limit.Rate{Count: 2, Per: time.Minute} })
	var p page
	for range 3 {
		p = b.submit("/ui/login", url.Values{"email": {adas}, "password": {"wrong"}})
	}
	p.look(t, 429, "There were too many attempts. Try again in ")
	seconds, err := strconv.Atoi(p.header.Get("Retry-After"))
	if err != nil || seconds < 1 || seconds > 60 || !strings.Contains(p.raw, fmt.Sprintf("in %d seconds", seconds)) {
		t.Errorf("Retry-After %q", p.header.Get("Retry-After"))
	}
	p.wantField(t, "email", `value="`+adas+`"`)
}

// What can't be answered now is a 503 that says when to come back, on every page.
func TestUnavailablePage(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.get(s.authorizeURL("web"))
	s.must(s.db.Close())
	for _, got := range []page{
		b.submit(p.url, p.with("email", adas, "password", password)), b.get(p.url), b.get("/ui/consent?" + strings.SplitN(p.url, "?", 2)[1]),
	} {
		got.look(t, 503, "Too much is going on here right now. Try again in a second.")
		if got.header.Get("Retry-After") != "1" || strings.Contains(got.raw, "sql") || strings.Contains(got.raw, "database") {
			t.Errorf("%s: %v %s", got.url, got.header, got.raw)
		}
	}
}

func TestAccountPage(t *testing.T) {
	s, b, web := ada(t, nil)
	if p := b.get("/ui/account"); !p.on("login") {
		t.Fatalf("nobody is on %s", p.url)
	}
	there := s.want(s.post("/login", `{"email":"`+adas+`","password":"`+password+`"}`, "User-Agent", "curl/8.5.0"), 200, "") // an app elsewhere
	b.agent = windowsChrome
	got := b.allow(b.logIn(b.get(s.authorizeURL("web")), adas)).read(t, callback)
	here := s.want(s.exchange(web, got.Get("code")), 200, "")
	if p := b.get("/"); !p.on("account") {
		t.Errorf("the issuer's address leads to %s", p.url)
	}
	p := b.get("/ui/").look(t, 200, "You are logged in as "+adas, "Chrome on Windows", "You are here", "curl", "Last seen: just now",
		"Log out everywhere else", "What you have allowed", "See your email address")
	if p.header.Get("Cross-Origin-Opener-Policy") != "same-origin" || !p.on("account") {
		t.Errorf("on %s, %v", p.url, p.header)
	}
	as := p.hidden().Get("as")
	// Another's page, kept open, does nothing to who came after.
	b.submit("/ui/account/end-others", url.Values{"as": {"other"}})
	s.want(s.refresh(there.str("refresh_token")), 200, "")
	b.submit("/ui/account/end", url.Values{"as": {as}, "session": {here.str("session_id")}}).look(t, 200, "Ended.", "Log out there")
	s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {here.str("refresh_token")}}), 400, "invalid_grant")
	b.submit("/ui/account/end-others", url.Values{"as": {as}})
	s.want(s.refresh(there.str("refresh_token")), 401, "invalid_grant")
	p = b.get("/ui/account").look(t, 200, "Chrome on Windows")
	if strings.Contains(p.raw, "Log out there") || strings.Contains(p.raw, "Log out everywhere else") {
		t.Error("others are still there")
	}
}

const (
	windowsChrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	iPhoneSafari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
)

// A person can tell their browsers and apps apart, whatever these say they are.
func TestAccountNamesDevices(t *testing.T) {
	s := start(t, nil)
	b, phone, strange := s.browser(), s.browser(), s.browser()
	b.agent, phone.agent, strange.agent = windowsChrome, iPhoneSafari, `Evil"><script>alert(`+strings.Repeat("x", 400)
	b.submit("/ui/register", url.Values{"email": {adas}, "password": {password}}).look(t, 200, "<h3>Chrome on Windows</h3>")
	login := url.Values{"email": {adas}, "password": {password}}
	phone.submit("/ui/login", login)
	strange.submit("/ui/login", login)
	s.want(s.post("/login", `{"email":"`+adas+`","password":"`+password+`"}`, "User-Agent", "curl/8.5.0"), 200, "")
	s.want(s.post("/login", `{"email":"`+adas+`","password":"`+password+`"}`, "User-Agent", " "), 200, "")
	web := s.register("web", nil)
	s.want(s.exchange(web, b.code("web", adas, "scope", "openid offline_access", "prompt", "consent")), 200, "")
	p := b.get("/ui/account").look(t, 200, "<h3>Chrome on Windows</h3>", "<h3>Safari on iPhone</h3>", "<h3>curl</h3>", "<h3>Unknown device</h3>",
		"<h3>Access while you are away</h3>", `<h3>Evil"><script>alert</h3>`)
	if strings.Contains(p.raw, "<script") || strings.Contains(p.raw, "xxx") {
		t.Error("a header's text is markup, or without end")
	}
	owner, err := s.db.Backend().Accounts.ByEmail(t.Context(), adas)
	s.must(err)
	logins, err := s.db.Backend().Logins.Of(t.Context(), owner.ID, s.clock(), 10)
	s.must(err)
	for _, l := range logins {
		if len(l.Agent) > 256 {
			t.Errorf("%d bytes are kept", len(l.Agent))
		}
	}
	// Who proves anew who they are does so with what they have now.
	b.agent = strings.ReplaceAll(windowsChrome, "Safari/537.36", "Safari/537.36 Edg/142.0.0.0")
	b.logIn(b.get(s.authorizeURL("web", "prompt", "login")), adas)
	b.get("/ui/account").look(t, 200, "<h3>Edge on Windows</h3>")
}

// One's own page ends nobody else's.
func TestAccountOfOthers(t *testing.T) {
	s, b, _ := ada(t, nil)
	bob := s.person("bob@example.com")
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	bobs := s.browser()
	bobs.submit("/ui/login", url.Values{"email": {"bob@example.com"}, "password": {password}})
	login := bobs.get("/ui/account").hidden().Get("as")
	for name, form := range map[string]url.Values{
		"session": {"session": {bob.str("session_id")}}, "device": {"device": {login}}, "neither": {}, "empty": {"session": {""}, "device": {""}},
		"no id": {"session": {"' OR 1=1 --"}},
	} {
		if p := b.submit("/ui/account/end", form); !p.on("account") {
			t.Errorf("%s: %d on %s", name, p.status, p.url)
		}
	}
	s.want(s.refresh(bob.str("refresh_token")), 200, "")
	bobs.get("/ui/account").look(t, 200, "bob@example.com")
	b.get("/ui/account").look(t, 200, adas) // and "all of nothing" was not oneself
}

// A device that is ended has to log in again; a client that was allowed something no
// longer is, and is logged out.
func TestAccountEndsDeviceAndConsent(t *testing.T) {
	s, b, web := ada(t, nil)
	phone := s.browser()
	got := phone.allow(phone.logIn(phone.get(s.authorizeURL("web")), adas)).read(t, callback)
	tokens := s.want(s.exchange(web, got.Get("code")), 200, "")
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	p := b.get("/ui/account").look(t, 200, "Log out there")
	b.submit("/ui/account/withdraw", p.with("client", "web")).look(t, 200, "Withdrawn.", "You have not allowed anything")
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.str("refresh_token")}}
	s.want(s.form("/oauth/token", web, refresh), 400, "invalid_grant")
	if p := phone.get(s.authorizeURL("web")); !p.on("consent") {
		t.Errorf("after the withdrawal: %s", p.url)
	}
	phone.allow(phone.get(s.authorizeURL("web")))
	got = phone.get(s.authorizeURL("web")).read(t, callback)
	s.want(s.exchange(web, got.Get("code")), 200, "")
	p = b.get("/ui/account")
	device := regexp.MustCompile(`name="device" value="([^"]+)"`).FindStringSubmatch(p.raw)
	if device == nil {
		t.Fatalf("no other device: %s", p.raw)
	}
	b.submit("/ui/account/end", url.Values{"device": {device[1]}})
	if p := phone.get("/ui/account"); !p.on("login") {
		t.Errorf("the phone is on %s", p.url)
	}
}

func TestPasswordPage(t *testing.T) {
	s, b, _ := ada(t, nil)
	there := s.login(adas)
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	p := b.get("/ui/account")
	const next = "another horse battery"
	for _, c := range []struct {
		old, new string
		says     string
		field    string
	}{
		{"wrong", next, "The current password is wrong.", "old"},
		{password, "short", "at least 8 characters", "new"},
		{password, "password123", "among the commonest", "new"},
		{"", "", "at least 8 characters", "new"},
	} {
		got := b.submit("/ui/account/password", p.with("old", c.old, "new", c.new)).look(t, 422, c.says)
		got.wantField(t, c.field, "problem", `aria-invalid="true"`)
	}
	b.submit("/ui/account/password", p.with("old", password, "new", next)).look(t, 200, "Your password is changed.")
	s.want(s.refresh(there.str("refresh_token")), 401, "invalid_grant")
	s.want(s.post("/login", `{"email":"`+adas+`","password":"`+next+`"}`), 200, "")
	b.get("/ui/account").look(t, 200, adas) // this one stays
}

// marks remembers which sessions were marked as ended where refreshes are decided.
type marks struct {
	session.Generations
	ended []id.Session
}

func (m *marks) End(ctx context.Context, ended []session.Ended) error {
	for _, e := range ended {
		m.ended = append(m.ended, e.ID)
	}
	return m.Generations.End(ctx, ended)
}

// Another password's end of sessions is seen at once, not when the feed is read.
func TestPasswordPageMarksSessions(t *testing.T) {
	var seen marks
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) {
		seen.Generations = b.Generations
		b.Generations = &seen
	}}
	s.serve(nil)
	there := s.person(adas)
	b := s.browser()
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	b.submit("/ui/account/password", url.Values{"old": {password}, "new": {"another horse battery"}}).look(t, 200)
	if want := []id.Session{id.Session(there.str("session_id"))}; !slices.Equal(seen.ended, want) {
		t.Errorf("marked %v, want %v", seen.ended, want)
	}
}

func TestLogoutPage(t *testing.T) {
	s, b, web := ada(t, nil)
	got := b.allow(b.logIn(b.get(s.authorizeURL("web")), adas)).read(t, callback)
	tokens := s.want(s.exchange(web, got.Get("code")), 200, "")
	p := b.get("/ui/logout").look(t, 200, "Log out?", "You are logged in as "+adas)
	p.wantField(t, "logout", `name="decision"`, `value="logout"`)
	if stay := b.submit(p.url, p.with("decision", "stay")); !stay.on("account") {
		t.Errorf("on %s", stay.url)
	}
	b.submit(p.url, p.with()).look(t, 400)
	b.submit(p.url, p.with("decision", "logout")).look(t, 200, "You are logged out")
	s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.str("refresh_token")}}), 400, "invalid_grant")
	b.get("/ui/logout").look(t, 200, "You are logged out")
	b.submit("/ui/logout", url.Values{"decision": {"logout"}}).look(t, 200, "You are logged out")
}

// What somebody else says is text, wherever it is shown.
func TestPagesEscape(t *testing.T) {
	const evil = `"><script>alert('x')</script>{{.}}`
	s, b, _ := ada(t, nil)
	s.register("evil", func(c *client.Client) { c.Name = evil })
	p := b.get(s.authorizeURL("evil", "login_hint", evil, "state", evil, "ui_locales", evil, "response_mode", "form_post"))
	check := func(p page) {
		t.Helper()
		if strings.Contains(p.raw, "<script>alert") || strings.Contains(p.raw, `""><`) {
			t.Errorf("%s: %s", p.url, p.raw)
		}
	}
	check(p)
	check(b.submit(p.url, p.with("email", evil, "password", evil)))
	p = b.logIn(p, adas).look(t, 200, evil+" wants to use your account")
	check(p)
	posted := b.submit(p.url, p.with("decision", "allow"))
	check(posted)
	if posted.hidden().Get("state") != evil {
		t.Errorf("state %q", posted.hidden().Get("state"))
	}
	check(b.get("/ui/account").look(t, 200, evil))
	check(b.get("/ui/error?error=" + url.QueryEscape(evil)))
	check(b.get("/ui/" + url.PathEscape(evil)))
	check(b.get("/ui/account?done=" + url.QueryEscape(evil)))
}

// An answer by form post is a page that submits itself, by the one script that is
// allowed, and has a button for who has none.
func TestFormPostPage(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.allow(b.logIn(b.get(s.authorizeURL("web", "response_mode", "form_post")), adas)).look(t, 200, "One moment")
	csp := p.header.Get("Content-Security-Policy")
	if !regexp.MustCompile(`script-src 'sha256-[A-Za-z0-9+/]{43}='(;|$)`).MatchString(csp) || !strings.Contains(csp, "form-action 'self' https:") {
		t.Errorf("policy %s", csp)
	}
	if !strings.Contains(p.raw, `<form method="post" action="`+callback+`">`) || p.field("continue") == "" {
		t.Errorf("page %s", p.raw)
	}
	v := p.hidden()
	if v.Get("code") == "" || v.Get("state") != "s t&a" || v.Get("iss") != s.url {
		t.Errorf("posts %v", v)
	}
}

// The pages' own script is on no other page.
func TestNoScripts(t *testing.T) {
	s, b, _ := ada(t, nil)
	pages := []page{b.get("/ui/login"), b.get("/ui/register"), b.get("/ui/logout"), b.get("/ui/error"), b.get(s.authorizeURL("nobody"))}
	pages = append(pages, b.logIn(b.get(s.authorizeURL("web")), adas), b.get("/ui/account"))
	for _, p := range pages {
		if strings.Contains(p.raw, "<script") || strings.Contains(p.raw, "style=") || strings.Contains(p.header.Get("Content-Security-Policy"), "script-src") {
			t.Errorf("%s: %s", p.url, p.raw)
		}
	}
}

// An app of the person's own device gets its answer by its scheme (RFC 8252 §7.1), and
// a query that a redirect URI has stays.
func TestRedirectShapes(t *testing.T) {
	s, b, _ := ada(t, nil)
	uris := []string{"com.example.app:/cb", "https://client.example/cb?tenant=a%20b", "http://127.0.0.1/cb"}
	s.register("native", func(c *client.Client) { c.Public, c.RedirectURIs = true, uris })
	p := b.get(s.authorizeURL("native", "redirect_uri", uris[0]))
	b.logIn(p, adas)
	for asked, want := range map[string]struct{ begins, target string }{
		uris[0]:                    {"com.example.app:/cb?code=", "com.example.app:"},
		uris[1]:                    {"https://client.example/cb?tenant=a%20b&code=", "https:"},
		"http://127.0.0.1:5001/cb": {"http://127.0.0.1:5001/cb?code=", "http: https:"},
	} {
		p := b.get(s.authorizeURL("native", "redirect_uri", asked, "prompt", "consent")).look(t, 200)
		if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+want.target) {
			t.Errorf("%s: policy %s", asked, csp)
		}
		if sent := b.once("POST", p.url, p.with("decision", "allow")); sent.status != 303 || !strings.HasPrefix(sent.header.Get("Location"), want.begins) {
			t.Errorf("%s: %d to %q", asked, sent.status, sent.header.Get("Location"))
		}
	}
}

// Another site's page can neither log somebody in (login CSRF) nor act for them.
func TestPagesOfOtherSites(t *testing.T) {
	s, b, _ := ada(t, nil)
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	for _, path := range []string{
		"/ui/login", "/ui/register", "/ui/consent", "/ui/logout", "/ui/account/end", "/ui/account/end-others", "/ui/account/withdraw", "/ui/account/password",
	} {
		for name, header := range map[string][2]string{
			"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
			"origin": {"Origin", "https://evil.example"}, "null": {"Origin", "null"},
		} {
			a := s.call("POST", s.url+path, "email="+adas+"&password="+url.QueryEscape(password)+"&decision=logout", header[0], header[1],
				"Content-Type", "application/x-www-form-urlencoded", "Cookie", loginCookie+"="+b.cookies[loginCookie])
			page{answer: a, url: path}.look(t, 403, "The form came from another site")
			if len(a.cookies) > 0 {
				t.Errorf("%s, %s: cookies %v", path, name, a.cookies)
			}
		}
	}
	b.get("/ui/account").look(t, 200, adas)
}

// CORS_ORIGINS trusts an origin with calls, not with pages.
func TestTrustedOriginHasNoPages(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.CORSOrigins = []string{"https://app.example"} })
	a := s.call("POST", s.url+"/ui/logout", "decision=logout", "Origin", "https://app.example", "Content-Type", "application/x-www-form-urlencoded")
	if a.status != 403 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// What is no form of a page is a page that says so.
func TestPagesBadInput(t *testing.T) {
	s, _, _ := ada(t, nil)
	form := "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		method, path, media, body string
		status                    int
	}{
		"no such page":  {"GET", "/ui/nothing", "", "", 404},
		"method":        {"PUT", "/ui/login", form, "a=b", 405},
		"method there":  {"GET", "/ui/account/end", "", "", 405},
		"JSON":          {"POST", "/ui/login", "application/json", `{"email":"a"}`, 415},
		"multipart":     {"POST", "/ui/login", "multipart/form-data; boundary=x", "--x--", 415},
		"twice":         {"POST", "/ui/login", form, "email=a&email=b&password=c", 400},
		"oversize":      {"POST", "/ui/login", form, "email=" + strings.Repeat("x", 70<<10), 413},
		"many fields":   {"POST", "/ui/consent", form, strings.Repeat("a=b&", 100), 400},
		"bad escape":    {"POST", "/ui/login", form, "email=%zz", 400},
		"long request":  {"POST", "/ui/consent", form, "decision=allow&request=" + strings.Repeat("x", 500), 410},
		"no request":    {"POST", "/ui/consent", form, "decision=deny", 410},
		"no such asset": {"GET", "/ui/static/style.css", "", "", 404},
		"up":            {"GET", "/ui/static/..%2flogin", "", "", 404},
	} {
		a := s.call(c.method, s.url+c.path, c.body, "Content-Type", c.media, "Sec-Fetch-Site", "same-origin")
		if a.status != c.status {
			t.Errorf("%s: %d, want %d: %.300s", name, a.status, c.status, a.raw)
		}
		page{answer: a, url: name}.look(t, c.status)
		if (c.status == 405) != (a.header.Get("Allow") != "") {
			t.Errorf("%s: Allow %q", name, a.header.Get("Allow"))
		}
	}
}

// No parameter of a page leads a browser anywhere.
func TestPagesDontRedirectOpenly(t *testing.T) {
	s, b, _ := ada(t, nil)
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "javascript:alert(1)", "http:evil.example", "https://u@evil.example"} {
		e := url.QueryEscape(to)
		for _, target := range []string{
			"/ui/?request=" + e, "/ui/login?request=" + e + "&return_to=" + e + "&redirect_uri=" + e, "/ui/logout?request=" + e + "&post_logout_redirect_uri=" + e,
			"/ui/account?next=" + e, "/ui//" + to, "/ui/" + to,
		} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.url, nil)
			s.must(err)
			path, query, _ := strings.Cut(target, "?")
			r.URL.Path, r.URL.RawQuery = path, query
			res, err := http.DefaultTransport.RoundTrip(r)
			s.must(err)
			s.must(res.Body.Close())
			if at := res.Header.Get("Location"); at != "" && !strings.HasPrefix(at, "/ui/") {
				t.Errorf("%s leads to %q", target, at)
			}
		}
		p := b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}, "request": {to}, "return_to": {to}})
		if p.leaves != "" {
			t.Errorf("a login leads to %q", p.leaves)
		}
		p = b.once("GET", s.url+s.authorizeURL("web", "redirect_uri", to), nil)
		if p.look(t, 400, "This did not work"); p.header.Get("Location") != "" {
			t.Errorf("authorize leads to %q", p.header.Get("Location"))
		}
	}
}

func TestPagesInGerman(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.get(s.authorizeURL("web", "ui_locales", "fr-CA de-AT en")).look(t, 200, "Anmelden", "und weiter zu web", `lang="de"`, "Konto anlegen")
	b.submit(p.url, p.with("email", adas, "password", "wrong")).look(t, 422, "Die E-Mail-Adresse oder das Passwort ist falsch.")
	a := s.call("GET", s.url+"/ui/login", "", "Accept-Language", "de-CH, en;q=0.5")
	page{answer: a, url: "/ui/login"}.look(t, 200, "Anmelden")
	a = s.call("GET", s.url+"/oauth/authorize?client_id=nobody", "", "Accept-Language", "de")
	page{answer: a, url: "authorize"}.look(t, 400, "Die Anwendung, die Sie hierher geschickt hat, ist nicht bekannt.", a.header.Get("X-Request-Id"))
	m := s.want(s.call("GET", s.url+"/.well-known/openid-configuration", ""), 200, "")
	if locales, _ := m.body["ui_locales_supported"].([]any); !slices.Contains(locales, "de") || !slices.Contains(locales, "en") {
		t.Errorf("ui_locales_supported: %v", m.body["ui_locales_supported"])
	}
}

func TestBrand(t *testing.T) {
	s := start(t, func(c *issuer.Settings) {
		c.BrandName, c.BrandLogo, c.BrandColor = `Bücher & "Söhne"`, "https://cdn.example/logo.svg", "#7a0019"
	})
	p := s.browser().get("/ui/login").look(t, 200, `Bücher & "Söhne"`, `src="https://cdn.example/logo.svg"`)
	if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self' https://cdn.example") {
		t.Errorf("policy %s", csp)
	}
	found := regexp.MustCompile(`href="(/ui/static/style\.[0-9a-f]{16}\.css)"`).FindStringSubmatch(p.raw)
	if found == nil {
		t.Fatalf("no stylesheet: %s", p.raw)
	}
	style := s.call("GET", s.url+found[1], "")
	if !strings.HasPrefix(style.raw, ":root{--brand:#7a0019;") || style.header.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
		style.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v %.200s", style.header, style.raw)
	}
	other := start(t, nil).browser().get("/ui/login")
	if strings.Contains(other.raw, found[1]) {
		t.Error("another colour has the same path")
	}
}

// HEAD is GET without the page (RFC 9110 §9.3.2).
func TestPagesHead(t *testing.T) {
	s := start(t, nil)
	for path, status := range map[string]int{"/ui/login": 200, "/ui/register": 200, "/ui/error": 400, "/ui/nothing": 404} {
		if a := s.call("HEAD", s.url+path, ""); a.status != status || a.raw != "" || a.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %q", path, a.status, a.raw)
		}
	}
}

// A host that a header names is nowhere on a page.
func TestPagesByOtherHost(t *testing.T) {
	s := start(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/ui/login?request=x", nil)
	s.must(err)
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	if a := s.do(r); strings.Contains(a.raw, "evil.example") {
		t.Errorf("%s", a.raw)
	}
}

package issuer_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/keys"
)

const (
	goodbye      = "https://client.example/goodbye"
	goodbyeQuery = "https://client.example/goodbye?from=op"
)

// leavers are a server, a person who is logged in in a browser, and the tokens that
// client "web" has of it, with redirects after logout.
func leavers(t *testing.T) (*server, *browser, answer) {
	s := start(t, nil)
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	b := s.browser()
	return s, b, b.tokens(s.leaver("web", nil), adas)
}

// leaver registers a client with redirects after logout.
func (s *server) leaver(name string, edit func(*client.Client)) [2]string {
	s.t.Helper()
	return s.register(name, func(c *client.Client) {
		c.PostLogoutRedirectURIs = []string{goodbye, goodbyeQuery}
		if edit != nil {
			edit(c)
		}
	})
}

// tokens are what a client gets when a person logs in in a browser.
func (b *browser) tokens(client [2]string, email string, pairs ...string) answer {
	b.s.t.Helper()
	return b.s.want(b.s.exchange(client, b.code(client[0], email, pairs...)), 200, "")
}

// logoutURL is a logout request of these pairs.
func logoutURL(pairs ...string) string { return "/oidc/logout?" + values(pairs).Encode() }

func values(pairs []string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// in tells whether somebody is logged in in the browser: prompt=none gets no
// login_required.
func (b *browser) in() bool {
	b.s.t.Helper()
	p := b.get(b.s.authorizeURL("web", "prompt", "none"))
	return p.read(b.s.t, callback).Get("error") != "login_required"
}

func (b *browser) wantIn(want bool) {
	b.s.t.Helper()
	if b.in() != want {
		b.s.t.Errorf("logged in: %v, want %v", !want, want)
	}
}

// live tells whether a session may still refresh, by what the ledger says.
func (s *server) live(tokens answer) bool {
	s.t.Helper()
	found, _, err := s.db.Backend().Ledger.Find(s.t.Context(), id.Session(tokens.str("session_id")))
	s.must(err)
	return found.Ended.IsZero()
}

// wantRefused fails unless the page is an error's and nothing else.
func (p page) wantRefused(t *testing.T, what string) {
	t.Helper()
	if p.leaves != "" || p.status != 400 || !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
		t.Errorf("%s: %d on %s, sent to %q", what, p.status, p.url, p.leaves)
	}
}

// confirm says yes on the page that asks.
func (b *browser) confirm(p page) page {
	b.s.t.Helper()
	if !p.on("logout") || !strings.Contains(p.raw, `id="logout"`) {
		b.s.t.Fatalf("not the page that asks: %s %d %q", p.url, p.status, p.leaves)
	}
	return b.submit("/ui/logout", p.with("decision", "logout"))
}

// wantLoggedOut fails unless the page says that nobody is logged in.
func (p page) wantLoggedOut(t *testing.T) {
	t.Helper()
	if !p.on("logout") || strings.Contains(p.raw, `id="logout"`) || !strings.Contains(p.raw, "logged out") {
		t.Errorf("not the page that says logged out: %s %d, sent to %q", p.url, p.status, p.leaves)
	}
}

// TestRPInitiatedLogout is oidcc-rp-initiated-logout: at once, back with state, and then
// nobody is logged in. The client's session and all others of the login are over.
func TestRPInitiatedLogout(t *testing.T) {
	s, b, in := leavers(t)
	other := b.tokens(s.leaver("other", nil), adas)
	p := b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbye, "state", "s t&a=1"))
	if p.leaves != goodbye+"?state=s%20t%26a%3D1" {
		t.Fatalf("sent to %q, %d %s", p.leaves, p.status, p.raw)
	}
	if len(b.cookies["__Host-signet_login"]) > 0 {
		t.Error("the browser keeps its login cookie")
	}
	b.wantIn(false)
	for name, tokens := range map[string]answer{"the client's": in, "another's": other} {
		if s.live(tokens) {
			t.Errorf("%s session lives", name)
		}
	}
}

// TestRPInitiatedLogoutNoState is oidcc-rp-initiated-logout-no-state: none is made up.
func TestRPInitiatedLogoutNoState(t *testing.T) {
	_, b, in := leavers(t)
	p := b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbye))
	if p.leaves != goodbye {
		t.Errorf("sent to %q", p.leaves)
	}
	b.wantIn(false)
}

// What is registered comes back to the letter, with its query.
func TestRPInitiatedLogoutRegisteredQuery(t *testing.T) {
	_, b, in := leavers(t)
	p := b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbyeQuery, "state", "x", "client_id", "web", "logout_hint", "anybody", "ui_locales", "de en"))
	if p.leaves != goodbyeQuery+"&state=x" {
		t.Errorf("sent to %q", p.leaves)
	}
}

// TestRPInitiatedLogoutNoParams is oidcc-rp-initiated-logout-no-params and -only-state:
// the person is asked.
func TestRPInitiatedLogoutNoParams(t *testing.T) {
	for name, target := range map[string]string{"no params": "/oidc/logout", "only state": logoutURL("state", "x")} {
		t.Run(name, func(t *testing.T) {
			_, b, _ := leavers(t)
			p := b.get(target)
			b.wantIn(true)
			b.confirm(p).wantLoggedOut(t)
			b.wantIn(false)
		})
	}
}

// TestRPInitiatedLogoutNoRedirect is oidcc-rp-initiated-logout-no-post-logout-redirect-uri.
func TestRPInitiatedLogoutNoRedirect(t *testing.T) {
	_, b, in := leavers(t)
	b.get(logoutURL("id_token_hint", in.str("id_token"), "state", "x")).wantLoggedOut(t)
	b.wantIn(false)
}

// TestRPInitiatedLogoutNoHint is oidcc-rp-initiated-logout-no-id-token-hint: a redirect
// alone is nobody's; with client_id the person is asked first.
func TestRPInitiatedLogoutNoHint(t *testing.T) {
	_, b, _ := leavers(t)
	b.get(logoutURL("post_logout_redirect_uri", goodbye, "state", "x")).wantRefused(t, "a redirect of nobody's")
	b.wantIn(true)
	p := b.get(logoutURL("client_id", "web", "post_logout_redirect_uri", goodbye, "state", "x"))
	b.wantIn(true)
	if p = b.confirm(p); p.leaves != goodbye+"?state=x" {
		t.Errorf("sent to %q, %d", p.leaves, p.status)
	}
	b.wantIn(false)
}

// TestRPInitiatedLogoutRefused: -bad-id-token-hint, -modified-id-token-hint,
// -bad-post-logout-redirect-uri, -query-added-to-post-logout-redirect-uri, and what else
// nobody must be sent on by. Nothing ends.
func TestRPInitiatedLogoutRefused(t *testing.T) {
	s, b, in := leavers(t)
	s.leaver("other", func(c *client.Client) { c.PostLogoutRedirectURIs = []string{"https://other.example/"} })
	hint := in.str("id_token")
	parts := strings.Split(hint, ".")
	with := func(pairs ...string) string {
		v := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {goodbye}, "state": {"x"}}
		maps.Copy(v, values(pairs))
		return "/oidc/logout?" + v.Encode()
	}
	for name, target := range map[string]string{
		"bad hint":              with("id_token_hint", "bad"),
		"modified claims":       with("id_token_hint", parts[0]+"."+parts[1][:len(parts[1])-4]+"AAAA."+parts[2]),
		"modified signature":    with("id_token_hint", parts[0]+"."+parts[1]+"."+parts[2][:len(parts[2])-4]+"AAAA"),
		"no signature":          with("id_token_hint", parts[0]+"."+parts[1]+"."),
		"access token as hint":  with("id_token_hint", in.str("access_token")),
		"refresh token as hint": with("id_token_hint", in.str("refresh_token")),
		"bad hint, no redirect": logoutURL("id_token_hint", "bad"),
		"bad redirect":          with("post_logout_redirect_uri", "https://evil.example/"),
		"query added":           with("post_logout_redirect_uri", goodbye+"?x=y"),
		"path added":            with("post_logout_redirect_uri", goodbye+"/"),
		"fragment added":        with("post_logout_redirect_uri", goodbye+"#x"),
		"another's redirect":    with("post_logout_redirect_uri", "https://other.example/"),
		"callback":              with("post_logout_redirect_uri", callback),
		"javascript":            with("post_logout_redirect_uri", "javascript:alert(1)"),
		"no scheme":             with("post_logout_redirect_uri", "//client.example/goodbye"),
		"user information":      with("post_logout_redirect_uri", "https://client.example@evil.example/goodbye"),
		"backslash":             with("post_logout_redirect_uri", `https://client.example\@evil.example/goodbye`),
		"upper case":            with("post_logout_redirect_uri", "HTTPS://client.example/goodbye"),
		"client_id of another":  with("client_id", "other"),
		"unknown client_id":     logoutURL("client_id", "nobody", "post_logout_redirect_uri", goodbye),
		"the built-in client":   logoutURL("client_id", "signet", "post_logout_redirect_uri", goodbye),
		"two redirects":         with() + "&post_logout_redirect_uri=" + url.QueryEscape("https://evil.example/"),
		"two hints":             with() + "&id_token_hint=x",
		"long state":            with("state", strings.Repeat("x", 2049)),
		"too long":              with("id_token_hint", strings.Repeat("x", 9000)),
		"bad escape":            "/oidc/logout?state=%zz",
	} {
		b.get(target).wantRefused(t, name)
	}
	b.wantIn(true)
	if !s.live(in) {
		t.Error("a session has ended")
	}
}

// A form of the client's site brings no cookie, and logs out all the same; the ID token
// is in no URL.
func TestRPInitiatedLogoutByPost(t *testing.T) {
	s, b, in := leavers(t)
	form := values([]string{"id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbye, "state", "x"})
	stranger := s.browser() // the same browser, without its Lax cookies
	p := stranger.once("POST", s.url+"/oidc/logout", form)
	next := p.header.Get("Location")
	if p.status != http.StatusSeeOther || !strings.HasPrefix(next, s.url+"/oidc/logout?request=sgo_") {
		t.Fatalf("%d to %q", p.status, next)
	}
	b.wantIn(true)
	if p := b.get(next); p.leaves != goodbye+"?state=x" {
		t.Errorf("sent to %q, %d %s", p.leaves, p.status, p.raw)
	}
	b.wantIn(false)
	if p := b.get(next); p.leaves != goodbye+"?state=x" { // back and forth
		t.Errorf("again: sent to %q, %d", p.leaves, p.status)
	}
	form.Set("post_logout_redirect_uri", "https://evil.example/")
	stranger.submit("/oidc/logout", form).wantRefused(t, "bad redirect by POST")
	b.get("/oidc/logout?request=sgo_" + strings.Repeat("A", 43)).wantGone(t)
	a := s.call("POST", s.url+"/oidc/logout", `{"state":"x"}`)
	if a.status != http.StatusUnsupportedMediaType {
		t.Errorf("JSON: %d", a.status)
	}
}

// wantGone fails unless the page says that the request waits no longer.
func (p page) wantGone(t *testing.T) {
	t.Helper()
	if p.leaves != "" || p.status != http.StatusGone {
		t.Errorf("%d on %s, sent to %q", p.status, p.url, p.leaves)
	}
}

// The page stands in two tabs, and is answered in both; then once more.
func TestRPInitiatedLogoutTabs(t *testing.T) {
	_, b, _ := leavers(t)
	target := logoutURL("client_id", "web", "post_logout_redirect_uri", goodbye)
	one, two := b.get(target), b.get(target)
	for range 2 {
		for _, tab := range []page{one, two} {
			if p := b.confirm(tab); p.leaves != goodbye {
				t.Errorf("sent to %q, %d", p.leaves, p.status)
			}
			b.wantIn(false)
		}
	}
}

// Who stays, stays.
func TestRPInitiatedLogoutStay(t *testing.T) {
	s, b, in := leavers(t)
	p := b.get("/oidc/logout")
	if p = b.submit("/ui/logout", p.with("decision", "stay")); p.leaves != "" || !p.on("account") {
		t.Errorf("on %s, sent to %q", p.url, p.leaves)
	}
	b.wantIn(true)
	if !s.live(in) {
		t.Error("the session has ended")
	}
}

// Nobody is logged in: to log out is idempotent (RP-Initiated Logout §2), but still not
// to be sent anywhere by anybody.
func TestRPInitiatedLogoutNobody(t *testing.T) {
	s, b, in := leavers(t)
	b.get(logoutURL("id_token_hint", in.str("id_token"))).wantLoggedOut(t)
	for range 2 {
		if p := b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbye, "state", "x")); p.leaves != goodbye+"?state=x" {
			t.Errorf("sent to %q, %d", p.leaves, p.status)
		}
	}
	if p := b.get(logoutURL("client_id", "web", "post_logout_redirect_uri", goodbye)); p.leaves != goodbye {
		t.Errorf("by client_id: sent to %q, %d", p.leaves, p.status)
	}
	b.get("/oidc/logout").wantLoggedOut(t)
	b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", "https://evil.example/")).wantRefused(t, "bad redirect")
	s.browser().get(logoutURL("post_logout_redirect_uri", goodbye)).wantRefused(t, "a redirect of nobody's")
}

// Another person is logged in here: they are asked, and the session of the ID token ends.
func TestRPInitiatedLogoutAnotherPerson(t *testing.T) {
	s, _, in := leavers(t)
	s.want(s.post("/register", `{"email":"eve@example.com","password":"`+password+`"}`), 201, "")
	b := s.browser()
	eves := b.tokens(s.leaver("other", nil), "eve@example.com")
	p := b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbye))
	if s.live(in) || !s.live(eves) {
		t.Errorf("live: the ID token's %v, the other person's %v", s.live(in), s.live(eves))
	}
	b.wantIn(true)
	if p = b.confirm(p); p.leaves != goodbye || s.live(eves) {
		t.Errorf("sent to %q; the other person's session lives: %v", p.leaves, s.live(eves))
	}
	b.wantIn(false)
}

// The same person has logged in again: an ID token of the login before is theirs.
func TestRPInitiatedLogoutEarlierLogin(t *testing.T) {
	s, b, in := leavers(t)
	b.get(logoutURL("id_token_hint", in.str("id_token")))
	again := b.tokens(s.leaver("other", nil), adas)
	if p := b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbye)); p.leaves != goodbye {
		t.Errorf("sent to %q, %d", p.leaves, p.status)
	}
	b.wantIn(false)
	if s.live(again) {
		t.Error("the session lives")
	}
}

// A browser that lost its cookie, or anybody who has the ID token: the one session of the
// client ends, and no login. With offline_access it is to outlive logins, and does.
func TestRPInitiatedLogoutCookieLost(t *testing.T) {
	s, b, in := leavers(t)
	other := b.tokens(s.leaver("other", nil), adas)
	offline := b.tokens(s.leaver("offline", nil), adas, "scope", "openid offline_access", "prompt", "consent")
	stranger := s.browser()
	for _, of := range []answer{in, offline} {
		if p := stranger.get(logoutURL("id_token_hint", of.str("id_token"), "post_logout_redirect_uri", goodbye)); p.leaves != goodbye {
			t.Errorf("sent to %q, %d", p.leaves, p.status)
		}
	}
	b.wantIn(true)
	for name, c := range map[string]struct {
		tokens answer
		want   bool
	}{"the ID token's": {in, false}, "another client's": {other, true}, "offline": {offline, true}} {
		if got := s.live(c.tokens); got != c.want {
			t.Errorf("%s session lives: %v, want %v", name, got, c.want)
		}
	}
	events, err := s.db.Backend().Audit.Events(t.Context(), audit.Query{Kind: audit.SessionEnded, Limit: 10})
	s.must(err)
	if len(events) != 1 || events[0].Actor != "web" || events[0].Reason != "client_logout" || string(events[0].Session) != in.str("session_id") {
		t.Errorf("events %+v", events)
	}
	b.get(logoutURL("id_token_hint", in.str("id_token")))
	b.wantIn(false)
	if s.live(other) || !s.live(offline) {
		t.Errorf("after logout: another client's session lives: %v, offline: %v", s.live(other), s.live(offline))
	}
}

// An ID token may have expired, but its key may not have been revoked. Where that can't be
// told, for a ring that is old, the token isn't called a forgery.
func TestRPInitiatedLogoutOldHint(t *testing.T) {
	var now aheadOf
	s := &server{t: t, now: now.time, log: &bytes.Buffer{}}
	s.serve(func(c *issuer.Settings) { c.AccessTTL = time.Minute })
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	b, web := s.browser(), s.leaver("web", nil)
	revoked := b.tokens(web, adas)
	key, err := s.keeper.Ring().Signer(keys.ES256, time.Now())
	s.must(err)
	_, err = s.keeper.Revoke(t.Context(), key.ID(), "leaked", "test")
	s.must(err)
	b.get(logoutURL("id_token_hint", revoked.str("id_token"))).wantRefused(t, "an ID token of a revoked key")
	b.wantIn(true)

	in := b.tokens(web, adas)
	now.forward(5 * time.Minute)
	if p := b.get(logoutURL("id_token_hint", revoked.str("id_token"))); p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" {
		t.Errorf("a key that an old ring doesn't know: %d", p.status)
	}
	b.get(logoutURL("id_token_hint", in.str("id_token"))).wantLoggedOut(t)
	b.wantIn(false)
}

// Whatever way a person leaves, what their clients have is over.
func TestLogoutEndsSessionsOfTheLogin(t *testing.T) {
	s, b, _ := leavers(t)
	app, elsewhere := s.leaver("app", nil), s.browser()
	in, there := b.tokens(app, adas), elsewhere.tokens(app, adas)
	b.confirm(b.get("/ui/logout")).wantLoggedOut(t)
	if s.live(in) || !s.live(there) {
		t.Errorf("live: here %v, in another browser %v", s.live(in), s.live(there))
	}
	elsewhere.wantIn(true)
}

// What anybody can have kept here is counted.
func TestRPInitiatedLogoutThrottled(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.LoginRate = limit.Rate{Count: 1, Per: time.Hour} })
	b := s.browser()
	for range 5 {
		b.submit("/oidc/logout", url.Values{}).wantLoggedOut(t)
	}
	if p := b.submit("/oidc/logout", url.Values{}); p.status != http.StatusTooManyRequests || p.header.Get("Retry-After") == "" {
		t.Errorf("the sixth: %d", p.status)
	}
	b.get("/oidc/logout").wantLoggedOut(t) // nothing to be kept
}

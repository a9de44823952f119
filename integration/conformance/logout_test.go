package conformance

import (
	"encoding/base64"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"
)

// rpInitiated is OIDCCRpInitiatedLogoutTestPlan, in its order.
var rpInitiated = plan{
	{"oidcc-rp-initiated-logout-discovery-endpoint-verification", passes, logoutDiscovery},
	{"oidcc-rp-initiated-logout", passes, rpInitiatedLogout},
	{"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", reviews, notLoggedOut(func(l *leaver, v url.Values) {
		v.Set("post_logout_redirect_uri", l.goodbye+"/bad")
	})},
	{"oidcc-rp-initiated-logout-modified-id-token-hint", reviews, notLoggedOut(func(_ *leaver, v url.Values) {
		_, rest, _ := strings.Cut(v.Get("id_token_hint"), ".")
		claims, _, _ := strings.Cut(rest, ".")
		v.Set("id_token_hint", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+"."+claims+".")
	})},
	{"oidcc-rp-initiated-logout-no-id-token-hint", reviews, notLoggedOut(func(_ *leaver, v url.Values) { v.Del("id_token_hint") })},
	{"oidcc-rp-initiated-logout-no-params", reviews, loggedOutPage("id_token_hint", "post_logout_redirect_uri", "state")},
	{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri", reviews, loggedOutPage("post_logout_redirect_uri")},
	{"oidcc-rp-initiated-logout-no-state", passes, rpInitiatedLogoutNoState},
	{"oidcc-rp-initiated-logout-only-state", reviews, loggedOutPage("id_token_hint", "post_logout_redirect_uri")},
	{"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", reviews, notLoggedOut(func(l *leaver, v url.Values) {
		v.Set("post_logout_redirect_uri", l.goodbye+"?foo=bar")
	})},
	{"oidcc-rp-initiated-logout-bad-id-token-hint", reviews, notLoggedOut(func(l *leaver, v url.Values) {
		now := time.Now().Unix()
		v.Set("id_token_hint", l.sign(map[string]any{"iss": l.says(l.t, "issuer"), "sub": l.in.claims["sub"], "aud": l.id, "iat": now, "exp": now + 300}))
	})},
}

// backChannel is OIDCCBackchannelRpInitiatedLogoutTestPlan.
var backChannel = plan{
	{"oidcc-backchannel-logout-discovery-endpoint-verification", passes, backChannelDiscovery},
	{"oidcc-backchannel-rp-initiated-logout", passes, backChannelLogout},
}

func logoutDiscovery(t *testing.T, p *provider, _ variant) {
	checkEndpoints(t, p, "end_session_endpoint")
}

func backChannelDiscovery(t *testing.T, p *provider, _ variant) {
	checkEndpoints(t, p, "end_session_endpoint")
	for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported"} {
		if p.meta[name] != true {
			t.Errorf("%s is %v", name, p.meta[name])
		}
	}
}

// leaver is a client that a person has logged in to, and now logs out of.
type leaver struct {
	*client
	*browser
	t       *testing.T
	in      tokens
	goodbye string // its post_logout_redirect_uri
}

func (p *provider) leaver(t *testing.T, v variant, more members) *leaver {
	t.Helper()
	c, request := p.describe(t, v)
	goodbye := strings.Replace(c.redirect, "callback", "post_logout_redirect", 1)
	request["post_logout_redirect_uris"] = []string{goodbye}
	maps.Copy(request, more)
	c.enroll(request)
	b := p.browser(t)
	return &leaver{c, b, t, c.login(b), goodbye}
}

// leave opens the end session endpoint: with all parameters, unless change says otherwise.
// The state is long, to see that it isn't cut.
func (l *leaver) leave(change func(url.Values)) (page, url.Values) {
	l.t.Helper()
	v := url.Values{"id_token_hint": {l.in.id}, "post_logout_redirect_uri": {l.goodbye}, "state": {strings.Repeat("s t&", 32)}}
	if change != nil {
		change(v)
	}
	return l.open(l.says(l.t, "end_session_endpoint") + "?" + v.Encode()), v
}

// out fails unless nobody is logged in.
func (l *leaver) out() {
	l.t.Helper()
	asked := l.request("prompt", "none")
	l.failed(l.ask(l.browser, asked), asked, needsPerson...)
}

// still fails unless the person is logged in.
func (l *leaver) still() {
	l.t.Helper()
	asked := l.request("prompt", "none")
	l.code(l.ask(l.browser, asked), asked)
}

// back fails unless the browser was sent back to the client, with the state if there was
// one.
func (l *leaver) back(p page, asked url.Values) {
	l.t.Helper()
	if p.arrival == nil {
		l.t.Fatalf("not sent back, but on %s: %d", p.url, p.status)
	}
	to := *p.arrival.to
	only(l.t, to.Query(), "state")
	if to.Query().Get("state") != asked.Get("state") || to.Query().Has("state") != asked.Has("state") {
		l.t.Errorf("state %q, want %q", to.Query().Get("state"), asked.Get("state"))
	}
	if to.RawQuery = ""; to.String() != l.goodbye {
		l.t.Errorf("sent to %s, want %s", &to, l.goodbye)
	}
}

func rpInitiatedLogout(t *testing.T, p *provider, v variant) {
	l := p.leaver(t, v, nil)
	l.back(l.leave(nil))
	l.out()
}

func rpInitiatedLogoutNoState(t *testing.T, p *provider, v variant) {
	l := p.leaver(t, v, nil)
	l.back(l.leave(func(v url.Values) { v.Del("state") }))
	l.out()
}

// notLoggedOut: what can't be trusted is an error page, and nobody is sent anywhere or
// logged out by it.
func notLoggedOut(change func(l *leaver, v url.Values)) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		l := p.leaver(t, v, nil)
		shown, _ := l.leave(func(v url.Values) { change(l, v) })
		shown.refused(t)
		l.still()
	}
}

// loggedOutPage: without these parameters the person is logged out, asked first unless the
// ID token says who wants it, and told so on a page.
func loggedOutPage(without ...string) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		l := p.leaver(t, v, nil)
		shown, asked := l.leave(func(v url.Values) {
			for _, name := range without {
				v.Del(name)
			}
		})
		if shown.shows(`id="logout"`) == asked.Has("id_token_hint") {
			t.Errorf("asked: %v, with %v", shown.shows(`id="logout"`), asked)
		}
		if !asked.Has("id_token_hint") {
			l.still()
			shown = l.submit(shown, "decision", "logout")
		}
		if !shown.on("logout") || shown.shows(`id="logout"`) || !shown.shows("logged out") {
			t.Errorf("not told: %d on %s, %+v", shown.status, shown.url, shown.arrival)
		}
		l.out()
	}
}

// backChannelLogout: the client is told by a logout token (Back-Channel Logout §2.4), and the
// browser comes back.
func backChannelLogout(t *testing.T, p *provider, v variant) {
	l := p.leaver(t, v, members{"backchannel_logout_uri": p.site.URL + "/backchannel_logout", "backchannel_logout_session_required": true})
	l.back(l.leave(nil))
	n := p.site.notice(t, "/backchannel_logout")
	n.secure(t)
	only(t, n.form, "logout_token")
	if n.contentType != formType || n.query != "" {
		t.Errorf("content type %q, query %q", n.contentType, n.query)
	}
	m, header := p.verify(t, n.form.Get("logout_token"), "logout+jwt")
	if header.Algorithm != l.in.header.Algorithm {
		t.Errorf("signed by %s, the ID token by %s", header.Algorithm, l.in.header.Algorithm)
	}
	l.checkLogoutToken(m)
	l.out()
}

func (l *leaver) checkLogoutToken(m map[string]any) {
	l.t.Helper()
	iat, _ := m["iat"].(float64)
	if jti, _ := m["jti"].(string); jti == "" || iat > float64(time.Now().Unix()+5) || iat < float64(time.Now().Unix()-60) {
		l.t.Errorf("jti %v, iat %v", m["jti"], m["iat"])
	}
	for name, want := range map[string]any{"iss": l.says(l.t, "issuer"), "aud": l.id, "sub": l.in.claims["sub"], "sid": l.in.claims["sid"]} {
		if m[name] != want || want == nil {
			l.t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}
	events, _ := m["events"].(map[string]any)
	event, there := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if !there || len(events) != 1 || len(event) != 0 {
		l.t.Errorf("events %v", m["events"])
	}
	if _, there := m["nonce"]; there { // prohibited
		l.t.Error("it has a nonce")
	}
}

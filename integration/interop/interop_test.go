// Package interop has client apps that nobody here wrote log people in with a
// running Signet, and out again, through a real Chromium: apps on golang.org/x/oauth2
// and coreos/go-oidc, on node's openid-client, on Python's Authlib and, with the
// build tag interop, behind oauth2-proxy and Apache's mod_auth_openidc.
//
// It owns what such a client meets from discovery to logout, and the few lines
// of an app around each library, one folder each. It owns no check of a single
// rule: those stand beside the code that keeps it.
package interop

import (
	"testing"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

// apps are the client apps on a library. All serve the routes of goclient.
var apps = []struct {
	name    string
	command func(t *testing.T) []string
	setup
}{
	{"x-oauth2 and go-oidc", goClient, setup{}},
	{"x-oauth2 and go-oidc, public, by form_post", goClient, setup{public: true, login: "?response_mode=form_post"}},
	{"openid-client", openidClient, setup{public: true}},
	{"openid-client, by PAR, DPoP and form_post", openidClient, setup{public: true, options: "par dpop unhinted", unhinted: true, login: "?response_mode=form_post"}},
	{"openid-client, registering itself, by private_key_jwt", openidClient, setup{registers: true, options: "register"}},
	{"Authlib", authlib, setup{}},
	{"Authlib, for offline access", authlib, setup{offline: true}},
}

func goClient(t *testing.T) []string     { return servers.GoProgram(t, "goclient", ".") }
func openidClient(t *testing.T) []string { return servers.NodeProgram(t, "openidclient", "app.js") }
func authlib(t *testing.T) []string      { return servers.PythonProgram(t, "authlib", "app.py") }

func TestApps(t *testing.T) {
	if testing.Short() {
		t.Skip("it installs npm's and Python's packages, and starts Chromium")
	}
	p := startProvider(t, nil)
	b := browser.Start(t, servers.Need(t, "chromium", "chromium"))
	for _, tt := range apps {
		t.Run(tt.name, func(t *testing.T) {
			a := p.startApp(t, tt.setup, tt.command(t))
			a.checkLoginAndLogout(t, b.Page(t))
		})
	}
}

// checkLoginAndLogout is a person's day with an app.
func (a app) checkLoginAndLogout(t *testing.T, page *browser.Page) {
	page.Go(a.base + "/login" + a.login)
	a.signIn(page)
	in := a.state(t, page)
	a.checkPerson(t, in)

	again := a.loginAgain(t, page)
	if again.Access == in.Access || again.AuthTime != in.AuthTime {
		t.Errorf("a login in a browser that is logged in: %+v, want a new token of the same login as %+v", again, in)
	}

	page.Go(a.base + "/refresh")
	fresh := a.state(t, page)
	a.checkPerson(t, fresh)
	if fresh.Access == again.Access {
		t.Error("the refresh gave the same access token")
	}

	page.Go(a.base + "/logout")
	a.signOut(page)
	if out := a.state(t, page); out != (state{}) {
		t.Errorf("after the logout: %+v, want nobody", out)
	}
	a.checkLoggedOut(t, page)
}

// loginAgain logs in where the browser is known: without a page, or, with an app
// that any other could pretend to be, on the page of consent alone.
func (a app) loginAgain(t *testing.T, page *browser.Page) state {
	t.Helper()
	page.Go(a.base + "/login?prompt=none")
	if a.public {
		if got := a.state(t, page); got.Error != "consent_required" {
			t.Errorf("a login without a page: %q, want consent_required", got.Error)
		}
		page.Go(a.base + "/login")
		a.allow(page)
	}
	got := a.state(t, page)
	a.checkPerson(t, got)
	return got
}

// checkLoggedOut: the provider knows neither the browser nor the refresh token.
func (a app) checkLoggedOut(t *testing.T, page *browser.Page) {
	t.Helper()
	page.Go(a.base + "/again")
	if got := a.state(t, page); (got.Error == "") != a.offline || (got.Error != "" && got.Error != "invalid_grant") {
		t.Errorf("the refresh token after the logout: %q; offline access is %t", got.Error, a.offline)
	}
	page.Go(a.base + "/login?prompt=none")
	if got := a.state(t, page); got.Error != "login_required" {
		t.Errorf("a login without a page after the logout: %q, want login_required", got.Error)
	}
	page.Go(a.base + "/login")
	a.atLogin(page)
}

// checkPerson: the ID token, which the app's library has checked, and userinfo
// name the person who logged in.
func (a app) checkPerson(t *testing.T, s state) {
	t.Helper()
	if s.Error != "" || s.Subject != a.person || s.Email != email || s.SessionID == "" || s.Access == "" || s.AuthTime == 0 || s.AMR != "pwd" {
		t.Errorf("the app sees %+v, want %s, %s", s, a.person, email)
	}
}

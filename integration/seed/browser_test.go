package seed

import (
	"net/http"
	"strings"
	"testing"
)

// TestCookies: HttpOnly, Secure, SameSite=Strict, with a Max-Age, and read by
// the middleware.
func TestCookies(t *testing.T) {
	s := dev(t)
	const body = `{"email":"` + demoUser + `","password":"` + demoPassword + `","cookies":true}`
	in := s.post(t, "/login", body).want(t, http.StatusOK, "")
	if in.text("access_token") != "" || strings.Contains(in.raw, "sgr_") {
		t.Errorf("tokens in the body beside the cookies: %s", in.raw)
	}
	access, refresh := checkCookies(t, in)
	s.each(t, func(t *testing.T, r resource) {
		get(t, r.url+"/protected", "Cookie", access).want(t, http.StatusOK, "")
		get(t, r.url+"/protected", "Cookie", refresh).want(t, http.StatusUnauthorized, "invalid_token")
		get(t, r.url+"/protected", "Cookie", access, "Authorization", "Bearer x").want(t, http.StatusBadRequest, "invalid_request")
		get(t, r.url+"/protected", "Cookie", access+"; "+access).want(t, http.StatusBadRequest, "invalid_request")
		get(t, r.url+"/admin", "Cookie", access).want(t, http.StatusForbidden, "insufficient_scope")
	})
	// A page of somebody else can have a browser send the cookie, but not change anything by it.
	own := s.resources[1]
	call(t, http.MethodPost, own.url+"/protected", "", "Cookie", access, "Sec-Fetch-Site", "cross-site").want(t, http.StatusForbidden, "invalid_request")
	call(t, http.MethodPost, own.url+"/protected", "", "Cookie", access, "Sec-Fetch-Site", "same-origin").want(t, http.StatusOK, "")
	s.post(t, "/refresh", "", "Cookie", refresh, "Sec-Fetch-Site", "cross-site").want(t, http.StatusForbidden, "invalid_request")

	next := s.post(t, "/refresh", "", "Cookie", access+"; "+refresh, "Sec-Fetch-Site", "same-origin").want(t, http.StatusOK, "")
	access, refresh = checkCookies(t, next)
	out := s.post(t, "/logout", "", "Cookie", access, "Sec-Fetch-Site", "same-origin").want(t, http.StatusNoContent, "")
	for _, name := range []string{accessCookie, refreshCookie} {
		if c := cookieOf(t, out, name); c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("logout leaves %s", c.Raw)
		}
	}
	s.post(t, "/refresh", "", "Cookie", access+"; "+refresh).want(t, http.StatusUnauthorized, "invalid_grant")
	s.each(t, func(t *testing.T, r resource) {
		await(t, "the cookie's token is refused", func() bool {
			return get(t, r.url+"/protected", "Cookie", access).status == http.StatusUnauthorized
		})
	})
}

// checkCookies wants both as promised and returns them as a Cookie header has them.
func checkCookies(t *testing.T, a answer) (access, refresh string) {
	t.Helper()
	for name, path := range map[string]string{accessCookie: "/", refreshCookie: "/refresh"} {
		c := cookieOf(t, a, name)
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != path || c.Domain != "" || c.MaxAge <= 0 {
			t.Errorf("a cookie isn't as promised: %s", c.Raw)
		}
	}
	pair := func(name string) string { return name + "=" + cookieOf(t, a, name).Value }
	return pair(accessCookie), pair(refreshCookie)
}

func cookieOf(t *testing.T, a answer, name string) *http.Cookie {
	t.Helper()
	for _, c := range a.cookies {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, a.header["Set-Cookie"])
	return nil
}

const (
	app  = "https://app.example.com"
	evil = "https://evil.example.com"
)

// TestCORS: none by default; the origins of the setting, with credentials, and
// nobody else.
func TestCORS(t *testing.T) {
	t.Run("none by default", func(t *testing.T) {
		s := alone(t, nil)
		refuseOrigin(t, s, app)
		publicToAll(t, s)
	})
	t.Run("by setting", func(t *testing.T) {
		s := alone(t, map[string]string{"SIGNET_CORS_ORIGINS": app})
		s.member(t, "ada@example.com")
		refuseOrigin(t, s, evil)
		refuseOrigin(t, s, "null")
		refuseOrigin(t, s, app+".evil.example.com")
		allowOrigin(t, s)
		publicToAll(t, s)
	})
}

func preflight(t *testing.T, s site, path, origin string) answer {
	t.Helper()
	return call(t, http.MethodOptions, s.URL+path, "", "Origin", origin, "Sec-Fetch-Site", "cross-site",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
}

func refuseOrigin(t *testing.T, s site, origin string) {
	t.Helper()
	for _, path := range []string{"/login", "/refresh", "/logout", "/register", "/oauth/token"} {
		if a := preflight(t, s, path, origin); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight of %s lets %s in: %v", path, origin, a.header)
		}
	}
	a := s.post(t, "/login", credentials("ada@example.com", password), "Origin", origin, "Sec-Fetch-Site", "cross-site").
		want(t, http.StatusForbidden, "invalid_request")
	if a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the refusal is readable to %s: %v", origin, a.header)
	}
}

func allowOrigin(t *testing.T, s site) {
	t.Helper()
	pre := preflight(t, s, "/login", app)
	in := s.post(t, "/login", credentials("ada@example.com", password), "Origin", app, "Sec-Fetch-Site", "cross-site").
		want(t, http.StatusOK, "")
	for name, a := range map[string]answer{"preflight": pre, "call": in} {
		if got := a.header.Get("Access-Control-Allow-Origin"); got != app {
			t.Errorf("%s: Access-Control-Allow-Origin is %q", name, got)
		}
		if got := a.header.Get("Access-Control-Allow-Credentials"); got != "true" {
			t.Errorf("%s: Access-Control-Allow-Credentials is %q", name, got)
		}
		if !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") { // or a cache gives one origin's answer to another
			t.Errorf("%s: Vary is %q", name, a.header.Values("Vary"))
		}
	}
	if pre := preflight(t, s, "/oauth/token", app); pre.header.Get("Access-Control-Allow-Origin") != app || pre.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight of the token endpoint: %v, want the origin without credentials", pre.header)
	}
}

// publicToAll: keys and metadata are for anybody, without credentials.
func publicToAll(t *testing.T, s site) {
	t.Helper()
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/openid-configuration", "/oauth/status/0"} {
		a := get(t, s.URL+path, "Origin", evil)
		if a.header.Get("Access-Control-Allow-Origin") == "" || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v, want any origin without credentials", path, a.header)
		}
	}
}

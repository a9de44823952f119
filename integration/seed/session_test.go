package seed

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/verifier"
)

// TestShortAccessLongRefresh: 15 minutes and 7 days by default; an access token
// expires, the refresh token goes on, and expires in the end.
func TestShortAccessLongRefresh(t *testing.T) {
	t.Run("defaults", func(t *testing.T) {
		in := alone(t, nil).member(t, "ada@example.com")
		if in.body["expires_in"] != 900.0 || in.body["refresh_expires_in"] != 604800.0 {
			t.Errorf("lives are %v and %v, want 900 and 604800", in.body["expires_in"], in.body["refresh_expires_in"])
		}
		if c := claims(t, in.text("access_token")); c.Expires-c.Issued != 900 {
			t.Errorf("exp is %d s after iat, want 900", c.Expires-c.Issued)
		}
	})
	t.Run("as set", func(t *testing.T) {
		t.Parallel() // it waits for the shortest life that can be set, 10 s
		s := alone(t, map[string]string{"SIGNET_ACCESS_TTL": "10s"})
		r := protect(t, verifier.Config{Issuer: s.URL, Audience: audience, Leeway: -1})
		in := s.member(t, "ada@example.com")
		get(t, r.url+"/protected", bearer(in.text("access_token"))...).want(t, http.StatusOK, "")
		await(t, "the access token expires", func() bool {
			return get(t, r.url+"/protected", bearer(in.text("access_token"))...).status == http.StatusUnauthorized
		})
		next := s.refresh(t, in.text("refresh_token")).want(t, http.StatusOK, "")
		get(t, r.url+"/protected", bearer(next.text("access_token"))...).want(t, http.StatusOK, "")
	})
	t.Run("unused refresh token", func(t *testing.T) {
		t.Parallel()
		s := alone(t, map[string]string{"SIGNET_REFRESH_TTL": "2s", "SIGNET_REFRESH_RETRY_WINDOW": "1s"})
		app := s.addClient(t, "app", "--grant", "password", "--grant", "refresh_token", "--audience", audience)
		s.member(t, "ada@example.com")
		in := s.passwordGrant(t, app)
		await(t, "the refresh token expires", func() bool { return !s.active(t, app, in.text("refresh_token")) })
		s.refreshGrant(t, app, in.text("refresh_token")).want(t, http.StatusBadRequest, "invalid_grant")
	})
}

// passwordGrant logs ada@example.com in to a client (RFC 6749 §4.3).
func (s site) passwordGrant(t *testing.T, c client) answer {
	t.Helper()
	return s.form(t, "/oauth/token", c, url.Values{"grant_type": {"password"}, "username": {"ada@example.com"}, "password": {password}}).
		want(t, http.StatusOK, "")
}

func (s site) refreshGrant(t *testing.T, c client, token string) answer {
	t.Helper()
	return s.form(t, "/oauth/token", c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// active asks the issuer (RFC 7662).
func (s site) active(t *testing.T, c client, token string) bool {
	t.Helper()
	a := s.form(t, "/oauth/introspect", c, url.Values{"token": {token}}).want(t, http.StatusOK, "")
	active, _ := a.body["active"].(bool)
	if !active && len(a.body) != 1 { // RFC 7662 §2.2: nothing else is told
		t.Errorf("an inactive token's introspection is %s", a.raw)
	}
	return active
}

// TestRefresh: a refresh token for an access token, at the first-party call and
// at the token endpoint.
func TestRefresh(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s site) {
		r := s.protect(t)
		in := s.member(t, "ada@example.com")
		next := s.refresh(t, in.text("refresh_token")).want(t, http.StatusOK, "")
		checkSuccessor(t, in, next)
		get(t, r.url+"/protected", bearer(next.text("access_token"))...).want(t, http.StatusOK, "")

		for _, c := range []client{
			s.addClient(t, "app", "--grant", "password", "--grant", "refresh_token", "--audience", audience),
			s.addClient(t, "mobile", "--grant", "password", "--grant", "refresh_token", "--audience", audience, "--public"),
		} {
			in := s.passwordGrant(t, c)
			next := s.refreshGrant(t, c, in.text("refresh_token")).want(t, http.StatusOK, "")
			checkSuccessor(t, in, next)
			get(t, r.url+"/protected", bearer(next.text("access_token"))...).want(t, http.StatusOK, "")
			// A session is one client's: nobody else's, and not the first party's.
			s.refresh(t, next.text("refresh_token")).want(t, http.StatusUnauthorized, "invalid_grant")
			s.refreshGrant(t, c, next.text("refresh_token")).want(t, http.StatusOK, "")
		}
		for name, token := range map[string]string{
			"altered": garble(next.text("refresh_token")), "cut": next.text("refresh_token")[:20], "joined": next.text("refresh_token") + next.text("refresh_token"),
			"an access token": next.text("access_token"), "nonsense": "sgr_x",
		} {
			t.Run(name, func(t *testing.T) {
				s.refresh(t, token).want(t, http.StatusUnauthorized, "invalid_grant")
			})
		}
		s.refresh(t, next.text("refresh_token")).want(t, http.StatusOK, "") // all that harmed nobody
	})
}

// checkSuccessor wants new tokens of the same session.
func checkSuccessor(t *testing.T, a, b answer) {
	t.Helper()
	for _, name := range []string{"access_token", "refresh_token"} {
		if b.text(name) == "" || a.text(name) == b.text(name) {
			t.Errorf("the next %s is the one before, or none: %s", name, b.raw)
		}
	}
	if a.text("session_id") != b.text("session_id") || a.text("session_id") == "" {
		t.Errorf("session %q became %q", a.text("session_id"), b.text("session_id"))
	}
}

// garble changes one letter in the middle.
func garble(token string) string {
	i := len(token) / 2
	c := "A"
	if token[i] == 'A' {
		c = "B"
	}
	return token[:i] + c + token[i+1:]
}

// TestRotation: a new refresh token each time, the old one dead; who uses it
// again ends the family, once.
func TestRotation(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s site) {
		first := s.member(t, "ada@example.com").text("refresh_token")
		second := s.refresh(t, first).want(t, http.StatusOK, "")
		again := s.refresh(t, first).want(t, http.StatusOK, "") // the answer was lost, so it is asked once more
		if second.text("refresh_token") != again.text("refresh_token") {
			t.Error("a retry gets another successor")
		}
		third := s.refresh(t, second.text("refresh_token")).want(t, http.StatusOK, "")
		bystander := s.login(t, "ada@example.com").text("refresh_token")

		s.refresh(t, first).want(t, http.StatusUnauthorized, "invalid_grant") // the thief
		s.refresh(t, third.text("refresh_token")).want(t, http.StatusUnauthorized, "invalid_grant")
		s.refresh(t, first).want(t, http.StatusUnauthorized, "invalid_grant")
		s.refresh(t, bystander).want(t, http.StatusOK, "")

		token := s.admin(t)
		events := get(t, s.AdminURL+"/admin/audit?kind=session.reuse", bearer(token)...).want(t, http.StatusOK, "")
		if got, _ := events.body["items"].([]any); len(got) != 1 || !strings.Contains(events.raw, second.text("session_id")) {
			t.Errorf("the audit tells of the reuse %d times, want once: %s", len(got), events.raw)
		}
		// What the session got before is refused by the resource server as well.
		r := s.protect(t)
		wantRevoked(t, r, third.text("access_token"))
	})
}

// wantRevoked waits until a resource server refuses the token as revoked.
func wantRevoked(t *testing.T, r resource, token string) {
	t.Helper()
	await(t, "the token is refused offline", func() bool {
		a := get(t, r.url+"/protected", bearer(token)...)
		return a.status == http.StatusUnauthorized && a.text("error_description") == "the access token was revoked"
	})
}

// TestLogout: revoked until expiry; at introspection at once, at resource
// servers within their poll, and there without asking anybody.
func TestLogout(t *testing.T) {
	onBoth(t, nil, func(t *testing.T, s site) {
		api := s.addClient(t, "api", "--audience", audience)
		r := s.protect(t)
		out, stays := s.member(t, "ada@example.com"), s.login(t, "ada@example.com")
		for _, in := range []answer{out, stays} {
			get(t, r.url+"/protected", bearer(in.text("access_token"))...).want(t, http.StatusOK, "")
			if !s.active(t, api, in.text("access_token")) {
				t.Error("a live token isn't active at introspection")
			}
		}
		s.post(t, "/logout", "", bearer(out.text("access_token"))...).want(t, http.StatusNoContent, "")
		if s.active(t, api, out.text("access_token")) {
			t.Error("after the logout the token is active at introspection")
		}
		s.refresh(t, out.text("refresh_token")).want(t, http.StatusUnauthorized, "invalid_grant")
		wantRevoked(t, r, out.text("access_token"))

		// With the issuer gone the resource server still knows both.
		s.Kill()
		for range 3 {
			get(t, r.url+"/protected", bearer(out.text("access_token"))...).want(t, http.StatusUnauthorized, "invalid_token")
			get(t, r.url+"/protected", bearer(stays.text("access_token"))...).want(t, http.StatusOK, "")
		}
		s.Start()
		if s.active(t, api, out.text("access_token")) || !s.active(t, api, stays.text("access_token")) {
			t.Error("a restart changed who is logged in")
		}
		s.refresh(t, out.text("refresh_token")).want(t, http.StatusUnauthorized, "invalid_grant")
		s.post(t, "/logout", object("refresh_token", stays.text("refresh_token"))).want(t, http.StatusNoContent, "")
		s.refresh(t, stays.text("refresh_token")).want(t, http.StatusUnauthorized, "invalid_grant")
	})
	t.Run("demo API", func(t *testing.T) {
		s := dev(t)
		in := s.login(t, demoUser)
		s.post(t, "/logout", "", bearer(in.text("access_token"))...).want(t, http.StatusNoContent, "")
		s.each(t, func(t *testing.T, r resource) { wantRevoked(t, r, in.text("access_token")) })
	})
}

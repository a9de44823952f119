package issuer_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/client"
)

// lives tells whether a session's tokens are good for anything: its current refresh
// token, and its access token at the resource server.
func (m mailbox) lives(client [2]string, a answer) bool {
	m.t.Helper()
	access := m.want(m.introspect(m.api, a.str("access_token")), 200, "").body["active"] == true
	refresh := m.form("/oauth/token", client, formOf("grant_type", "refresh_token", "refresh_token", a.str("refresh_token")))
	if (refresh.status == 200) != access {
		m.t.Errorf("access token active: %v; refresh: %s", access, refresh.raw)
	}
	return access
}

// Each kind of token that ends its session, all of it (RFC 7009 §2.1), whatever the hint.
func TestRevocationEnds(t *testing.T) {
	m := newMailbox(t, nil)
	old := m.tokens(m.app)
	for name, c := range map[string]struct {
		client [2]string
		which  func(first, second answer) string
		hint   string
	}{
		"refresh token":                     {m.app, func(_, b answer) string { return b.str("refresh_token") }, "refresh_token"},
		"refresh token without a hint":      {m.app, func(_, b answer) string { return b.str("refresh_token") }, ""},
		"refresh token with another's hint": {m.app, func(_, b answer) string { return b.str("refresh_token") }, "access_token"},
		"refresh token with a foreign hint": {m.app, func(_, b answer) string { return b.str("refresh_token") }, "urn:example:magic"},
		"refresh token used before":         {m.app, func(a, _ answer) string { return a.str("refresh_token") }, ""},
		"access token":                      {m.app, func(_, b answer) string { return b.str("access_token") }, "access_token"},
		"access token with another's hint":  {m.app, func(_, b answer) string { return b.str("access_token") }, "refresh_token"},
		"access token of before":            {m.app, func(a, _ answer) string { return a.str("access_token") }, ""},
		"a public client's refresh token":   {m.spa, func(_, b answer) string { return b.str("refresh_token") }, ""},
		"a public client's access token":    {m.spa, func(_, b answer) string { return b.str("access_token") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			first := m.tokens(c.client)
			second := m.refreshed(c.client, first.str("refresh_token"))
			v := formOf("token", c.which(first, second), "token_type_hint", c.hint)
			for range 2 { // what is over already is no error (§2.2)
				a := m.want(m.form("/oauth/revoke", c.client, v), 200, "")
				if a.raw != "" || a.header.Get("Cache-Control") != "no-store" {
					t.Errorf("answer %v %q", a.header, a.raw)
				}
			}
			if m.lives(c.client, second) {
				t.Error("the session goes on")
			}
		})
	}
	if !m.lives(m.app, old) {
		t.Error("another session of the same person and client has ended")
	}
	if p := m.get(m.authorizeURL("app", "prompt", "none")); p.read(t, callback).Get("code") == "" {
		t.Errorf("the browser's login has ended: %s", p.leaves)
	}
}

// An expired access token ends the session that goes on behind it; an expired refresh
// token's is over.
func TestRevocationOfExpired(t *testing.T) {
	m := newMailbox(t, func(s *issuer.Settings) { s.AccessTTL, s.RefreshTTL = time.Minute, 5*time.Minute })
	a, b := m.tokens(m.app), m.tokens(m.app)
	own := m.want(m.form("/oauth/token", m.app, formOf("grant_type", "client_credentials", "scope", "read")), 200, "")
	m.now.forward(2 * time.Minute)
	m.want(m.form("/oauth/revoke", m.app, formOf("token", a.str("access_token"))), 200, "")
	m.want(m.form("/oauth/token", m.app, formOf("grant_type", "refresh_token", "refresh_token", a.str("refresh_token"))), 400, "invalid_grant")
	m.want(m.form("/oauth/revoke", m.app, formOf("token", own.str("access_token"))), 200, "") // over, so it needs no revocation
	m.now.forward(4 * time.Minute)
	m.want(m.form("/oauth/revoke", m.app, formOf("token", b.str("refresh_token"))), 200, "")
}

// What isn't a token of the client's does nothing: an error where it is another's (§2.1),
// none where it is nothing (§2.2).
func TestRevocationDoesNothing(t *testing.T) {
	m := newMailbox(t, nil)
	a, p := m.tokens(m.app), m.tokens(m.spa)
	own := m.want(m.form("/oauth/token", m.app, formOf("grant_type", "client_credentials", "scope", "read")), 200, "").str("access_token")
	code := m.code("app", adas)
	for name, c := range map[string]struct {
		who    [2]string
		form   url.Values
		status int
		code   string
	}{
		"another's refresh token":         {m.others, formOf("token", a.str("refresh_token")), 400, "invalid_grant"},
		"another's access token":          {m.others, formOf("token", a.str("access_token")), 400, "invalid_grant"},
		"its resource server":             {m.api, formOf("token", a.str("access_token")), 400, "invalid_grant"},
		"a public client another's":       {m.spa, formOf("token", a.str("refresh_token")), 400, "invalid_grant"},
		"a public client's, another":      {m.app, formOf("token", p.str("refresh_token")), 400, "invalid_grant"},
		"the first-party client":          {[2]string{"signet"}, formOf("token", a.str("refresh_token")), 400, "invalid_grant"},
		"a client's own":                  {m.app, formOf("token", own), 400, "unsupported_token_type"},
		"another client's own":            {m.others, formOf("token", own), 400, "invalid_grant"},
		"ID token":                        {m.app, formOf("token", a.str("id_token")), 200, ""},
		"code":                            {m.app, formOf("token", code), 200, ""},
		"nonsense":                        {m.app, formOf("token", "x"), 200, ""},
		"nothing":                         {m.app, formOf("token", ""), 400, "invalid_request"},
		"two":                             {m.app, formOf("token", "x", "token", a.str("refresh_token")), 400, "invalid_request"},
		"wrong secret":                    {[2]string{"app", "sgs_wrong"}, formOf("token", a.str("refresh_token")), 401, "invalid_client"},
		"confidential without its secret": {[2]string{"app"}, formOf("token", a.str("refresh_token")), 401, "invalid_client"},
		"nobody":                          {[2]string{}, formOf("token", a.str("refresh_token")), 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := m.form("/oauth/revoke", c.who, c.form); got.status != c.status || got.str("error") != c.code {
				t.Errorf("%d %s, want %d %s", got.status, got.raw, c.status, c.code)
			}
		})
	}
	m.want(m.call("GET", m.url+"/oauth/revoke?token="+a.str("refresh_token"), ""), 405, "method_not_allowed")
	m.want(m.form("/oauth/revoke?token="+a.str("refresh_token"), m.app, formOf()), 400, "invalid_request")
	if m.want(m.introspect(m.api, own), 200, "").body["active"] != true {
		t.Error("a client's own token is inactive")
	}
	m.want(m.exchange(m.app, code), 200, "")
	if !m.lives(m.app, a) || !m.lives(m.spa, p) {
		t.Error("a session has ended")
	}
}

// A bound token is revoked without its key: RFC 7009 asks for the client, and a thief who
// ends a session has gained nothing.
func TestRevocationOfBound(t *testing.T) {
	m := newMailbox(t, nil)
	key := m.prover().ready(m.spa)
	a := m.want(key.post("/oauth/token", m.spa, exchangeOf(m.code("spa", adas))), 200, "")
	m.want(m.form("/oauth/revoke", m.spa, formOf("token", a.str("refresh_token"))), 200, "")
	m.want(key.token(m.spa, "grant_type", "refresh_token", "refresh_token", a.str("refresh_token")), 400, "invalid_grant")
	m.want(key.userinfo(a.str("access_token")), 401, "invalid_token")
}

// A browser app revokes from its own origin (RFC 7009 §2.3).
func TestRevocationCrossOrigin(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.CORSOrigins = []string{"https://app.example"} })
	s.client(client.Client{ID: "spa", Public: true})
	for origin, want := range map[string]string{"https://app.example": "https://app.example", "https://evil.example": ""} {
		a := s.call("OPTIONS", s.url+"/oauth/revoke", "", "Origin", origin, "Access-Control-Request-Method", "POST")
		if got := a.header.Get("Access-Control-Allow-Origin"); got != want || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", origin, a.header)
		}
	}
	if a := s.call("OPTIONS", s.url+"/oauth/introspect", "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST"); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("introspection isn't for browsers: %v", a.header)
	}
}

package issuer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer/account"
)

var noEnding = account.Ending{}

func TestAdminGuard(t *testing.T) {
	s := start(t, nil)
	plain := s.person("ada@example.com")
	token, user := s.operator("root@example.com")
	get := func(token string) answer {
		return s.call("GET", s.admin+"/admin/keys", "", "Authorization", "Bearer "+token)
	}
	s.want(s.call("GET", s.admin+"/admin/keys", ""), 401, "invalid_token")
	s.want(get("nonsense"), 401, "invalid_token")
	s.want(get(plain.str("access_token")), 401, "invalid_token") // another audience
	s.want(s.post("/login", `{"email":"ada@example.com","password":"`+password+`","audience":"`+s.url+`/admin"}`), 400, "invalid_target")
	a := s.want(get(token), 200, "")
	if strings.Contains(a.raw, `"d"`) || strings.Contains(strings.ToLower(a.raw), "private") {
		t.Errorf("GET /admin/keys shows more than it should: %s", a.raw)
	}
	// Demoted: refused at once, though the token says admin.
	_, err := s.db.Backend().Accounts.ByID(t.Context(), user)
	s.must(err)
	u, err := s.db.Backend().Accounts.ByID(t.Context(), user)
	s.must(err)
	u.Roles = []string{}
	_, err = s.db.Backend().Accounts.Save(t.Context(), u, noEnding, event(t))
	s.must(err)
	s.want(get(token), 403, "insufficient_scope")
}

func TestAdminLoggedOut(t *testing.T) {
	s := start(t, nil)
	token, _ := s.operator("root@example.com")
	s.want(s.post("/logout", "", "Authorization", "Bearer "+token), 204, "")
	s.want(s.call("GET", s.admin+"/admin/users", "", "Authorization", "Bearer "+token), 401, "invalid_token")
}

func TestAdminUsersClientsSessions(t *testing.T) {
	s := start(t, nil)
	token, _ := s.operator("root@example.com")
	do := func(method, path, body string) answer {
		return s.call(method, s.admin+path, body, "Authorization", "Bearer "+token)
	}
	made := s.want(do("POST", "/admin/users", `{"email":"eve@example.com","password":"`+password+`","roles":["reader"]}`), 201, "")
	user := made.str("id")
	in := s.login("eve@example.com")
	s.want(do("PATCH", "/admin/users/"+user, `{"roles":["writer"]}`), 200, "")
	next := s.want(s.refresh(in.str("refresh_token")), 200, "")
	if !strings.Contains(claims(t, next.str("access_token")), `"roles":["writer"]`) {
		t.Errorf("the very next refresh shows %s", claims(t, next.str("access_token")))
	}
	list := s.want(do("GET", "/admin/sessions?user="+user, ""), 200, "")
	if !strings.Contains(list.raw, in.str("session_id")) {
		t.Errorf("sessions: %s", list.raw)
	}
	s.want(do("DELETE", "/admin/sessions/"+in.str("session_id"), ""), 204, "")
	s.want(s.refresh(next.str("refresh_token")), 401, "invalid_grant")
	third := s.login("eve@example.com")
	s.want(do("DELETE", "/admin/sessions", ""), 400, "invalid_request")
	s.want(do("DELETE", "/admin/sessions?client=signet&user="+user, ""), 204, "")
	s.want(s.refresh(third.str("refresh_token")), 401, "invalid_grant")
	again := s.login("eve@example.com")
	s.want(do("PATCH", "/admin/users/"+user, `{"disabled":true}`), 200, "")
	s.want(s.refresh(again.str("refresh_token")), 401, "invalid_grant")
	s.want(s.post("/login", `{"email":"eve@example.com","password":"`+password+`"}`), 401, "invalid_credentials")
	s.want(do("DELETE", "/admin/users/"+user, ""), 204, "")
	s.want(do("GET", "/admin/users/"+user, ""), 404, "not_found")

	c := s.want(do("POST", "/admin/clients", `{"id":"worker","grants":["client_credentials"],"scopes":["read"]}`), 201, "")
	secret := c.str("client_secret")
	web := s.want(do("POST", "/admin/clients", `{"id":"web","redirect_uris":["https://web.example/callback"]}`), 201, "")
	if !strings.Contains(web.raw, `"grants":["authorization_code","refresh_token"],"scopes":["openid",`) {
		t.Errorf("a client that can be returned to, of which nothing else is said: %s", web.raw)
	}
	s.want(do("POST", "/admin/clients", `{"id":"worker","grants":[]}`), 409, "client_exists")
	s.want(do("POST", "/admin/clients", `{"id":"usr_x","grants":[]}`), 400, "invalid_request")
	s.want(do("POST", "/admin/clients", `{"id":"other","grants":[],"token_alg":"HS256"}`), 400, "invalid_request")
	s.want(do("PATCH", "/admin/clients/worker", `{"token_alg":"ES384"}`), 400, "invalid_request")
	got := s.want(do("GET", "/admin/clients/worker", ""), 200, "")
	if strings.Contains(got.raw, secret) || strings.Contains(got.raw, "hash") {
		t.Errorf("a client's secret is shown: %s", got.raw)
	}
	grant := map[string][]string{"grant_type": {"client_credentials"}}
	s.want(s.form("/oauth/token", [2]string{"worker", secret}, grant), 200, "")
	fresh := s.want(do("POST", "/admin/clients/worker/secrets", `{"keep":"1h"}`), 201, "").str("client_secret")
	s.want(s.form("/oauth/token", [2]string{"worker", fresh}, grant), 200, "")
	s.want(s.form("/oauth/token", [2]string{"worker", secret}, grant), 200, "")
	s.want(do("PATCH", "/admin/clients/worker", `{"scopes":["write"]}`), 200, "")
	s.want(do("DELETE", "/admin/clients/worker", ""), 204, "")
	s.want(s.form("/oauth/token", [2]string{"worker", fresh}, grant), 401, "invalid_client")

	events := s.want(do("GET", "/admin/audit?limit=500", ""), 200, "")
	for _, kind := range []string{"user.registered", "user.changed", "user.disabled", "user.deleted", "client.created", "client.changed", "client.deleted", "session.ended", "login.succeeded"} {
		if !strings.Contains(events.raw, kind) {
			t.Errorf("the audit doesn't know of %s", kind)
		}
	}
}

func TestAdminRotateAndRevokeKeys(t *testing.T) {
	s := start(t, nil)
	token, _ := s.operator("root@example.com")
	do := func(method, path, body string) answer {
		return s.call(method, s.admin+path, body, "Authorization", "Bearer "+token)
	}
	s.want(do("POST", "/admin/keys/rotate", `{}`), 409, "too_early")
	s.want(do("POST", "/admin/keys/rotate", `{"alg":"ES256","force":true,"reason":"test"}`), 200, "")
	s.want(do("GET", "/admin/keys", ""), 200, "") // the old key's token still counts
	kid := header(t, token)["kid"]
	s.want(do("POST", fmt.Sprintf("/admin/keys/%s/revoke", kid), `{}`), 400, "invalid_request")
	s.want(do("POST", fmt.Sprintf("/admin/keys/%s/revoke", kid), `{"reason":"leaked"}`), 200, "")
	if jwks := s.call("GET", s.url+"/.well-known/jwks.json", ""); strings.Contains(jwks.raw, kid) {
		t.Error("a revoked key is published")
	}
	s.want(do("GET", "/admin/keys", ""), 401, "invalid_token") // trusted for nothing, at once
}

func TestHealth(t *testing.T) {
	s := start(t, nil)
	s.want(s.call("GET", s.url+"/healthz", ""), 200, "")
	s.want(s.call("GET", s.admin+"/readyz", ""), 200, "")
	if m := s.call("GET", s.admin+"/metrics", ""); !strings.Contains(m.raw, "signet_key_age_seconds") || !strings.Contains(m.raw, "signet_http_request_seconds") {
		t.Errorf("metrics: %.300s", m.raw)
	}
	s.want(s.call("GET", s.url+"/metrics", ""), 404, "not_found")
	s.want(s.call("GET", s.url+"/admin/keys", ""), 404, "not_found")
}

package issuer_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/verifier"
)

var queryReuse = audit.Query{Kind: audit.SessionReuse, Limit: 10}

// client registers a client and returns its id and secret.
func (s *server) client(c client.Client) [2]string {
	s.t.Helper()
	var plain string
	if !c.Public {
		var secret client.Secret
		plain, secret = client.NewSecret(time.Now())
		c.Secrets = []client.Secret{secret}
	}
	c.Version, c.Created = 1, time.Now().UTC().Truncate(time.Millisecond)
	s.must(s.db.Backend().Clients.Create(s.t.Context(), c, audit.New(s.t.Context(), audit.ClientCreated, time.Now())))
	return [2]string{string(c.ID), plain}
}

func TestClientCredentials(t *testing.T) {
	s := start(t, nil)
	worker := s.client(client.Client{ID: "worker", Grants: []string{"client_credentials"}, Scopes: []string{"read", "write"}, Audiences: []string{"https://api.example.com"}, Roles: []string{"robot"}})
	a := s.want(s.form("/oauth/token", worker, url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}}), 200, "")
	v, err := verifier.New(t.Context(), verifier.Config{Issuer: s.url, Audience: "https://api.example.com"})
	s.must(err)
	defer v.Close()
	token, err := v.Verify(t.Context(), a.str("access_token"))
	s.must(err)
	if token.Subject != "worker" || token.ClientID != "worker" || token.SessionID != "" || !token.HasScope("read") || token.HasScope("write") || !token.HasRole("robot") {
		t.Errorf("token says %+v", token)
	}
	if a.str("refresh_token") != "" {
		t.Error("a refresh token for client_credentials (RFC 6749 §4.4.3)")
	}
	s.want(s.form("/oauth/revoke", worker, url.Values{"token": {a.str("access_token")}}), 400, "unsupported_token_type")
}

func TestTokenPipelineRefuses(t *testing.T) {
	s := start(t, nil)
	worker := s.client(client.Client{ID: "worker", Grants: []string{"client_credentials"}, Scopes: []string{"read"}})
	app := s.client(client.Client{ID: "app", Public: true, Grants: []string{"password", "refresh_token"}})
	wrong := [2]string{"worker", "sgs_wrong"}
	cc := url.Values{"grant_type": {"client_credentials"}}
	cases := []struct {
		name   string
		client [2]string
		form   url.Values
		status int
		code   string
	}{
		{"no client", [2]string{}, cc, 400, "invalid_request"},
		{"unknown client", [2]string{"nobody", "x"}, cc, 401, "invalid_client"},
		{"wrong secret", wrong, cc, 401, "invalid_client"},
		{"confidential without secret", [2]string{"worker"}, cc, 401, "invalid_client"},
		{"public with secret", [2]string{"app", "x"}, cc, 401, "invalid_client"},
		{"two methods", worker, url.Values{"grant_type": {"client_credentials"}, "client_secret": {"x"}}, 400, "invalid_request"},
		{"another client_id", worker, url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}}, 400, "invalid_request"},
		{"no grant", worker, url.Values{}, 400, "invalid_request"},
		{"unknown grant", worker, url.Values{"grant_type": {"magic"}}, 400, "unsupported_grant_type"},
		{"grant not given", app, cc, 400, "unauthorized_client"},
		{"password not given", worker, url.Values{"grant_type": {"password"}, "username": {"a"}, "password": {"b"}}, 400, "unauthorized_client"},
		{"more scope", worker, url.Values{"grant_type": {"client_credentials"}, "scope": {"read write"}}, 400, "invalid_scope"},
		{"two spaces", worker, url.Values{"grant_type": {"client_credentials"}, "scope": {"read  read"}}, 400, "invalid_scope"},
		{"foreign resource", worker, url.Values{"grant_type": {"client_credentials"}, "resource": {"https://elsewhere.example"}}, 400, "invalid_target"},
		{"admin audience", app, url.Values{"grant_type": {"password"}, "username": {"a"}, "password": {"b"}, "resource": {s.url + "/admin"}}, 400, "invalid_target"},
		{"a parameter twice", worker, url.Values{"grant_type": {"client_credentials", "client_credentials"}}, 400, "invalid_request"},
		{"bad refresh token", app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, 400, "invalid_grant"},
		{"wrong password", app, url.Values{"grant_type": {"password"}, "username": {"a@example.com"}, "password": {"b"}}, 400, "invalid_grant"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := s.want(s.form("/oauth/token", c.client, c.form), c.status, c.code)
			if c.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("401 with %q", a.header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestPasswordGrantRefreshIntrospectRevoke(t *testing.T) {
	s := start(t, nil)
	user := s.person("ada@example.com")
	app := s.client(client.Client{ID: "app", Grants: []string{"password", "refresh_token"}, Scopes: []string{"openid", "mail"}, Audiences: []string{"https://mail.example.com"}})
	other := s.client(client.Client{ID: "other", Grants: []string{"refresh_token"}})
	api := s.client(client.Client{ID: "api", Audiences: []string{"https://mail.example.com"}})
	in := s.want(s.form("/oauth/token", app, url.Values{"grant_type": {"password"}, "username": {"ADA@example.com"}, "password": {password}}), 200, "")
	refresh := in.str("refresh_token")

	s.want(s.form("/oauth/token", other, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}), 400, "invalid_grant")
	s.want(s.refresh(refresh), 401, "invalid_grant") // the first-party call has no other client's sessions
	s.want(s.form("/oauth/token", app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "scope": {"admin"}}), 400, "invalid_scope")
	next := s.want(s.form("/oauth/token", app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "scope": {"mail"}}), 200, "")
	if next.str("scope") != "mail" {
		t.Errorf("narrowed scope is %q", next.str("scope"))
	}
	active := func(c [2]string, token string) bool {
		a := s.want(s.form("/oauth/introspect", c, url.Values{"token": {token}}), 200, "")
		return a.body["active"] == true
	}
	for _, c := range []struct {
		name  string
		who   [2]string
		token string
		want  bool
	}{
		{"own access token", app, next.str("access_token"), true},
		{"own refresh token", app, next.str("refresh_token"), true},
		{"as its audience", api, next.str("access_token"), true},
		{"refresh token of another", api, next.str("refresh_token"), false},
		{"foreign", other, next.str("access_token"), false},
		{"nonsense", app, "x.y.z", false},
		{"first-party token", app, user.str("access_token"), false},
	} {
		if got := active(c.who, c.token); got != c.want {
			t.Errorf("introspect %s: active=%v", c.name, got)
		}
	}
	s.want(s.form("/oauth/revoke", other, url.Values{"token": {next.str("refresh_token")}}), 400, "invalid_grant")
	s.want(s.form("/oauth/revoke", app, url.Values{"token": {"nonsense"}}), 200, "")
	s.want(s.form("/oauth/revoke", app, url.Values{"token": {next.str("refresh_token")}}), 200, "")
	if active(app, next.str("access_token")) || active(app, next.str("refresh_token")) {
		t.Error("revoked tokens are active")
	}
	s.want(s.form("/oauth/introspect", [2]string{"signet"}, url.Values{"token": {"x"}}), 401, "invalid_client")
}

func TestRevokedOffline(t *testing.T) {
	s := start(t, nil)
	in := s.person("ada@example.com")
	v, err := verifier.New(t.Context(), verifier.Config{Issuer: s.url, Audience: s.url, Poll: 100 * time.Millisecond})
	s.must(err)
	defer v.Close()
	token, err := v.Verify(t.Context(), in.str("access_token"))
	s.must(err)
	if token.SessionID != in.str("session_id") {
		t.Errorf("sid %q, want %q", token.SessionID, in.str("session_id"))
	}
	s.want(s.post("/logout", "", "Authorization", "Bearer "+in.str("access_token")), 204, "")
	for deadline := time.Now().Add(10 * time.Second); ; {
		s.must(v.Refresh(t.Context()))
		_, err := v.Verify(t.Context(), in.str("access_token"))
		if errors.Is(err, verifier.ErrRevoked) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a logged-out session's token is accepted offline: %v", err)
		}
	}
}

func TestThrottle(t *testing.T) {
	s := start(t, func(c *issuer.Settings) {
		c.LoginRateAccount = limit.Rate{Count: 2, Per: time.Hour}
	})
	body := `{"email":"ada@example.com","password":"not the one"}`
	s.want(s.post("/login", body), 401, "invalid_credentials")
	s.want(s.post("/login", body), 401, "invalid_credentials")
	a := s.want(s.post("/login", `{"email":" ADA@example.com","password":"not the one"}`), 429, "too_many_requests")
	if a.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	s.want(s.post("/login", `{"email":"bob@example.com","password":"not the one"}`), 401, "invalid_credentials")
}

// Who attacks an account doesn't lock out the devices that its owner has used.
func TestThrottleKnowsDevices(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.LoginRateAccount = limit.Rate{Count: 2, Per: time.Hour} })
	in := s.person("ada@example.com")
	var device string
	for _, c := range in.cookies {
		if c.Name == "__Host-signet_device" {
			device = c.Name + "=" + c.Value
		}
	}
	wrong := `{"email":"ada@example.com","password":"not the one"}`
	s.want(s.post("/login", wrong), 401, "invalid_credentials")
	s.want(s.post("/login", wrong), 429, "too_many_requests")
	right := `{"email":"ada@example.com","password":"` + password + `"}`
	s.want(s.post("/login", right), 429, "too_many_requests")
	s.want(s.post("/login", right, "Cookie", device), 200, "")
	s.want(s.post("/login", wrong, "Cookie", device), 401, "invalid_credentials")
	s.want(s.post("/login", wrong, "Cookie", device), 429, "too_many_requests") // which has a counter of its own
}

// admin makes a user with the role and returns a token of the admin audience.
func (s *server) operator(email string) (token string, user id.User) {
	s.t.Helper()
	s.want(s.post("/register", `{"email":"`+email+`","password":"`+password+`"}`), 201, "")
	b := s.db.Backend()
	u, err := b.Accounts.ByEmail(s.t.Context(), email)
	s.must(err)
	u.Roles = []string{"admin"}
	_, err = b.Accounts.Save(s.t.Context(), u, noEnding, audit.New(s.t.Context(), audit.UserChanged, time.Now()))
	s.must(err)
	in := s.want(s.post("/login", `{"email":"`+email+`","password":"`+password+`","audience":"`+s.url+`/admin"}`), 200, "")
	return in.str("access_token"), u.ID
}

func TestDiscovery(t *testing.T) {
	s := start(t, nil)
	oidc := s.want(s.call("GET", s.url+"/.well-known/openid-configuration", ""), 200, "")
	oauth := s.want(s.call("GET", s.url+"/.well-known/oauth-authorization-server", ""), 200, "")
	if oidc.raw != oauth.raw || oidc.str("issuer") != s.url {
		t.Errorf("the documents differ, or aren't ours: %s", oidc.raw)
	}
	for name, v := range oidc.body {
		at, ok := v.(string)
		if !ok || !strings.HasPrefix(at, s.url+"/") {
			continue
		}
		method := "POST"
		if name == "jwks_uri" {
			method = "GET"
		}
		if name == "status_list_endpoint" {
			method, at = "GET", at+"0"
		}
		if a := s.call(method, at, ""); a.status == 404 || a.status == 405 {
			t.Errorf("%s is at %s, which answers %d", name, at, a.status)
		}
	}
	jwks := s.want(s.call("GET", oidc.str("jwks_uri"), ""), 200, "")
	if !strings.HasPrefix(jwks.header.Get("Cache-Control"), "public, max-age=300") {
		t.Errorf("JWKS with %q", jwks.header.Get("Cache-Control"))
	}
	for _, at := range []string{oidc.str("jwks_uri"), s.url + "/.well-known/openid-configuration", oidc.str("status_list_endpoint") + "0"} {
		etag := s.call("GET", at, "").header.Get("ETag")
		if a := s.call("GET", at, "", "If-None-Match", `"other", W/`+etag); a.status != 304 || a.raw != "" {
			t.Errorf("%s with If-None-Match: %d", at, a.status)
		}
	}
	keys, _ := jwks.body["keys"].([]any)
	if len(keys) != 4 {
		t.Errorf("%d keys published, want active and standby of two algorithms", len(keys))
	}
	for _, k := range keys {
		m, _ := k.(map[string]any)
		if m["alg"] == nil || m["use"] != "sig" || m["kid"] == nil || m["d"] != nil {
			t.Errorf("key %v", m)
		}
	}
}

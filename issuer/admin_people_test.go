package issuer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAdminClientMetadata: all that registration has, by the same names; what is left out
// stays, null takes away.
func TestAdminClientMetadata(t *testing.T) {
	s := start(t, nil)
	token, _ := s.operator("root@example.com")
	do := func(method, path, body string) answer {
		return s.call(method, s.admin+path, body, "Authorization", "Bearer "+token)
	}
	body := map[string]any{"id": "app", "grants": []string{"authorization_code"}, "trusted": true}
	want := map[string]any{"trusted": true}
	for name, value := range everything {
		switch name {
		case "response_types", "grant_types", "subject_type", "scope", "client_name": // others' names
		default:
			body[name], want[name] = value, value
		}
	}
	made := s.want(do("POST", "/admin/clients", text(t, body)), 201, "")
	if made.str("client_secret") != "" || len(s.stored("app").Secrets) != 0 {
		t.Errorf("who signs assertions has no secret: %s", made.raw)
	}
	check := func(a answer) {
		t.Helper()
		for name, value := range want {
			if !cmp.Equal(a.body[name], value) {
				t.Errorf("%s is %v, want %v", name, a.body[name], value)
			}
		}
	}
	check(made)
	check(s.want(do("PATCH", "/admin/clients/app", `{"name":"App"}`), 200, ""))
	want["logo_uri"], want["contacts"], want["default_max_age"], want["policy_uri"], want["trusted"] = "https://client.example/other.png", nil, nil, nil, nil
	check(s.want(do("PATCH", "/admin/clients/app", `{"logo_uri":"https://client.example/other.png","contacts":[],"default_max_age":null,"policy_uri":null,"trusted":null}`), 200, ""))
	check(s.want(do("GET", "/admin/clients/app", ""), 200, ""))

	// From keys to a secret, and back.
	s.want(do("PATCH", "/admin/clients/app", `{"token_endpoint_auth_method":"client_secret_basic","jwks":null}`), 200, "")
	s.want(do("POST", "/admin/clients/app/secrets", ""), 201, "")
	s.want(do("PATCH", "/admin/clients/app", `{"token_endpoint_auth_method":"private_key_jwt"}`), 400, "invalid_request")
	s.want(do("PATCH", "/admin/clients/app", `{"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://client.example/jwks"}`), 200, "")
	s.want(do("POST", "/admin/clients/app/secrets", ""), 400, "invalid_request")
	if kept := s.stored("app"); len(kept.Secrets) != 0 || kept.JWKS != nil || kept.Name != "App" {
		t.Errorf("stored %+v", kept)
	}
	for name, change := range map[string]string{
		"logo_uri":                        `{"logo_uri":"javascript:alert(1)"}`,
		"userinfo_signed_response_alg":    `{"userinfo_signed_response_alg":"ES384"}`,
		"id_token_signed_response_alg":    `{"id_token_signed_response_alg":"none"}`,
		"jwks":                            `{"jwks":{"keys":[{"kty":"oct","k":"x"}]},"jwks_uri":""}`,
		"post_logout_redirect_uris":       `{"post_logout_redirect_uris":["http://client.example/"]}`,
		"registration":                    `{"registration":{}}`,
		"a client's id and kind":          `{"public":true}`,
		"token_endpoint_auth_signing_alg": `{"token_endpoint_auth_signing_alg":"none"}`,
	} {
		a := do("PATCH", "/admin/clients/app", change)
		if a.status != 400 || !strings.Contains(a.str("error_description"), name) && name != "registration" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

func TestAdminProfiles(t *testing.T) {
	s := start(t, nil)
	token, _ := s.operator("root@example.com")
	do := func(method, path, body string) answer {
		return s.call(method, s.admin+path, body, "Authorization", "Bearer "+token)
	}
	profile := `{"name":"Ada","phone_number":"+442083661177","phone_number_verified":true,"address":{"country":"UK"}}`
	made := s.want(do("POST", "/admin/users", `{"email":"ada@example.com","password":"`+password+`","email_verified":true,"profile":`+profile+`}`), 201, "")
	at := "/admin/users/" + made.str("id")
	told, _ := made.body["profile"].(map[string]any)
	if told["name"] != "Ada" || told["updated_at"] == nil || made.body["email_verified"] != true || made.body["version"] != 1.0 {
		t.Errorf("made %s", made.raw)
	}
	changed := s.want(do("PATCH", at, `{"profile":{"name":"Ada King","updated_at":"2000-01-01T00:00:00Z"},"email_verified":false,"roles":["reader"]}`), 200, "")
	told, _ = changed.body["profile"].(map[string]any)
	if told["name"] != "Ada King" || told["phone_number"] != nil || strings.Contains(changed.raw, "2000-01-01") || changed.body["version"] != 2.0 {
		t.Errorf("changed %s", changed.raw)
	}
	if same := s.want(do("PATCH", at, `{"profile":{"name":"Ada King"}}`), 200, ""); same.body["version"] != 2.0 {
		t.Errorf("the same again %s", same.raw)
	}
	// All or nothing: what is wrong comes last, and what came before isn't done.
	in := s.login("ada@example.com")
	for name, body := range map[string]string{
		"a common password": `{"roles":["admin"],"disabled":true,"password":"password123"}`,
		"a bad picture":     `{"roles":["admin"],"password":"correct horse staple","profile":{"picture":"javascript:alert(1)"}}`,
		"a bad role":        `{"disabled":true,"roles":["two words"]}`,
		"an unknown claim":  `{"roles":["admin"],"profile":{"phone":"+442083661177"}}`,
		"a wrong type":      `{"roles":["admin"],"profile":{"name":1}}`,
	} {
		if a := do("PATCH", at, body); a.status != 400 || a.str("error") != "invalid_request" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if got := s.want(do("GET", at, ""), 200, ""); got.body["version"] != 2.0 {
		t.Errorf("partly applied: %s", got.raw)
	}
	s.want(s.refresh(in.str("refresh_token")), 200, "")
	s.want(do("PATCH", at, `{"password":"another horse battery","roles":["writer"]}`), 200, "")
	s.want(s.refresh(in.str("refresh_token")), 401, "invalid_grant")
	s.want(do("PATCH", "/admin/users/usr_nobody", `{}`), 404, "not_found")
	s.want(do("POST", "/admin/users", `{"email":"eve@example.com","password":"`+password+`","profile":{"locale":"x"}}`), 400, "invalid_request")
}

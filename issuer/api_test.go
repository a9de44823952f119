package issuer_test

import (
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer"
)

func TestRegisterLoginRefreshLogout(t *testing.T) {
	s := start(t, nil)
	reg := s.want(s.post("/register", `{"email":"Ada@Example.com","password":"`+password+`"}`), 201, "")
	if !strings.HasPrefix(reg.str("id"), "usr_") || reg.str("email") != "Ada@Example.com" || !strings.Contains(reg.raw, `"roles":[]`) {
		t.Fatalf("register answered %s", reg.raw)
	}
	s.want(s.post("/register", `{"email":"ada@example.COM","password":"`+password+`"}`), 409, "user_exists")

	in := s.login("ada@example.com")
	for _, name := range []string{"access_token", "refresh_token", "session_id", "token_type"} {
		if in.str(name) == "" {
			t.Errorf("login left out %s: %s", name, in.raw)
		}
	}
	if in.body["expires_in"] != 900.0 || in.body["refresh_expires_in"] != 604800.0 {
		t.Errorf("login answered lives %v and %v", in.body["expires_in"], in.body["refresh_expires_in"])
	}
	next := s.want(s.refresh(in.str("refresh_token")), 200, "")
	if next.str("refresh_token") == in.str("refresh_token") || next.str("session_id") != in.str("session_id") {
		t.Fatalf("refresh answered %s", next.raw)
	}
	retry := s.want(s.refresh(in.str("refresh_token")), 200, "")
	if retry.str("refresh_token") != next.str("refresh_token") {
		t.Error("a retry got another successor")
	}
	s.want(s.post("/logout", `{"refresh_token":"`+next.str("refresh_token")+`"}`), 204, "")
	s.want(s.post("/logout", `{"refresh_token":"`+next.str("refresh_token")+`"}`), 204, "")
	s.want(s.refresh(next.str("refresh_token")), 401, "invalid_grant")
}

func TestReuseEndsTheFamilyOnce(t *testing.T) {
	s := start(t, nil)
	first := s.person("ada@example.com").str("refresh_token")
	second := s.want(s.refresh(first), 200, "").str("refresh_token")
	third := s.want(s.refresh(second), 200, "").str("refresh_token")
	s.want(s.refresh(first), 401, "invalid_grant")
	s.want(s.refresh(third), 401, "invalid_grant")
	s.want(s.refresh(first), 401, "invalid_grant")
	events, err := s.db.Backend().Audit.Events(t.Context(), queryReuse)
	s.must(err)
	if len(events) != 1 {
		t.Errorf("%d reuse events, want 1: %v", len(events), events)
	}
}

func TestCredentialsAreAlike(t *testing.T) {
	s := start(t, nil)
	s.person("ada@example.com")
	wrong := s.want(s.post("/login", `{"email":"ada@example.com","password":"not the one"}`), 401, "invalid_credentials")
	unknown := s.want(s.post("/login", `{"email":"bob@example.com","password":"not the one"}`), 401, "invalid_credentials")
	if strip(wrong) != strip(unknown) {
		t.Errorf("bodies differ: %s and %s", wrong.raw, unknown.raw)
	}
	if wrong.header.Get("WWW-Authenticate") == "" {
		t.Error("a 401 without WWW-Authenticate")
	}
}

// strip takes the request id out of an answer.
func strip(a answer) string { return strings.ReplaceAll(a.raw, a.str("request_id"), "") }

func TestCookies(t *testing.T) {
	s := start(t, nil)
	s.person("ada@example.com")
	in := s.want(s.post("/login", `{"email":"ada@example.com","password":"`+password+`","cookies":true}`), 200, "")
	if strings.Contains(in.raw, "access_token") || strings.Contains(in.raw, "sgr_") {
		t.Errorf("tokens in the body beside cookies: %s", in.raw)
	}
	jar := map[string]string{}
	for _, c := range in.cookies {
		if !c.HttpOnly || !c.Secure || c.SameSite != 3 || c.MaxAge <= 0 {
			t.Errorf("cookie %s is not as promised: %s", c.Name, c.Raw)
		}
		jar[c.Name] = c.Name + "=" + c.Value
	}
	both := jar["__Host-signet_access"] + "; " + jar["__Secure-signet_refresh"]
	next := s.want(s.post("/refresh", "", "Cookie", both), 200, "")
	if len(next.cookies) != 2 || strings.Contains(next.raw, "sgr_") {
		t.Errorf("refresh by cookie answered %s and %v", next.raw, next.cookies)
	}
	s.want(s.post("/logout", "", "Cookie", jar["__Host-signet_access"], "Sec-Fetch-Site", "cross-site"), 403, "invalid_request")
	out := s.want(s.post("/logout", "", "Cookie", jar["__Host-signet_access"], "Sec-Fetch-Site", "same-origin"), 204, "")
	for _, c := range out.cookies {
		if c.MaxAge >= 0 {
			t.Errorf("logout left %s", c.Raw)
		}
	}
	s.want(s.post("/refresh", "", "Cookie", both), 401, "invalid_grant")
}

func TestPasswordChangeEndsTheOthers(t *testing.T) {
	s := start(t, nil)
	other := s.person("ada@example.com")
	mine := s.login("ada@example.com")
	bearer := []string{"Authorization", "Bearer " + mine.str("access_token")}
	s.want(s.post("/password", `{"old":"wrong wrong","new":"another password"}`, bearer...), 401, "invalid_credentials")
	s.want(s.post("/password", `{"old":"`+password+`","new":"short"}`, bearer...), 400, "invalid_request")
	s.want(s.post("/password", `{"old":"`+password+`","new":"another password of mine"}`, bearer...), 204, "")
	s.want(s.refresh(other.str("refresh_token")), 401, "invalid_grant")
	s.want(s.refresh(mine.str("refresh_token")), 200, "")
	s.want(s.post("/login", `{"email":"ada@example.com","password":"`+password+`"}`), 401, "invalid_credentials")
}

func TestLogoutEverywhere(t *testing.T) {
	s := start(t, nil)
	one := s.person("ada@example.com")
	two := s.login("ada@example.com")
	s.want(s.post("/logout", `{"everywhere":true}`), 401, "invalid_token")
	s.want(s.post("/logout", `{"everywhere":true}`, "Authorization", "Bearer "+one.str("access_token")), 204, "")
	s.want(s.refresh(one.str("refresh_token")), 401, "invalid_grant")
	s.want(s.refresh(two.str("refresh_token")), 401, "invalid_grant")
	s.want(s.post("/logout", `{"everywhere":true}`, "Authorization", "Bearer "+one.str("access_token")), 401, "invalid_token")
}

func TestBadInput(t *testing.T) {
	s := start(t, nil)
	long := strings.Repeat("x", 73)
	cases := []struct {
		name, path, body, contentType string
		status                        int
		code                          string
	}{
		{"malformed", "/login", `{"email":`, "application/json", 400, "invalid_request"},
		{"two documents", "/login", `{"email":"a@example.com","password":"x"}{}`, "application/json", 400, "invalid_request"},
		{"a member twice", "/login", `{"email":"a@example.com","email":"b@example.com","password":"x"}`, "application/json", 400, "invalid_request"},
		{"another case", "/login", `{"EMAIL":"a@example.com","password":"x"}`, "application/json", 400, "invalid_request"},
		{"wrong type", "/login", `{"email":5,"password":"x"}`, "application/json", 400, "invalid_request"},
		{"an array", "/login", `[]`, "application/json", 400, "invalid_request"},
		{"wrong content type", "/login", `{}`, "text/plain", 415, "invalid_request"},
		{"form", "/login", `email=a`, "application/x-www-form-urlencoded", 415, "invalid_request"},
		{"roles from outside", "/register", `{"email":"a@example.com","password":"correct horse","roles":["admin"]}`, "application/json", 400, "invalid_request"},
		{"over 64 KiB", "/register", `{"email":"` + strings.Repeat("x", 70_000) + `"}`, "application/json", 413, "invalid_request"},
		{"over 72 bytes", "/register", `{"email":"a@example.com","password":"` + long + `"}`, "application/json", 400, "invalid_request"},
		{"NUL", "/register", `{"email":"a@example.com","password":"abc\u0000defgh"}`, "application/json", 400, "invalid_request"},
		{"no address", "/register", `{"email":"nobody","password":"correct horse"}`, "application/json", 400, "invalid_request"},
		{"common password", "/register", `{"email":"a@example.com","password":"password123"}`, "application/json", 400, "invalid_request"},
		{"unknown audience", "/login", `{"email":"a@example.com","password":"x","audience":"https://elsewhere.example"}`, "application/json", 400, "invalid_target"},
		{"unknown scope", "/login", `{"email":"a@example.com","password":"x","scope":"everything"}`, "application/json", 400, "invalid_scope"},
		{"no token", "/refresh", `{}`, "application/json", 400, "invalid_request"},
		{"no refresh token of ours", "/refresh", `{"refresh_token":"sgr_x"}`, "application/json", 401, "invalid_grant"},
		{"no page", "/nothing", `{}`, "application/json", 404, "not_found"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := s.post(c.path, c.body, "Content-Type", c.contentType)
			s.want(a, c.status, c.code)
			if a.str("request_id") == "" || a.str("error_description") == "" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("not in the shape of errors: %s %v", a.raw, a.header)
			}
		})
	}
	if a := s.want(s.call("GET", s.url+"/login", ""), 405, "method_not_allowed"); a.header.Get("Allow") != "POST" {
		t.Errorf("405 with Allow %q", a.header.Get("Allow"))
	}
}

func TestClosedRegistration(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.Registration = "closed" })
	s.want(s.post("/register", `{"email":"a@example.com","password":"correct horse"}`), 403, "registration_closed")
}

func TestCORS(t *testing.T) {
	const app = "https://app.example.com"
	s := start(t, func(c *issuer.Settings) { c.CORSOrigins = []string{app} })
	body := `{"email":"a@example.com","password":"x"}`
	mine := s.post("/login", body, "Origin", app, "Sec-Fetch-Site", "cross-site")
	if mine.status != 401 || mine.header.Get("Access-Control-Allow-Origin") != app || mine.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("trusted origin got %d %v", mine.status, mine.header)
	}
	foreign := s.post("/login", body, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	if foreign.status != 403 || foreign.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("foreign origin got %d %v", foreign.status, foreign.header)
	}
	pre := s.call("OPTIONS", s.url+"/login", "", "Origin", app, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if pre.status != 204 || pre.header.Get("Access-Control-Allow-Origin") != app {
		t.Errorf("preflight got %d %v", pre.status, pre.header)
	}
	jwks := s.call("GET", s.url+"/.well-known/jwks.json", "", "Origin", "https://anywhere.example")
	if jwks.header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("JWKS isn't open to any origin")
	}
	token := s.call("POST", s.url+"/oauth/token", "", "Origin", app)
	if token.header.Get("Access-Control-Allow-Origin") != app || token.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("token endpoint got %v", token.header)
	}
}

package seed

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/verifier"
)

// TestProtectedRoute: none is 401, bad or expired is refused, good is let in.
func TestProtectedRoute(t *testing.T) {
	s := dev(t)
	token := s.login(t, demoUser).text("access_token")
	tests := []struct {
		name      string
		header    []string
		status    int
		code      string
		challenge string
	}{
		{"good", bearer(token), http.StatusOK, "", ""},
		{"scheme in another case", []string{"Authorization", "bEARER " + token}, http.StatusOK, "", ""},
		{"none", nil, http.StatusUnauthorized, "invalid_token", "Bearer"},
		{"of another scheme", []string{"Authorization", "Basic " + token}, http.StatusUnauthorized, "invalid_token", "Bearer"},
		{"no token", bearer("password123"), http.StatusUnauthorized, "invalid_token", `Bearer error="invalid_token"`},
		{"altered signature", bearer(alter(token)), http.StatusUnauthorized, "invalid_token", `Bearer error="invalid_token"`},
		{"altered claims", bearer(promote(t, token)), http.StatusUnauthorized, "invalid_token", `Bearer error="invalid_token"`},
		{"unsigned", bearer(unsign(token)), http.StatusUnauthorized, "invalid_token", `Bearer error="invalid_token"`},
		{"two in one header", []string{"Authorization", "Bearer " + token + " " + token}, http.StatusBadRequest, "invalid_request", `Bearer error="invalid_request"`},
	}
	s.each(t, func(t *testing.T, r resource) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				a := get(t, r.url+"/protected", tt.header...).want(t, tt.status, tt.code)
				if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, tt.challenge) || (tt.challenge == "Bearer" && strings.Contains(got, "error")) {
					t.Errorf("WWW-Authenticate = %q, want %q", got, tt.challenge)
				}
				if tt.status == http.StatusOK && a.text("message") != "Hello, "+claims(t, token).Subject {
					t.Errorf("answered %s", a.raw)
				}
			})
		}
	})
	t.Run("expired", func(t *testing.T) {
		later := protect(t, verifier.Config{Issuer: s.URL, Audience: s.resources[0].url, Now: func() time.Time { return time.Now().Add(16 * time.Minute) }})
		a := get(t, later.url+"/protected", bearer(token)...).want(t, http.StatusUnauthorized, "invalid_token")
		if a.text("error_description") != "the access token expired" {
			t.Errorf("answered %s", a.raw)
		}
	})
}

// TestRoles: the role in the token; restrictTo('admin') is 403 without it.
func TestRoles(t *testing.T) {
	s := dev(t)
	user, admin := s.login(t, demoUser), s.login(t, demoAdmin)
	if got := claims(t, user.text("access_token")).Roles; got == nil || len(got) != 0 {
		t.Errorf("roles of a user are %q, want an empty list", got)
	}
	if got := claims(t, admin.text("access_token")).Roles; len(got) != 1 || got[0] != "admin" {
		t.Errorf("roles of an admin are %q", got)
	}
	s.each(t, func(t *testing.T, r resource) {
		get(t, r.url+"/admin", bearer(admin.text("access_token"))...).want(t, http.StatusOK, "")
		a := get(t, r.url+"/admin", bearer(user.text("access_token"))...).want(t, http.StatusForbidden, "insufficient_scope")
		if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer error="insufficient_scope"`) {
			t.Errorf("WWW-Authenticate = %q", got)
		}
		get(t, r.url+"/admin").want(t, http.StatusUnauthorized, "invalid_token")
	})

	// A role that is given shows in the very next refresh, and so does its loss.
	operator := s.post(t, "/login", object("email", demoAdmin, "password", demoPassword, "audience", s.URL+"/admin")).want(t, http.StatusOK, "").text("access_token")
	id, refresh := claims(t, user.text("access_token")).Subject, user.text("refresh_token")
	for _, roles := range []string{`["admin"]`, `[]`} {
		call(t, http.MethodPatch, s.AdminURL+"/admin/users/"+id, `{"roles":`+roles+`}`, bearer(operator)...).want(t, http.StatusOK, "")
		next := s.refresh(t, refresh).want(t, http.StatusOK, "")
		refresh = next.text("refresh_token")
		status, code := http.StatusOK, ""
		if roles == `[]` {
			status, code = http.StatusForbidden, "insufficient_scope"
		}
		s.each(t, func(t *testing.T, r resource) {
			get(t, r.url+"/admin", bearer(next.text("access_token"))...).want(t, status, code)
		})
	}
	// Nobody gets one by asking for the admins' audience.
	s.post(t, "/login", object("email", demoUser, "password", demoPassword, "audience", s.URL+"/admin")).want(t, http.StatusBadRequest, "invalid_target")
}

// TestClaims: iss and aud are checked, always.
func TestClaims(t *testing.T) {
	const other = "https://other.example.com"
	env := map[string]string{"SIGNET_AUDIENCE": audience + "," + other}
	s, stranger := alone(t, env), alone(t, env)
	mine := s.member(t, "ada@example.com").text("access_token")
	c := claims(t, mine)
	if c.Issuer != s.URL || c.Audience != audience || c.Client != "signet" || c.ID == "" || !strings.HasPrefix(c.Subject, "usr_") {
		t.Errorf("claims are %+v", c)
	}
	r := s.protect(t)
	get(t, r.url+"/protected", bearer(mine)...).want(t, http.StatusOK, "")
	for name, token := range map[string]string{
		"another audience":         s.post(t, "/login", object("email", "ada@example.com", "password", password, "audience", other)).want(t, http.StatusOK, "").text("access_token"),
		"the admins' audience":     s.admin(t),
		"another issuer":           stranger.member(t, "ada@example.com").text("access_token"),
		"a refresh token":          s.login(t, "ada@example.com").text("refresh_token"),
		"another issuer's, forged": forgeIssuer(t, stranger.login(t, "ada@example.com").text("access_token"), s.URL),
	} {
		t.Run(name, func(t *testing.T) {
			get(t, r.url+"/protected", bearer(token)...).want(t, http.StatusUnauthorized, "invalid_token")
		})
	}
	s.post(t, "/login", object("email", "ada@example.com", "password", password, "audience", "https://elsewhere.example.com")).
		want(t, http.StatusBadRequest, "invalid_target")
	t.Run("the key of one issuer for the other's name", func(t *testing.T) {
		confused := protect(t, verifier.Config{Issuer: s.URL, Audience: other, Poll: statusPoll})
		get(t, confused.url+"/protected", bearer(mine)...).want(t, http.StatusUnauthorized, "invalid_token")
	})
}

// claimSet is what these tests read of an access token (RFC 9068 §2.2).
type claimSet struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
	ID       string   `json:"jti"`
	Client   string   `json:"client_id"`
	Scope    string   `json:"scope"`
	Roles    []string `json:"roles"`
	Session  string   `json:"sid"`
}

func claims(t *testing.T, token string) claimSet {
	t.Helper()
	var c claimSet
	decode(t, token, 1, &c)
	return c
}

// header is that of a token.
type header struct {
	Type string `json:"typ"`
	Alg  string `json:"alg"`
	KID  string `json:"kid"`
}

// decode reads a part of a token, unchecked.
func decode(t *testing.T, token string, part int, into any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatalf("part %d of a token: %v", part, err)
	}
}

// alter changes a bit of the signature that counts: its first.
func alter(token string) string {
	i := strings.LastIndexByte(token, '.') + 1
	c := "A"
	if token[i] == 'A' {
		c = "B"
	}
	return token[:i] + c + token[i+1:]
}

// unsign says "none" and leaves out the signature (RFC 8725 §2.1).
func unsign(token string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"at+jwt","alg":"none"}`)) + "." + strings.Split(token, ".")[1] + "."
}

// promote makes the bearer an admin, under the signature that was there.
func promote(t *testing.T, token string) string {
	t.Helper()
	return rewrite(t, token, "roles", []string{"admin"})
}

func forgeIssuer(t *testing.T, token, issuer string) string {
	t.Helper()
	return rewrite(t, token, "iss", issuer)
}

func rewrite(t *testing.T, token, claim string, value any) string {
	t.Helper()
	all := map[string]any{}
	decode(t, token, 1, &all)
	all[claim] = value
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	parts[1] = base64.RawURLEncoding.EncodeToString(raw)
	return strings.Join(parts, ".")
}

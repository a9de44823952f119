package issuer_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
)

func event(t *testing.T) audit.Event { return audit.New(t.Context(), audit.UserChanged, time.Now()) }

// part decodes one part of a compact token.
func part(t *testing.T, token string, n int) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no compact token: %.20q", token)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func claims(t *testing.T, token string) string { return part(t, token, 1) }

func header(t *testing.T, token string) map[string]string {
	t.Helper()
	h := map[string]string{}
	if err := json.Unmarshal([]byte(part(t, token, 0)), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAccessTokenShape(t *testing.T) {
	s := start(t, nil)
	token := s.person("ada@example.com").str("access_token")
	h := header(t, token)
	if len(h) != 3 || h["alg"] != "ES256" || h["typ"] != "at+jwt" || h["kid"] == "" {
		t.Errorf("header %v", h)
	}
	var c map[string]any
	if err := json.Unmarshal([]byte(claims(t, token)), &c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "roles", "sid", "status"} {
		if _, ok := c[name]; !ok {
			t.Errorf("claim %s is missing", name)
		}
	}
	if len(c) != 12 || c["client_id"] != "signet" || c["iss"] != s.url || c["aud"] != s.url {
		t.Errorf("claims %v", c)
	}
}

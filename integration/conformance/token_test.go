package conformance

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// tokens is what a token request brought, checked.
type tokens struct {
	access, id, refresh string
	claims              map[string]any // of the ID token
	header              jose.Header    // of the ID token
}

// tokens checks a token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3) and the ID
// token in it, as an answer to an authorization request.
func (c *client) tokens(a answer, asked url.Values) tokens {
	c.t.Helper()
	m := a.ok(c.t, http.StatusOK)
	var got tokens
	got.access, _ = m["access_token"].(string)
	got.id, _ = m["id_token"].(string)
	got.refresh, _ = m["refresh_token"].(string)
	kind, _ := m["token_type"].(string)
	if lasts, _ := m["expires_in"].(float64); got.access == "" || got.id == "" || !strings.EqualFold(kind, "bearer") || lasts < 1 {
		c.t.Fatalf("token response %s", a.raw)
	}
	if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		c.t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
	}
	if !vschar.MatchString(got.access) || got.refresh != "" && !vschar.MatchString(got.refresh) {
		c.t.Error("a token has other characters than RFC 6749 §A.12 and §A.17 allow")
	}
	got.claims, got.header = c.verify(got.id)
	c.checkIDToken(got, asked)
	return got
}

var vschar = regexp.MustCompile(`^[\x20-\x7e]+$`)

// checkIDToken is OpenID Connect Core §3.1.3.7, and what holds for all ID tokens.
func (c *client) checkIDToken(got tokens, asked url.Values) {
	c.t.Helper()
	m, now := got.claims, float64(time.Now().Unix())
	number := func(name string) float64 {
		f, ok := m[name].(float64)
		if !ok {
			c.t.Errorf("%s is %v", name, m[name])
		}
		return f
	}
	if m["iss"] != c.says(c.t, "issuer") || m["aud"] != c.id || m["azp"] != nil && m["azp"] != c.id {
		c.t.Errorf("iss %v, aud %v, azp %v", m["iss"], m["aud"], m["azp"])
	}
	if number("exp") <= now || number("iat") > now+5 || number("iat") < now-60 {
		c.t.Errorf("exp %v, iat %v at %v", m["exp"], m["iat"], now)
	}
	if m["auth_time"] != nil && number("auth_time") > now+5 {
		c.t.Errorf("auth_time %v at %v", m["auth_time"], now)
	}
	if nonce, _ := m["nonce"].(string); nonce != asked.Get("nonce") {
		c.t.Errorf("nonce %q, want %q", nonce, asked.Get("nonce"))
	}
	if sub, _ := m["sub"].(string); sub == "" || len(sub) > 255 || !vschar.MatchString(sub) {
		c.t.Errorf("sub %q", m["sub"])
	}
	if _, text := m["acr"].(string); m["acr"] != nil && !text {
		c.t.Errorf("acr %v", m["acr"])
	}
	if m["at_hash"] != nil && m["at_hash"] != half(got.access) {
		c.t.Errorf("at_hash %v", m["at_hash"])
	}
	if _, there := m["c_hash"]; there {
		c.t.Error("c_hash where no ID token comes with the code")
	}
	checkClaims(c.t, m)
}

// half is the base64url of the first half of a hash (OpenID Connect Core §3.1.3.6).
func half(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// verify checks a JWT of the provider with the key of its kid, and returns what it says.
func (p *provider) verify(t *testing.T, raw string, types ...string) (map[string]any, jose.Header) {
	t.Helper()
	object, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		t.Fatalf("%v: %q", err, raw)
	}
	header := object.Signatures[0].Header
	kind, _ := header.ExtraHeaders["typ"].(string)
	if header.KeyID == "" || len(types) > 0 && !slices.Contains(types, kind) {
		t.Fatalf("header %+v", header)
	}
	set := p.keys(t)
	found := set.Key(header.KeyID)
	if len(found) != 1 {
		t.Fatalf("%d keys with the kid %q", len(found), header.KeyID)
	}
	payload, err := object.Verify(found[0])
	if err != nil {
		t.Fatalf("the signature: %v", err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(payload, &m); err != nil {
		t.Fatal(err)
	}
	return m, header
}

func (c *client) verify(raw string) (map[string]any, jose.Header) {
	c.t.Helper()
	return c.provider.verify(c.t, raw)
}

// keys are the provider's, read anew.
func (p *provider) keys(t *testing.T) jose.JSONWebKeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	a := p.call(t, http.MethodGet, p.says(t, "jwks_uri"), nil)
	if a.status != http.StatusOK {
		t.Fatalf("jwks_uri: status %d", a.status)
	}
	if err := json.Unmarshal(a.raw, &set); err != nil {
		t.Fatal(err)
	}
	return set
}

// birthdate is YYYY-MM-DD or YYYY (OpenID Connect Core §5.1).
var birthdate = regexp.MustCompile(`^\d{4}(-\d{2}-\d{2})?$`)

// checkClaims is about the types of the standard claims (OpenID Connect Core §5.1): none is
// null or empty.
func checkClaims(t *testing.T, m map[string]any) {
	t.Helper()
	for name, v := range m {
		switch name {
		case "email_verified", "phone_number_verified":
			_, right := v.(bool)
			typed(t, right, name, v)
		case "updated_at":
			f, right := v.(float64)
			typed(t, right && f > 0 && f < 1e11, name, v) // seconds, not milliseconds
		case "address":
			parts, right := v.(map[string]any)
			typed(t, right && len(parts) > 0, name, v)
			checkTexts(t, parts)
		}
	}
	texts := map[string]any{}
	for _, name := range append(scopeClaims["profile"], "sub", "email", "phone_number") {
		if v, there := m[name]; there && name != "updated_at" {
			texts[name] = v
		}
	}
	checkTexts(t, texts)
	if b, there := m["birthdate"].(string); there && !birthdate.MatchString(b) {
		t.Errorf("birthdate %q", b)
	}
}

func typed(t *testing.T, right bool, name string, v any) {
	t.Helper()
	if !right {
		t.Errorf("claim %s is %T %v", name, v, v)
	}
}

func checkTexts(t *testing.T, m map[string]any) {
	t.Helper()
	for name, v := range m {
		s, ok := v.(string)
		typed(t, ok && s != "", name, v)
	}
}

// scopeClaims is OpenID Connect Core §5.4.
var scopeClaims = map[string][]string{
	"profile": {
		"name", "given_name", "family_name", "middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo",
		"locale", "updated_at", "preferred_username",
	},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

package conformance

import (
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// config is OIDCCConfigTestPlan.
var config = plan{
	{"oidcc-discovery-endpoint-verification", passes, discovery},
}

// discovery is what all profiles want of the discovery document.
func discovery(t *testing.T, p *provider, _ variant) {
	a := p.call(t, http.MethodGet, p.URL+"/.well-known/openid-configuration", nil)
	a.ok(t, http.StatusOK)
	if issuer := p.says(t, "issuer"); issuer != p.URL { // OpenID Connect Discovery §4.3
		t.Errorf("issuer %s", issuer)
	}
	for name, values := range map[string][]string{
		"response_types_supported": {"code"}, "subject_types_supported": {"public"}, "id_token_signing_alg_values_supported": {"RS256"},
		"scopes_supported": {"openid"}, "grant_types_supported": {"authorization_code"}, "claims_supported": {"sub"},
		"code_challenge_methods_supported": {"S256"}, "userinfo_signing_alg_values_supported": {"RS256"}, "response_modes_supported": {"query", "form_post"},
	} {
		for _, value := range values {
			if said := p.list(name); !slices.Contains(said, value) {
				t.Errorf("%s is %q, want %q in it", name, said, value)
			}
		}
	}
	if p.meta["claims_parameter_supported"] != true {
		t.Error("claims_parameter_supported isn't true")
	}
	checkEndpoints(t, p, "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "registration_endpoint", "jwks_uri")
	checkWords(t, p)
	checkKeys(t, p)
}

// checkEndpoints: all that is named is there, and every address is https.
func checkEndpoints(t *testing.T, p *provider, names ...string) {
	t.Helper()
	for _, name := range names {
		p.says(t, name)
	}
	for name, value := range p.meta {
		if !strings.HasSuffix(name, "_endpoint") && !strings.HasSuffix(name, "_uri") && name != "issuer" {
			continue
		}
		s, _ := value.(string)
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "" || name == "issuer" && u.RawQuery != "" {
			t.Errorf("%s is %v", name, value)
		}
	}
}

var (
	scopeToken = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)               // RFC 6749 §3.3
	language   = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$`) // of BCP 47, what we use, in its canonical case
)

func checkWords(t *testing.T, p *provider) {
	t.Helper()
	for name, form := range map[string]*regexp.Regexp{"scopes_supported": scopeToken, "ui_locales_supported": language, "claims_locales_supported": language} {
		for _, word := range p.list(name) {
			if !form.MatchString(word) {
				t.Errorf("%s: %q", name, word)
			}
		}
	}
}

// checkKeys is ValidateServerJWKs and its like: each key has a kid of its own, is large
// enough and public.
func checkKeys(t *testing.T, p *provider) {
	t.Helper()
	seen := map[string]bool{}
	for _, key := range p.keys(t).Keys {
		if key.KeyID == "" || seen[key.KeyID] || !key.IsPublic() || !key.Valid() || key.Use != "sig" {
			t.Errorf("key %+v", key)
		}
		seen[key.KeyID] = true
		if n, ok := key.Key.(*rsa.PublicKey); ok && n.N.BitLen() < 2048 {
			t.Errorf("key %s has %d bits", key.KeyID, n.N.BitLen())
		}
	}
	var raw struct {
		Keys []map[string]any `json:"keys"`
	}
	a := p.call(t, http.MethodGet, p.says(t, "jwks_uri"), nil)
	if err := json.Unmarshal(a.raw, &raw); err != nil || len(raw.Keys) == 0 {
		t.Fatalf("%v: %s", err, a.raw)
	}
	for _, key := range raw.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, there := key[private]; there {
				t.Errorf("key %v has %s", key["kid"], private)
			}
		}
	}
}

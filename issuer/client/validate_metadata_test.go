package client

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// Keys of RFC 7515 §A.3 and §A.2 (public parts) and others that aren't for signatures.
const (
	ecKey     = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	encKey    = `{"kty":"EC","use":"enc","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	oddKey    = `{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`
	private1  = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
	symmetric = `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
)

func jwks(keys ...string) json.RawMessage {
	return json.RawMessage(`{"keys":[` + strings.Join(keys, ",") + `]}`)
}

// https are the members that take nothing but https.
var https = map[string]func(*Metadata) *string{
	"jwks_uri":               func(m *Metadata) *string { return &m.JWKSURI },
	"sector_identifier_uri":  func(m *Metadata) *string { return &m.SectorIdentifierURI },
	"initiate_login_uri":     func(m *Metadata) *string { return &m.InitiateLoginURI },
	"backchannel_logout_uri": func(m *Metadata) *string { return &m.BackchannelLogoutURI },
	"client_uri":             func(m *Metadata) *string { return &m.URI },
	"logo_uri":               func(m *Metadata) *string { return &m.LogoURI },
	"policy_uri":             func(m *Metadata) *string { return &m.PolicyURI },
	"tos_uri":                func(m *Metadata) *string { return &m.TermsURI },
}

func TestMetadataAddresses(t *testing.T) {
	for uri, good := range map[string]bool{
		"":                             true,
		"https://app.example":          true,
		"https://app.example:8443/a?b": true,
		"https://127.0.0.1/a":          true, // what may be called is outbound's to say
		"http://app.example/a":         false,
		"http://localhost/a":           false,
		"HTTPS://app.example/a":        false,
		"https://app.example/a#b":      false,
		"https://user@app.example/":    false,
		"https://app.example\\@evil/":  false,
		"https:app.example":            false,
		"https:///a":                   false,
		"//app.example/a":              false,
		"javascript:alert(1)":          false,
		"data:text/html,a":             false,
		"com.example.app:/a":           false,
		"https://app.example/\"><b":    false,
		"https://app.example/a b":      false,
		"https://app.example/" + strings.Repeat("a", 2048): false,
	} {
		for name, of := range https {
			c := Client{ID: "app"}
			*of(&c.Metadata) = uri
			wantField(t, name+" "+uri, Validate(c, nil), map[bool]string{false: name}[good])
		}
	}
}

// wantField wants an *InvalidError of a field, or nil where it is empty.
func wantField(t *testing.T, name string, err error, field string) {
	t.Helper()
	invalid, _ := errors.AsType[*InvalidError](err)
	switch {
	case field == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case field != "" && (invalid == nil || invalid.Field != field || invalid.Reason == ""):
		t.Errorf("%s: %v, want an error of %s", name, err, field)
	}
}

func TestValidateMetadata(t *testing.T) {
	age := func(s int64) *int64 { return &s }
	for _, tt := range []struct {
		name  string
		edit  func(*Client)
		field string // empty: valid
	}{
		{"web with https", func(c *Client) { c.ApplicationType = "web" }, ""},
		{"web under development", func(c *Client) { c.ApplicationType, c.RedirectURIs = "web", []string{"http://localhost:3000/cb"} }, ""},
		{"web with a scheme of its own", func(c *Client) { c.ApplicationType, c.RedirectURIs = "web", []string{"com.example.app:/cb"} }, "application_type"},
		{"native with all three", func(c *Client) {
			c.ApplicationType, c.RedirectURIs = "native", []string{"com.example.app:/cb", "http://127.0.0.1/cb", "https://app.example/cb"}
		}, ""},
		{"another type", func(c *Client) { c.ApplicationType = "service" }, "application_type"},
		{"a type in capitals", func(c *Client) { c.ApplicationType = "Web" }, "application_type"},

		{"basic", func(c *Client) { c.AuthMethod = MethodBasic }, ""},
		{"post", func(c *Client) { c.AuthMethod = MethodPost }, ""},
		{"none of a public client", func(c *Client) { c.Public, c.Secrets, c.AuthMethod = true, nil, MethodNone }, ""},
		{"none of a confidential client", func(c *Client) { c.AuthMethod = MethodNone }, "token_endpoint_auth_method"},
		{"basic of a public client", func(c *Client) { c.Public, c.Secrets, c.AuthMethod = true, nil, MethodBasic }, "token_endpoint_auth_method"},
		{"keys", func(c *Client) { c.Secrets, c.AuthMethod, c.JWKS = nil, MethodPrivateKeyJWT, jwks(ecKey) }, ""},
		{"keys elsewhere", func(c *Client) {
			c.Secrets, c.AuthMethod, c.JWKSURI = nil, MethodPrivateKeyJWT, "https://app.example/jwks"
		}, ""},
		{"keys of a public client", func(c *Client) {
			c.Public, c.Secrets, c.AuthMethod, c.JWKS = true, nil, MethodPrivateKeyJWT, jwks(ecKey)
		}, "token_endpoint_auth_method"},
		{"keys, but none there", func(c *Client) { c.Secrets, c.AuthMethod = nil, MethodPrivateKeyJWT }, "token_endpoint_auth_method"},
		{"keys and a secret", func(c *Client) { c.AuthMethod, c.JWKS = MethodPrivateKeyJWT, jwks(ecKey) }, "token_endpoint_auth_method"},
		{"client_secret_jwt", func(c *Client) { c.AuthMethod = "client_secret_jwt" }, "token_endpoint_auth_method"},
		{"tls_client_auth", func(c *Client) { c.AuthMethod = "tls_client_auth" }, "token_endpoint_auth_method"},
		{"an algorithm of assertions", func(c *Client) { c.AuthAlg = "PS256" }, ""},
		{"none as algorithm of assertions", func(c *Client) { c.AuthAlg = "none" }, "token_endpoint_auth_signing_alg"},
		{"HS256 as algorithm of assertions", func(c *Client) { c.AuthAlg = "HS256" }, "token_endpoint_auth_signing_alg"},

		{"keys without need", func(c *Client) { c.JWKS = jwks(encKey, oddKey) }, ""},
		{"no keys without need", func(c *Client) { c.JWKS = jwks() }, ""},
		{"keys for encryption alone", func(c *Client) {
			c.Secrets, c.AuthMethod, c.JWKS = nil, MethodPrivateKeyJWT, jwks(encKey, oddKey)
		}, "jwks"},
		{"keys here and elsewhere", func(c *Client) { c.JWKS, c.JWKSURI = jwks(ecKey), "https://app.example/jwks" }, "jwks"},
		{"a private key", func(c *Client) { c.JWKS = jwks(ecKey, private1) }, "jwks"},
		{"a symmetric key", func(c *Client) { c.JWKS = jwks(symmetric) }, "jwks"},
		{"a private key of an unknown type", func(c *Client) { c.JWKS = jwks(`{"kty":"AKP","priv":"AA"}`) }, "jwks"},
		{"one key, not a set", func(c *Client) { c.JWKS = json.RawMessage(ecKey) }, "jwks"},
		{"text for a set", func(c *Client) { c.JWKS = json.RawMessage(`"{\"keys\":[]}"`) }, "jwks"},
		{"null for a set", func(c *Client) { c.JWKS = json.RawMessage(`null`) }, "jwks"},
		{"text for a key", func(c *Client) { c.JWKS = jwks(`"` + "a" + `"`) }, "jwks"},
		{"keys twice", func(c *Client) { c.JWKS = json.RawMessage(`{"keys":[],"keys":[` + ecKey + `]}`) }, "jwks"},
		{"more after the set", func(c *Client) { c.JWKS = json.RawMessage(`{"keys":[]} {}`) }, "jwks"},
		{"too many keys", func(c *Client) {
			c.JWKS = jwks(strings.Split(strings.Repeat(`{"kty":"x"} `, 32)+`{"kty":"x"}`, " ")...)
		}, "jwks"},
		{"a set too long", func(c *Client) { c.JWKS = jwks(`{"kty":"` + strings.Repeat("x", 32<<10) + `"}`) }, "jwks"},

		{"algorithms", func(c *Client) { c.IDTokenAlg, c.UserinfoAlg = "ES256", "RS256" }, ""},
		{"no algorithm's name", func(c *Client) { c.IDTokenAlg = "ES 256" }, "id_token_signed_response_alg"},
		{"no algorithm's name either", func(c *Client) { c.UserinfoAlg = "<script>" }, "userinfo_signed_response_alg"},
		{"age 0", func(c *Client) { c.DefaultMaxAge = age(0) }, ""},
		{"age below 0", func(c *Client) { c.DefaultMaxAge = age(-1) }, "default_max_age"},
		{"age of a duration that overflows", func(c *Client) { c.DefaultMaxAge = age(1 << 62) }, "default_max_age"},
		{"acr", func(c *Client) { c.DefaultACR = []string{"urn:mace:incommon:iap:silver", "1"} }, ""},
		{"two acr in one", func(c *Client) { c.DefaultACR = []string{"a b"} }, "default_acr_values"},

		{"post-logout", func(c *Client) {
			c.PostLogoutRedirectURIs = []string{"https://app.example/bye", "http://localhost/bye"}
		}, ""},
		{"post-logout without TLS", func(c *Client) { c.PostLogoutRedirectURIs = []string{"http://app.example/bye"} }, "post_logout_redirect_uris"},
		{"post-logout to a script", func(c *Client) { c.PostLogoutRedirectURIs = []string{"javascript:alert(1)"} }, "post_logout_redirect_uris"},
		{"too many post-logout", func(c *Client) { c.PostLogoutRedirectURIs = many(65, "https://app.example/%d") }, "post_logout_redirect_uris"},
		{"contacts", func(c *Client) { c.Contacts = []string{"ops@app.example", "Zoë <zoe@app.example>"} }, ""},
		{"too many contacts", func(c *Client) { c.Contacts = many(65, "%d@app.example") }, "contacts"},
		{"a long contact", func(c *Client) { c.Contacts = []string{strings.Repeat("x", 257)} }, "contacts"},
		{"a contact of two lines", func(c *Client) { c.Contacts = []string{"a\r\nb"} }, "contacts"},
		{"software", func(c *Client) { c.SoftwareID, c.SoftwareVersion = "4NRB1-0XZABZI9E6-5SM3R", "2.1" }, ""},
		{"software of bad UTF-8", func(c *Client) { c.SoftwareID = "a\xff" }, "software_id"},
		{"a long version", func(c *Client) { c.SoftwareVersion = strings.Repeat("1", 257) }, "software_version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Client{ID: "app", Secrets: make([]Secret, 1), Grants: []string{GrantAuthorizationCode}, RedirectURIs: []string{"https://app.example/cb"}}
			tt.edit(&c)
			wantField(t, "Validate", Validate(c, []string{GrantAuthorizationCode}), tt.field)
		})
	}
}

func TestValidateAlgorithms(t *testing.T) {
	have := []string{"ES256", "RS256"}
	wantField(t, "none named", ValidateAlgorithms(Client{}, have), "")
	wantField(t, "those there are", ValidateAlgorithms(Client{TokenAlg: "ES256", Metadata: Metadata{IDTokenAlg: "RS256", UserinfoAlg: "RS256"}}, have), "")
	wantField(t, "tokens", ValidateAlgorithms(Client{TokenAlg: "ES384"}, have), "token_alg")
	wantField(t, "ID tokens", ValidateAlgorithms(Client{Metadata: Metadata{IDTokenAlg: "none"}}, have), "id_token_signed_response_alg")
	wantField(t, "userinfo", ValidateAlgorithms(Client{Metadata: Metadata{UserinfoAlg: "HS256"}}, have), "userinfo_signed_response_alg")
}

func TestAllowsPostLogoutRedirect(t *testing.T) {
	c := Client{
		RedirectURIs: []string{"https://app.example/cb"},
		Metadata:     Metadata{PostLogoutRedirectURIs: []string{"https://app.example/bye", "http://127.0.0.1/bye"}},
	}
	for asked, want := range map[string]bool{
		"https://app.example/bye":      true,
		"http://127.0.0.1/bye":         true,
		"http://127.0.0.1:5000/bye":    false, // unlike an authorization's
		"https://app.example/cb":       false, // registered for another purpose
		"https://app.example/bye/":     false,
		"https://app.example/bye?a=b":  false,
		"https://app.example/%62ye":    false,
		"https://APP.example/bye":      false,
		"https://app.example.evil/bye": false,
		"https://app.example/":         false,
		"":                             false,
	} {
		if got := c.AllowsPostLogoutRedirect(asked); got != want {
			t.Errorf("%q: %v", asked, got)
		}
	}
	if (Client{}).AllowsPostLogoutRedirect("") {
		t.Error("nothing is registered, and nothing is allowed")
	}
}

func FuzzJWKS(f *testing.F) {
	for _, s := range []string{string(jwks(ecKey)), string(jwks(private1)), `{}`, `{"keys":[[]]}`, `{"keys":{}}`, `[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, set string) {
		usable, err := parseKeys(set)
		n := len(usable)
		var parsed struct {
			Keys []map[string]any `json:"keys"`
		}
		if err != nil {
			return
		}
		if bad := json.Unmarshal([]byte(set), &parsed); bad != nil || n > len(parsed.Keys) || len(parsed.Keys) > maxKeys {
			t.Fatalf("%q: %d usable, encoding/json says %v, %d keys", set, n, bad, len(parsed.Keys))
		}
		for _, key := range parsed.Keys {
			for _, name := range private {
				if _, has := key[name]; has {
					t.Fatalf("%q: has %s", set, name)
				}
			}
		}
	})
}

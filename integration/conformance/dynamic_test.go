package conformance

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// dynamic is OIDCCDynamicTestPlan, in its order.
var dynamic = plan{
	{"oidcc-idtoken-rs256", issuing, idTokenRS256},
	{"oidcc-idtoken-unsigned", skips, idTokenUnsigned},
	{"oidcc-userinfo-rs256", issuing, userInfoRS256},
	{"oidcc-ensure-redirect-uri-in-authorization-request", reviews, redirectRefused("", "redirect_uri", "")},
	{"oidcc-redirect-uri-query-OK", issuing, redirectQueryOK},
	{"oidcc-redirect-uri-query-mismatch", reviews, redirectRefused("?foo=bar", "redirect_uri", "REGISTERED?bar=foo")},
	{"oidcc-redirect-uri-query-added", reviews, redirectRefused("", "redirect_uri", "REGISTERED?foo=bar")},
	{"oidcc-redirect-uri-regfrag", passes, redirectFragment},
	{"oidcc-discovery-endpoint-verification", unmet, dynamicDiscovery},
	{"oidcc-server", issuing, dynamicServer},
	{"oidcc-registration-logo-uri", issuing, shown("logo_uri", "https://client.example/logo.png", "src")},
	{"oidcc-registration-policy-uri", issuing, shown("policy_uri", "https://client.example/policy", "href")},
	{"oidcc-registration-tos-uri", issuing, shown("tos_uri", "https://client.example/tos", "href")},
	{"oidcc-registration-jwks-uri", issuing, registrationJWKSURI},
	{"oidcc-registration-sector-uri", skips, sectorURI},
	{"oidcc-registration-sector-bad", skips, sectorBad},
	{"oidcc-server-rotate-keys", passes, serverRotateKeys},
	{"oidcc-refresh-token-rp-key-rotation", issuing, keyRotation},
	{"oidcc-request-uri-unsigned", unmet, requestURIRejected},
	{"oidcc-request-uri-signed-rs256", unmet, requestURISigned},
	{"oidcc-ensure-request-object-with-redirect-uri", reviews, requestObjectWithRedirectURI},
	{"oidcc-refresh-token", issuing, refreshToken},
	{"oidcc-ensure-client-assertion-with-iss-aud-succeeds", passes, server},
}

// dynamicServer is oidcc-server. But the suite signs assertions for the token endpoint's
// URL, except in its last module; Signet takes those for the issuer alone
// (draft-ietf-oauth-rfc7523bis), as the clients here sign them. Run by the suite, every
// module with a token request ends there.
func dynamicServer(t *testing.T, p *provider, v variant) {
	server(t, p, v)
	c, b := p.register(t, v), p.browser(t)
	asked := c.request()
	code := c.code(b.through(c.ask(b, asked)), asked)
	c.tokenFor(p.says(t, "token_endpoint"), c.redeem(code)).refused(t, http.StatusUnauthorized, "invalid_client")
	c.finish(code, asked)
}

func idTokenRS256(t *testing.T, p *provider, v variant) {
	if got := p.register(t, v, members{"id_token_signed_response_alg": "RS256"}).login(p.browser(t)); got.header.Algorithm != "RS256" {
		t.Errorf("signed by %s", got.header.Algorithm)
	}
}

func userInfoRS256(t *testing.T, p *provider, v variant) {
	c, b := p.register(t, v, members{"userinfo_signed_response_alg": "RS256"}), p.browser(t)
	asked := c.request()
	got := c.tokens(c.exchange(c.code(b.through(c.ask(b, asked)), asked)), asked)
	a := c.call(t, http.MethodGet, p.says(t, "userinfo_endpoint"), nil, "Authorization", "Bearer "+got.access)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/jwt" {
		t.Fatalf("%d, content type %q", a.status, a.header.Get("Content-Type"))
	}
	m, header := c.verify(string(a.raw))
	if header.Algorithm != "RS256" || m["iss"] != p.says(t, "issuer") || m["aud"] != c.id || m["sub"] != got.claims["sub"] {
		t.Errorf("%s %v", header.Algorithm, m)
	}
	checkClaims(t, m)
}

// redirectQueryOK: a query of the redirect URI comes back with the answer.
func redirectQueryOK(t *testing.T, p *provider, v variant) {
	c, request := p.describe(t, v)
	request["redirect_uris"] = []string{c.redirect + "?foo=bar"}
	c.enroll(request)
	c.login(p.browser(t))
}

func redirectFragment(t *testing.T, p *provider, v variant) {
	c, request := p.describe(t, v)
	request["redirect_uris"] = []string{c.redirect + "#foobar"}
	c.send(request).refused(t, http.StatusBadRequest, "invalid_redirect_uri")
}

// dynamicDiscovery holds but for the implicit grant, which OpenID Connect Core §15.2 wants of
// dynamic providers and RFC 9700 §2.1.2 advises against: there is the code alone.
func dynamicDiscovery(t *testing.T, p *provider, v variant) {
	discovery(t, p, v)
	if said := p.list("response_types_supported"); !slices.Equal(said, []string{"code"}) {
		t.Errorf("response types %q: is this module met?", said)
	}
	c, request := p.describe(t, v)
	request["response_types"], request["grant_types"] = []string{"id_token"}, []string{"implicit"}
	c.send(request).refused(t, http.StatusBadRequest, "invalid_client_metadata")
}

// shown: what a client says of itself is on the page where the person decides.
func shown(member, address, attribute string) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		c, b := p.register(t, v, members{member: address}), p.browser(t)
		asked := c.request()
		page := c.ask(b, asked)
		if page.on("login") {
			page = b.submit(page, "email", email, "password", password)
		}
		if !page.on("consent") || !page.shows(attribute+`="`+address+`"`) || !page.shows("The conformance suite") {
			t.Errorf("%s isn't on the page: %s", member, page.raw)
		}
		c.finish(c.code(b.through(page), asked), asked)
	}
}

// remote registers a client whose keys are at its jwks_uri.
func (p *provider) remote(t *testing.T, v variant, more members) (c *client, path string) {
	t.Helper()
	c, request := p.describe(t, v)
	u, err := url.Parse(c.redirect)
	if err != nil {
		t.Fatal(err)
	}
	path = strings.Replace(u.Path, "callback", "jwks", 1)
	delete(request, "jwks")
	request["jwks_uri"] = p.site.put(t, path, public(c.key))
	maps.Copy(request, more)
	c.enroll(request)
	return c, path
}

func registrationJWKSURI(t *testing.T, p *provider, v variant) {
	c, _ := p.remote(t, v, nil)
	c.login(p.browser(t))
}

// sector describes a client with a sector_identifier_uri that lists addresses. The suite
// skips both modules where discovery doesn't list pairwise; the document is read all the
// same (OpenID Connect Dynamic Client Registration §5).
func sector(t *testing.T, p *provider, v variant, list func(own string) []string) answer {
	t.Helper()
	if said := p.list("subject_types_supported"); !slices.Equal(said, []string{"public"}) {
		t.Errorf("subject types %q", said)
	}
	c, request := p.describe(t, v)
	u, err := url.Parse(c.redirect)
	if err != nil {
		t.Fatal(err)
	}
	request["sector_identifier_uri"] = p.site.put(t, u.Path+"/redirect_uris.json", list(c.redirect))
	return c.send(request)
}

func sectorURI(t *testing.T, p *provider, v variant) {
	sector(t, p, v, func(own string) []string { return []string{own, own + "/another"} }).ok(t, http.StatusCreated)
}

func sectorBad(t *testing.T, p *provider, v variant) {
	sector(t, p, v, func(own string) []string { return []string{own + "/another"} }).refused(t, http.StatusBadRequest, "invalid_client_metadata")
}

// serverRotateKeys: after a rotation there is a new key in the JWKS, and the old one still.
func serverRotateKeys(t *testing.T, p *provider, _ variant) {
	checkKeys(t, p)
	before := p.keys(t)
	p.MustRun("", "keys", "rotate", "--force", "--reason", "the conformance suite")
	deadline := time.Now().Add(20 * time.Second)
	after := p.keys(t)
	for len(after.Keys) <= len(before.Keys) && time.Now().Before(deadline) { // the server sees it within a second
		wait(t, 50*time.Millisecond)
		after = p.keys(t)
	}
	checkKeys(t, p)
	if len(after.Keys) <= len(before.Keys) {
		t.Errorf("%d keys, then %d", len(before.Keys), len(after.Keys))
	}
	for _, old := range before.Keys {
		if len(after.Key(old.KeyID)) != 1 {
			t.Errorf("the key %s is gone", old.KeyID)
		}
	}
}

// keysPause is how often the provider asks a jwks_uri at most; the suite waits a minute.
const keysPause = 10500 * time.Millisecond

// keyRotation: a client rotates the key at its jwks_uri, and refreshes by the new one.
func keyRotation(t *testing.T, p *provider, v variant) {
	c, path := p.remote(t, v, refreshes)
	first := c.login(p.browser(t), offline...)
	c.key = newKey(t)
	p.site.put(t, path, public(c.key))
	wait(t, max(keysPause, patient(time.Minute)))
	c.refreshed(first)
}

// requestURISigned: nor is a signed request object read.
func requestURISigned(t *testing.T, p *provider, v variant) {
	c, request := p.describe(t, v)
	request["request_object_signing_alg"] = "RS256"
	c.told = c.send(request).ok(t, http.StatusCreated)
	if alg, there := c.told["request_object_signing_alg"]; there { // it would be relied on
		t.Errorf("registered with request_object_signing_alg %v", alg)
	}
	requestURIRejected(t, p, v)
}

package conformance

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// basic is OIDCCBasicTestPlan, in its order.
var basic = plan{
	{"oidcc-server", passes, server},
	{"oidcc-response-type-missing", passes, responseTypeMissing},
	{"oidcc-idtoken-signature", passes, idTokenSignature},
	{"oidcc-idtoken-unsigned", skips, idTokenUnsigned},
	{"oidcc-userinfo-get", passes, userInfo(func(c *client, access string) answer {
		return c.call(c.t, http.MethodGet, c.says(c.t, "userinfo_endpoint"), nil, "Authorization", "Bearer "+access)
	})},
	{"oidcc-userinfo-post-header", passes, userInfo(func(c *client, access string) answer {
		return c.call(c.t, http.MethodPost, c.says(c.t, "userinfo_endpoint"), nil, "Authorization", "Bearer "+access)
	})},
	{"oidcc-userinfo-post-body", passes, userInfo(func(c *client, access string) answer {
		return c.post(c.t, c.says(c.t, "userinfo_endpoint"), url.Values{"access_token": {access}})
	})},
	{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", passes, succeeds("nonce", "")},
	{"oidcc-scope-profile", passes, scopes("profile")},
	{"oidcc-scope-email", warns, scopes("email")},
	{"oidcc-scope-address", passes, scopes("address")},
	{"oidcc-scope-phone", passes, scopes("phone")},
	{"oidcc-scope-all", passes, scopes("profile", "email", "address", "phone")},
	{"oidcc-ensure-other-scope-order-succeeds", passes, succeeds("scope", "email openid")},
	{"oidcc-alternate-happy-flow", warns, alternateHappyFlow},
	{"oidcc-display-page", passes, succeeds("display", "page")},
	{"oidcc-display-popup", passes, succeeds("display", "popup")},
	{"oidcc-prompt-login", reviews, again(1100*time.Millisecond, "prompt", "login")},
	{"oidcc-prompt-none-not-logged-in", passes, promptNoneNotLoggedIn},
	{"oidcc-prompt-none-logged-in", passes, promptNoneLoggedIn},
	{"oidcc-max-age-1", reviews, again(2*time.Second, "max_age", "1")},
	{"oidcc-max-age-10000", passes, maxAge10000},
	{"oidcc-ensure-request-with-unknown-parameter-succeeds", passes, succeeds("extra", "foobar")},
	{"oidcc-id-token-hint", passes, idTokenHint},
	{"oidcc-login-hint", passes, loginHint},
	{"oidcc-ui-locales", passes, uiLocales},
	{"oidcc-claims-locales", passes, succeeds("claims_locales", "se")},
	{"oidcc-ensure-request-with-acr-values-succeeds", passes, acrValues},
	{"oidcc-codereuse", passes, codeReuse(0)},
	{"oidcc-codereuse-30seconds", passes, codeReuse(30 * time.Second)},
	{"oidcc-ensure-registered-redirect-uri", reviews, redirectRefused("", "redirect_uri", "https://client.example/not-registered")},
	{"oidcc-ensure-post-request-succeeds", passes, postRequest},
	{"oidcc-server-client-secret-post", passes, clientSecretPost},
	{"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", skips, requestURIRejected},
	{"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", skips, requestRejected},
	{"oidcc-claims-essential", passes, claimsEssential},
	{"oidcc-ensure-request-object-with-redirect-uri", reviews, requestObjectWithRedirectURI},
	{"oidcc-refresh-token", passes, refreshToken},
	{"oidcc-ensure-request-with-valid-pkce-succeeds", passes, validPKCE},
}

func server(t *testing.T, p *provider, v variant) {
	if methods := p.list("token_endpoint_auth_methods_supported"); !slices.Contains(methods, v.auth) {
		t.Errorf("discovery says %q", methods)
	}
	c := p.register(t, v)
	got := c.login(p.browser(t))
	if got.claims["at_hash"] == nil || got.claims["name"] != nil {
		t.Errorf("ID token %v", got.claims)
	}
}

// succeeds is a login with one parameter more, or another.
func succeeds(name, value string) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) { p.register(t, v).login(p.browser(t), name, value) }
}

func responseTypeMissing(t *testing.T, p *provider, v variant) {
	c := p.register(t, v)
	asked := c.request("response_type", "")
	c.failed(c.ask(p.browser(t), asked), asked, "invalid_request", "unsupported_response_type")
}

// idTokenSignature: without a word about it, the ID token is signed by RS256 (OpenID Connect
// Dynamic Client Registration §2).
func idTokenSignature(t *testing.T, p *provider, v variant) {
	got := p.register(t, v).login(p.browser(t))
	if got.header.Algorithm != "RS256" || got.header.KeyID == "" {
		t.Errorf("header %+v", got.header)
	}
}

// idTokenUnsigned is skipped where discovery doesn't list none; nor can it be had.
func idTokenUnsigned(t *testing.T, p *provider, v variant) {
	if algs := p.list("id_token_signing_alg_values_supported"); slices.Contains(algs, "none") {
		t.Errorf("discovery says %q", algs)
	}
	c, request := p.describe(t, v)
	request["id_token_signed_response_alg"] = "none"
	c.send(request).refused(t, http.StatusBadRequest, "invalid_client_metadata")
}

func userInfo(ask func(c *client, access string) answer) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		c := p.register(t, v)
		got := c.login(p.browser(t))
		info := ask(c, got.access).ok(t, http.StatusOK)
		if info["sub"] != got.claims["sub"] {
			t.Errorf("userinfo %v of %v", info, got.claims)
		}
		checkClaims(t, info)
	}
}

// scopes asks for scopes, and finds their claims at userinfo, and no others.
func scopes(names ...string) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		supported := p.list("scopes_supported")
		for _, name := range names {
			if !slices.Contains(supported, name) {
				t.Errorf("discovery doesn't list %s: %q", name, supported)
			}
		}
		c := p.register(t, v)
		checkScopes(t, c.userinfo(c.login(p.browser(t), "scope", "openid "+strings.Join(names, " ")).access), names)
	}
}

func checkScopes(t *testing.T, info map[string]any, names []string) {
	t.Helper()
	checkClaims(t, info)
	for name, claims := range scopeClaims {
		for _, claim := range claims {
			if _, there := info[claim]; there != slices.Contains(names, name) {
				t.Errorf("%s: there %v, scopes %q", claim, there, names)
			}
		}
	}
}

// alternateHappyFlow has the scopes and the parameters in another order.
func alternateHappyFlow(t *testing.T, p *provider, v variant) {
	c := p.register(t, v)
	asked := c.request("scope", "email openid")
	var query []string
	for name, values := range asked {
		query = append(query, name+"="+url.QueryEscape(values[0]))
	}
	slices.SortFunc(query, func(a, b string) int { return strings.Compare(b, a) })
	b := p.browser(t)
	page := b.through(b.open(p.says(t, "authorization_endpoint") + "?" + strings.Join(query, "&")))
	got := c.finish(c.code(page, asked), asked)
	checkScopes(t, c.userinfo(got.access), []string{"email"})
	if got.claims["name"] != nil {
		t.Errorf("ID token %v", got.claims)
	}
}

// again: the second time, the password is asked for again, and auth_time is later.
func again(pause time.Duration, name, value string) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		c, b := p.register(t, v), p.browser(t)
		first := c.login(b)
		wait(t, pause)
		asked := c.request(name, value)
		page := c.ask(b, asked)
		if !page.on("login") || !page.shows(`id="password"`) {
			t.Fatalf("the password isn't asked for, but %s", page.url)
		}
		second := c.finish(c.code(b.through(page), asked), asked)
		if b.logins != 2 || first.claims["sub"] != second.claims["sub"] {
			t.Errorf("%d logins; %v, then %v", b.logins, first.claims, second.claims)
		}
		earlier, _ := first.claims["auth_time"].(float64)
		later, _ := second.claims["auth_time"].(float64)
		if later <= earlier || later < float64(time.Now().Add(-time.Minute).Unix()) {
			t.Errorf("auth_time %v, then %v", first.claims["auth_time"], second.claims["auth_time"])
		}
	}
}

func promptNoneNotLoggedIn(t *testing.T, p *provider, v variant) {
	c := p.register(t, v)
	asked := c.request("prompt", "none")
	c.failed(c.ask(p.browser(t), asked), asked, needsPerson...)
}

// twice logs in, and again in the same browser, where nobody is asked anything: it is the
// same login.
func twice(t *testing.T, p *provider, v variant, first []string, second func(first tokens) []string) (tokens, tokens) {
	t.Helper()
	c, b := p.register(t, v), p.browser(t)
	one := c.login(b, first...)
	asked := c.request(second(one)...)
	two := c.finish(c.code(c.ask(b, asked), asked), asked)
	if one.claims["sub"] != two.claims["sub"] || one.claims["auth_time"] != two.claims["auth_time"] {
		t.Errorf("%v, then %v", one.claims, two.claims)
	}
	return one, two
}

func promptNoneLoggedIn(t *testing.T, p *provider, v variant) {
	twice(t, p, v, nil, func(tokens) []string { return []string{"prompt", "none"} })
}

func maxAge10000(t *testing.T, p *provider, v variant) {
	long := []string{"max_age", "10000"}
	one, two := twice(t, p, v, long, func(tokens) []string { return long })
	if one.claims["auth_time"] == nil || two.claims["auth_time"] == nil { // OpenID Connect Core §2
		t.Errorf("no auth_time: %v, then %v", one.claims, two.claims)
	}
}

func idTokenHint(t *testing.T, p *provider, v variant) {
	twice(t, p, v, nil, func(first tokens) []string { return []string{"prompt", "none", "id_token_hint", first.id} })
}

func loginHint(t *testing.T, p *provider, v variant) {
	c, b := p.register(t, v), p.browser(t)
	asked := c.request("login_hint", "buffy@signet.example")
	page := c.ask(b, asked)
	if !page.on("login") || !page.shows(`value="buffy@signet.example"`) {
		t.Errorf("the hint isn't in the page: %s", page.raw)
	}
	c.finish(c.code(b.through(page), asked), asked)
}

// uiLocales: a language that isn't there is no error, and one that is, is spoken.
func uiLocales(t *testing.T, p *provider, v variant) {
	c, b := p.register(t, v), p.browser(t)
	if page := c.ask(p.browser(t), c.request("ui_locales", "de en")); !page.shows(`lang="de"`) {
		t.Error("not in German")
	}
	asked := c.request("ui_locales", "se")
	c.finish(c.code(b.through(c.ask(b, asked)), asked), asked)
}

func acrValues(t *testing.T, p *provider, v variant) {
	supported := p.list("acr_values_supported")
	got := p.register(t, v).login(p.browser(t), "acr_values", strings.Join(supported, " "))
	if acr, _ := got.claims["acr"].(string); !slices.Contains(supported, acr) {
		t.Errorf("acr %q, want one of %q", acr, supported)
	}
}

// codeReuse: a code is good once, and the second use ends what the first gave (RFC 6749
// §4.1.2). The suite waits for up to 30 seconds between the two.
func codeReuse(pause time.Duration) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		c, b := p.register(t, v), p.browser(t)
		asked := c.request()
		code := c.code(b.through(c.ask(b, asked)), asked)
		got := c.finish(code, asked)
		wait(t, patient(pause))
		c.exchange(code).refused(t, http.StatusBadRequest, "invalid_grant")
		if a := c.call(t, http.MethodGet, p.says(t, "userinfo_endpoint"), nil, "Authorization", "Bearer "+got.access); a.status != http.StatusUnauthorized {
			t.Errorf("the access token is still good: %d", a.status)
		}
	}
}

// redirectRefused: where the redirect URI isn't the registered one, letter by letter, the
// person is told, and sent nowhere. added is a query of the registered one.
func redirectRefused(added string, pair ...string) func(*testing.T, *provider, variant) {
	return func(t *testing.T, p *provider, v variant) {
		c, request := p.describe(t, v)
		plain := c.redirect
		request["redirect_uris"] = []string{plain + added}
		c.enroll(request)
		pair := slices.Clone(pair)
		pair[1] = strings.ReplaceAll(pair[1], "REGISTERED", plain)
		c.ask(p.browser(t), c.request(pair...)).refused(t)
	}
}

func postRequest(t *testing.T, p *provider, v variant) {
	c, b := p.register(t, v), p.browser(t)
	asked := c.request()
	page := b.through(b.send(http.MethodPost, p.says(t, "authorization_endpoint"), asked))
	c.finish(c.code(page, asked), asked)
}

func clientSecretPost(t *testing.T, p *provider, v variant) {
	v.auth = "client_secret_post"
	server(t, p, v)
}

// requestURIRejected: a request object by reference isn't read, but refused by the
// registered error. The state is only in the object.
func requestURIRejected(t *testing.T, p *provider, v variant) {
	rejected(t, p, v, "request_uri", p.site.URL+"/request#1", "request_uri_not_supported")
}

// requestRejected is the same for one by value.
func requestRejected(t *testing.T, p *provider, v variant) {
	rejected(t, p, v, "request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported")
}

func rejected(t *testing.T, p *provider, v variant, name, value, code string) {
	t.Helper()
	if said, there := p.meta[name+"_parameter_supported"]; !there || said != false {
		t.Errorf("discovery says %v", said)
	}
	c := p.register(t, v)
	asked := c.request(name, value, "state", "", "nonce", "")
	c.failed(c.ask(p.browser(t), asked), asked, code)
}

// requestObjectWithRedirectURI has another redirect URI outside of the request object: the
// person is told, as the object isn't read.
func requestObjectWithRedirectURI(t *testing.T, p *provider, v variant) {
	redirectRefused("", "redirect_uri", "REGISTERED/another", "request", "eyJhbGciOiJub25lIn0.e30.")(t, p, v)
}

func claimsEssential(t *testing.T, p *provider, v variant) {
	c := p.register(t, v)
	got := c.login(p.browser(t), "claims", `{"userinfo":{"name":{"essential":true}}}`)
	info := c.userinfo(got.access)
	checkClaims(t, info)
	if info["name"] != "Ada Lovelace" || got.claims["name"] != nil {
		t.Errorf("userinfo %v, ID token %v", info, got.claims)
	}
}

// refreshes is a client that may use refresh tokens.
var refreshes = members{"grant_types": []string{"authorization_code", "refresh_token"}}

// offline asks for a refresh token (OpenID Connect Core §11).
var offline = []string{"scope", "openid offline_access", "prompt", "consent"}

// refreshToken: it works for the client that it was given to, and for no other.
func refreshToken(t *testing.T, p *provider, v variant) {
	if supported := p.list("grant_types_supported"); !slices.Contains(supported, "refresh_token") {
		t.Errorf("discovery says %q", supported)
	}
	one, two := p.register(t, v, refreshes), p.register(t, v, refreshes)
	one.refreshed(one.login(p.browser(t), offline...))
	last := two.refreshed(two.login(p.browser(t), offline...))
	one.refresh(last.refresh).refused(t, http.StatusBadRequest, "invalid_grant")
	two.tokens(two.refresh(last.refresh), url.Values{}) // whose it is isn't harmed by that
}

// refreshed checks that a refresh brings tokens of the same login (OpenID Connect Core
// §12.2).
func (c *client) refreshed(first tokens) tokens {
	c.t.Helper()
	if len(first.refresh) < 22 {
		c.t.Fatalf("refresh token %q", first.refresh)
	}
	second := c.tokens(c.refresh(first.refresh), url.Values{}) // which has no nonce
	for _, name := range []string{"iss", "sub", "aud", "azp", "auth_time"} {
		if first.claims[name] != second.claims[name] {
			c.t.Errorf("%s: %v, then %v", name, first.claims[name], second.claims[name])
		}
	}
	if first.access == second.access {
		c.t.Error("the same access token again")
	}
	c.userinfo(second.access)
	return second
}

func validPKCE(t *testing.T, p *provider, v variant) {
	if methods := p.list("code_challenge_methods_supported"); !slices.Contains(methods, "S256") {
		t.Errorf("discovery says %q", methods)
	}
	verifier := fmt.Sprintf("%043d", serial.Add(1))
	sum := sha256.Sum256([]byte(verifier))
	c, b := p.register(t, v), p.browser(t)
	asked := c.request("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256")
	code := c.code(b.through(c.ask(b, asked)), asked)
	c.tokens(c.exchange(code, "code_verifier", verifier), asked)
}

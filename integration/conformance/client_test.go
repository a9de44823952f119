package conformance

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// variant is how the modules of a plan are run.
type variant struct {
	mode string // response_mode; empty: not sent, which means query
	auth string // token_endpoint_auth_method
}

// client is a relying party that registered itself, as the suite does for each module.
type client struct {
	t *testing.T
	*provider
	variant
	id, secret, redirect string
	key                  jose.JSONWebKey
	told                 map[string]any // what registration answered
}

var (
	serial atomic.Int64
	rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
)

// newKey is a key pair for RS256. All clients share one; its kid is another each time.
func newKey(t *testing.T) jose.JSONWebKey {
	t.Helper()
	private, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: private, KeyID: fmt.Sprint("key-", serial.Add(1)), Algorithm: "RS256", Use: "sig"}
}

func public(keys ...jose.JSONWebKey) jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, k.Public())
	}
	return set
}

// describe is a client that isn't registered yet, and the request that registers it.
func (p *provider) describe(t *testing.T, v variant) (*client, map[string]any) {
	t.Helper()
	c := &client{t: t, provider: p, variant: v, key: newKey(t)}
	c.redirect = fmt.Sprintf("%s/test/%d/callback", p.site.URL, serial.Add(1))
	return c, map[string]any{
		"client_name": "The conformance suite " + t.Name(), "grant_types": []string{"authorization_code"}, "jwks": public(c.key),
		"token_endpoint_auth_method": v.auth, "response_types": []string{"code"}, "redirect_uris": []string{c.redirect},
		"contacts": []string{"certification@example.com"},
	}
}

// members are those of a registration beside the usual ones.
type members = map[string]any

// register registers a client. It is unregistered with its test.
func (p *provider) register(t *testing.T, v variant, more ...members) *client {
	t.Helper()
	c, request := p.describe(t, v)
	for _, m := range more {
		maps.Copy(request, m)
	}
	c.enroll(request)
	return c
}

// enroll is what the suite checks of every registration.
func (c *client) enroll(request map[string]any) {
	c.t.Helper()
	c.told = c.send(request).ok(c.t, http.StatusCreated)
	c.id, _ = c.told["client_id"].(string)
	c.secret, _ = c.told["client_secret"].(string)
	if uris, ok := c.told["redirect_uris"].([]any); ok && len(uris) == 1 {
		c.redirect, _ = uris[0].(string)
	}
	manage, _ := c.told["registration_client_uri"].(string)
	token, _ := c.told["registration_access_token"].(string)
	_, expires := c.told["client_secret_expires_at"]
	if c.id == "" || !strings.HasPrefix(manage, "https://") || token == "" || (c.secret != "") != expires || (c.secret == "") != (c.auth == "private_key_jwt") {
		c.t.Fatalf("registered as %v", c.told)
	}
	for name, want := range request {
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(c.told[name])
		if name != "jwks" && string(a) != string(b) {
			c.t.Errorf("%s is registered as %s, want %s", name, b, a)
		}
	}
	c.t.Cleanup(func() { c.unregister(manage, token) })
}

func (c *client) send(request map[string]any) answer {
	c.t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.call(c.t, http.MethodPost, c.says(c.t, "registration_endpoint"), body, "Content-Type", "application/json")
}

// unregister is RFC 7592 §2.3. The test's context is over by then.
func (c *client) unregister(manage, token string) {
	r, err := http.NewRequest(http.MethodDelete, manage, http.NoBody) //nolint:noctx // see above; the client has a timeout
	if err != nil {
		c.t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Error(err)
		return
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		c.t.Errorf("unregistering: status %d", res.StatusCode)
	}
}

// request is an authorization request as the suite makes it; pairs are parameters beside
// the usual ones, an empty value leaves one out.
func (c *client) request(pairs ...string) url.Values {
	v := url.Values{
		"client_id": {c.id}, "redirect_uri": {c.redirect}, "scope": {"openid"}, "response_type": {"code"},
		"state": {fmt.Sprint("st te&", serial.Add(1))}, "nonce": {fmt.Sprint("nonce-", serial.Add(1))},
	}
	if c.mode != "" {
		v.Set("response_mode", c.mode)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	return v
}

// ask opens an authorization request in a browser.
func (c *client) ask(b *browser, v url.Values) page {
	c.t.Helper()
	return b.open(c.says(c.t, "authorization_endpoint") + "?" + v.Encode())
}

// read takes the answer that a browser brings: at the redirect URI, by the mode that was
// asked for, with the state and the issuer (RFC 9207).
func (c *client) read(p page, asked url.Values) url.Values {
	c.t.Helper()
	if p.arrival == nil {
		c.t.Fatalf("not at the client, but on %s: %d %.800s", p.url, p.status, p.raw)
	}
	got, to := p.arrival.to.Query(), *p.arrival.to
	if c.mode == "form_post" {
		if p.arrival.method != http.MethodPost || got.Has("code") || got.Has("error") {
			c.t.Errorf("not by form_post: %+v", p.arrival)
		}
		got = p.arrival.form
	} else if p.arrival.method != http.MethodGet || to.Fragment != "" {
		c.t.Errorf("not in the query: %+v", p.arrival)
	}
	c.arrived(to, got)
	if got.Get("state") != asked.Get("state") || got.Get("iss") != c.says(c.t, "issuer") {
		c.t.Errorf("state %q, iss %q in the answer to %v", got.Get("state"), got.Get("iss"), asked)
	}
	return got
}

// arrived checks that the answer is at the redirect URI, whose own query stays.
func (c *client) arrived(to url.URL, got url.Values) {
	c.t.Helper()
	want, err := url.Parse(c.redirect)
	if err != nil {
		c.t.Fatal(err)
	}
	for name, values := range want.Query() {
		if to.Query().Get(name) != values[0] {
			c.t.Errorf("%s=%s of the redirect URI is lost: %s", name, values[0], &to)
		}
		got.Del(name)
	}
	if to.RawQuery, want.RawQuery = "", ""; to.String() != want.String() {
		c.t.Errorf("sent to %s, want %s", &to, want)
	}
}

// code is the code of an answer without an error.
func (c *client) code(p page, asked url.Values) string {
	c.t.Helper()
	got := c.read(p, asked)
	only(c.t, got, "code", "state", "iss")
	code := got.Get("code")
	if len(code) < 22 { // 128 bits (RFC 6749 §10.10)
		c.t.Fatalf("no code, or a short one: %v", got)
	}
	return code
}

// failed is the error of an answer, checked as the suite does with each.
func (c *client) failed(p page, asked url.Values, codes ...string) {
	c.t.Helper()
	got := c.read(p, asked)
	only(c.t, got, "error", "error_description", "error_uri", "state", "iss")
	described(c.t, got.Get("error_description"))
	for _, code := range codes {
		if got.Get("error") == code {
			return
		}
	}
	c.t.Errorf("%v, want an error of %q", got, codes)
}

// needsPerson are the errors that prompt=none brings where a page would be needed.
var needsPerson = []string{"login_required", "interaction_required", "consent_required", "account_selection_required"}

// token calls the token endpoint as the client.
func (c *client) token(form url.Values) answer {
	c.t.Helper()
	return c.tokenFor(c.says(c.t, "issuer"), form)
}

// tokenFor is token, with an audience of the client's assertion.
func (c *client) tokenFor(audience string, form url.Values) answer {
	c.t.Helper()
	form = maps.Clone(form)
	endpoint := c.says(c.t, "token_endpoint")
	switch c.auth {
	case "client_secret_basic":
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret)) // RFC 6749 §2.3.1
		return c.post(c.t, endpoint, form, "Authorization", r.Header.Get("Authorization"))
	case "client_secret_post":
		form.Set("client_id", c.id)
		form.Set("client_secret", c.secret)
	case "private_key_jwt":
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", c.sign(c.assertion(audience)))
	}
	return c.post(c.t, endpoint, form)
}

func (c *client) assertion(audience string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{"iss": c.id, "sub": c.id, "aud": audience, "jti": fmt.Sprint("assertion-", serial.Add(1)), "nbf": now, "iat": now, "exp": now + 60}
}

// sign makes a JWT with the client's key.
func (c *client) sign(claims map[string]any) string {
	c.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: c.key}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		c.t.Fatal(err)
	}
	object, err := signer.Sign(payload)
	if err != nil {
		c.t.Fatal(err)
	}
	raw, err := object.CompactSerialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return raw
}

// exchange is the token request for a code; pairs are parameters beside the usual ones.
func (c *client) exchange(code string, pairs ...string) answer {
	c.t.Helper()
	return c.token(c.redeem(code, pairs...))
}

func (c *client) redeem(code string, pairs ...string) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.redirect}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func (c *client) refresh(token string) answer {
	c.t.Helper()
	return c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// login is a whole login in a browser, with all that the suite checks of each.
func (c *client) login(b *browser, pairs ...string) tokens {
	c.t.Helper()
	v := c.request(pairs...)
	return c.finish(c.code(b.through(c.ask(b, v)), v), v)
}

// finish exchanges a code, and asks userinfo.
func (c *client) finish(code string, asked url.Values) tokens {
	c.t.Helper()
	got := c.tokens(c.exchange(code), asked)
	if info := c.userinfo(got.access); info["sub"] != got.claims["sub"] {
		c.t.Errorf("userinfo is %v's, the ID token %v's", info["sub"], got.claims["sub"])
	}
	return got
}

// userinfo asks by GET, with the token in the header.
func (c *client) userinfo(access string) map[string]any {
	c.t.Helper()
	return c.call(c.t, http.MethodGet, c.says(c.t, "userinfo_endpoint"), nil, "Authorization", "Bearer "+access).ok(c.t, http.StatusOK)
}

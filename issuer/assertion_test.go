package issuer_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
)

// jwtBearer is the one client_assertion_type.
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// signing is how an assertion is signed.
type signing struct {
	alg  jose.SignatureAlgorithm
	key  any // a private key, or the bytes of HS256
	kid  string
	head map[jose.HeaderKey]any
}

func (s *server) sign(with signing, claims map[string]any) string {
	s.t.Helper()
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{}}
	maps.Copy(options.ExtraHeaders, with.head)
	if with.kid != "" {
		options.ExtraHeaders["kid"] = with.kid
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: with.alg, Key: with.key}, options)
	s.must(err)
	payload, err := json.Marshal(claims)
	s.must(err)
	object, err := signer.Sign(payload)
	s.must(err)
	raw, err := object.CompactSerialize()
	s.must(err)
	return raw
}

var assertions atomic.Int64

// says are the claims of a good assertion of a client, each time another.
func (s *server) says(client string) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": client, "sub": client, "aud": s.url, "iat": now, "exp": now + 60,
		"jti": fmt.Sprint("assertion-", assertions.Add(1)),
	}
}

// assert asks for a token by an assertion; more are parameters beside it.
func (s *server) assert(raw string, more url.Values) answer {
	s.t.Helper()
	v := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {jwtBearer}, "client_assertion": {raw}}
	maps.Copy(v, more)
	return s.form("/oauth/token", [2]string{}, v)
}

// signed registers a client that signs its assertions.
func (s *server) signed(name string, m client.Metadata) {
	s.t.Helper()
	m.AuthMethod = client.MethodPrivateKeyJWT
	c := client.Client{ID: id.Client(name), Grants: []string{"client_credentials"}, Metadata: m, Version: 1, Created: time.Now().UTC().Truncate(time.Millisecond)}
	s.must(client.Validate(c, []string{"client_credentials"}))
	s.must(s.db.Backend().Clients.Create(s.t.Context(), c, audit.New(s.t.Context(), audit.ClientCreated, time.Now())))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keySet(t *testing.T, keys ...jose.JSONWebKey) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each algorithm that discovery names does, and it names all that do.
func TestAssertionAlgorithms(t *testing.T) {
	s := start(t, nil)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	s.must(err)
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	s.must(err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	s.must(err)
	doc := s.call("GET", s.url+"/.well-known/openid-configuration", "")
	for _, method := range []string{"token", "revocation", "introspection"} {
		if list, _ := doc.body[method+"_endpoint_auth_methods_supported"].([]any); !slices.Contains(list, any("private_key_jwt")) {
			t.Errorf("%s: methods are %v", method, list)
		}
	}
	listed, _ := doc.body["token_endpoint_auth_signing_alg_values_supported"].([]any)
	keys := map[jose.SignatureAlgorithm]crypto.Signer{"ES256": newKey(t), "ES384": p384, "RS256": big, "PS256": big, "EdDSA": ed}
	if len(listed) != len(keys) {
		t.Errorf("%v are listed", listed)
	}
	for alg, key := range keys {
		t.Run(string(alg), func(t *testing.T) {
			name := "by-" + string(alg)
			s.signed(name, client.Metadata{JWKS: keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()})})
			if !slices.Contains(listed, any(string(alg))) {
				t.Errorf("%v are listed", listed)
			}
			a := s.want(s.assert(s.sign(signing{alg: alg, key: key, kid: "a"}, s.says(name)), nil), 200, "")
			if a.str("access_token") == "" {
				t.Error("no token")
			}
		})
	}
}

func TestAssertionTakes(t *testing.T) {
	s := start(t, nil)
	key := newKey(t)
	s.signed("app", client.Metadata{JWKS: keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()})})
	by := signing{alg: jose.ES256, key: key}
	now := time.Now().Unix()
	for name, c := range map[string]struct {
		with   signing
		change func(map[string]any)
		more   url.Values
	}{
		"without kid":             {by, nil, nil},
		"its client_id beside it": {by, nil, url.Values{"client_id": {"app"}}},
		"an audience in a list":   {by, func(m map[string]any) { m["aud"] = []string{s.url} }, nil},
		"no iat":                  {by, func(m map[string]any) { delete(m, "iat") }, nil},
		"expired within leeway":   {by, func(m map[string]any) { m["exp"] = now - 5 }, nil},
		"from a clock ahead":      {by, func(m map[string]any) { m["iat"], m["nbf"] = now+5, now+5 }, nil},
		"good for an hour":        {by, func(m map[string]any) { m["exp"] = now + 3600 }, nil},
		"other claims":            {by, func(m map[string]any) { m["azp"], m["n"] = "x", 1.5 }, nil},
		"typ JWT":                 {signing{alg: jose.ES256, key: key, head: map[jose.HeaderKey]any{"typ": "JWT"}}, nil, nil},
		"its own typ":             {signing{alg: jose.ES256, key: key, head: map[jose.HeaderKey]any{"typ": "client-authentication+jwt"}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			claims := s.says("app")
			if c.change != nil {
				c.change(claims)
			}
			s.want(s.assert(s.sign(c.with, claims), c.more), 200, "")
		})
	}
	raw := s.sign(by, s.says("app"))
	v := url.Values{"token": {"x"}, "client_assertion_type": {jwtBearer}, "client_assertion": {raw}}
	s.want(s.form("/oauth/revoke", [2]string{}, v), 200, "")
	v.Set("client_assertion", s.sign(by, s.says("app")))
	s.want(s.form("/oauth/introspect", [2]string{}, v), 200, "")
	s.want(s.form("/oauth/introspect", [2]string{}, v), 401, "invalid_client") // it was used
}

func TestAssertionRefuses(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.LoginRate.Count, c.LoginRateAccount.Count = 10_000, 10_000 })
	key, stranger := newKey(t), newKey(t)
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	s.must(err)
	s.signed("app", client.Metadata{JWKS: keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()}, jose.JSONWebKey{KeyID: "r", Key: big.Public(), Algorithm: "RS256"})})
	s.signed("other", client.Metadata{JWKS: keySet(t, jose.JSONWebKey{KeyID: "a", Key: stranger.Public()})})
	s.signed("only384", client.Metadata{AuthAlg: "ES384", JWKS: keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()})})
	secret := s.client(client.Client{ID: "secret", Grants: []string{"client_credentials"}, Metadata: client.Metadata{JWKS: keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()})}})
	s.client(client.Client{ID: "public", Public: true, Grants: []string{}})
	der, err := x509.MarshalPKIXPublicKey(big.Public())
	s.must(err)
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk, err := json.Marshal(jose.JSONWebKey{Key: big.Public()})
	s.must(err)

	by := signing{alg: jose.ES256, key: key, kid: "a"}
	good := func(change func(map[string]any)) func() string {
		return func() string {
			claims := s.says("app")
			change(claims)
			return s.sign(by, claims)
		}
	}
	with := func(how signing) func() string { return func() string { return s.sign(how, s.says("app")) } }
	of := func(name string) func() string { return func() string { return s.sign(by, s.says(name)) } }
	as := func(typ string) func() string {
		return with(signing{alg: jose.ES256, key: key, head: map[jose.HeaderKey]any{"typ": typ}})
	}
	none := func(header, signature string) func() string {
		return func() string {
			claims, err := json.Marshal(s.says("app"))
			s.must(err)
			return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + signature
		}
	}
	now := time.Now().Unix()
	for name, c := range map[string]struct {
		raw  func() string
		more url.Values
	}{
		"the token endpoint as audience":  {good(func(m map[string]any) { m["aud"] = s.url + "/oauth/token" }), nil},
		"another server as audience":      {good(func(m map[string]any) { m["aud"] = "https://evil.example" }), nil},
		"another server beside us":        {good(func(m map[string]any) { m["aud"] = []string{s.url, "https://evil.example"} }), nil},
		"us twice":                        {good(func(m map[string]any) { m["aud"] = []string{s.url, s.url} }), nil},
		"us with a slash":                 {good(func(m map[string]any) { m["aud"] = s.url + "/" }), nil},
		"no audience":                     {good(func(m map[string]any) { delete(m, "aud") }), nil},
		"an empty audience":               {good(func(m map[string]any) { m["aud"] = []string{} }), nil},
		"an audience of another type":     {good(func(m map[string]any) { m["aud"] = map[string]string{"a": s.url} }), nil},
		"no exp":                          {good(func(m map[string]any) { delete(m, "exp") }), nil},
		"expired":                         {good(func(m map[string]any) { m["exp"] = now - 11 }), nil},
		"good for longer than an hour":    {good(func(m map[string]any) { m["exp"] = now + 3700 }), nil},
		"good for ever":                   {good(func(m map[string]any) { m["exp"] = 1 << 40 }), nil},
		"exp as text":                     {good(func(m map[string]any) { m["exp"] = "9999999999" }), nil},
		"not yet good":                    {good(func(m map[string]any) { m["nbf"] = now + 30 }), nil},
		"from the future":                 {good(func(m map[string]any) { m["iat"] = now + 30 }), nil},
		"no jti":                          {good(func(m map[string]any) { delete(m, "jti") }), nil},
		"an empty jti":                    {good(func(m map[string]any) { m["jti"] = "" }), nil},
		"a long jti":                      {good(func(m map[string]any) { m["jti"] = strings.Repeat("x", 513) }), nil},
		"another issuer":                  {good(func(m map[string]any) { m["iss"] = "other" }), nil},
		"another subject":                 {good(func(m map[string]any) { m["sub"] = "other" }), nil},
		"no subject":                      {good(func(m map[string]any) { delete(m, "sub") }), nil},
		"nobody":                          {good(func(m map[string]any) { m["iss"], m["sub"] = "", "" }), nil},
		"an unknown client":               {of("nobody"), nil},
		"a name that can't be":            {of("no\x00body"), nil},
		"a claim in other case":           {good(func(m map[string]any) { m["Nbf"] = now + 30 }), nil},
		"another client's key":            {of("other"), nil},
		"another client beside it":        {of("app"), url.Values{"client_id": {"other"}}},
		"a client with a secret":          {of("secret"), nil},
		"a public client":                 {of("public"), nil},
		"the built-in client":             {of("signet"), nil},
		"an algorithm it isn't for":       {of("only384"), nil},
		"an unknown kid":                  {with(signing{alg: jose.ES256, key: key, kid: "b"}), nil},
		"a key by the kid of another":     {with(signing{alg: jose.ES256, key: key, kid: "r"}), nil},
		"a stranger's key":                {with(signing{alg: jose.ES256, key: stranger, kid: "a"}), nil},
		"PS256 by a key for RS256":        {with(signing{alg: jose.PS256, key: big, kid: "r"}), nil},
		"RS512":                           {with(signing{alg: jose.RS512, key: big, kid: "r"}), nil},
		"HS256 with the public key (PEM)": {with(signing{alg: jose.HS256, key: asPEM, kid: "r"}), nil},
		"HS256 with the public key (DER)": {with(signing{alg: jose.HS256, key: der, kid: "r"}), nil},
		"HS256 with the public key (JWK)": {with(signing{alg: jose.HS256, key: jwk, kid: "r"}), nil},
		"HS256 with a secret":             {func() string { return s.sign(signing{alg: jose.HS256, key: []byte(secret[1])}, s.says("secret")) }, nil},
		"its own key in the header":       {with(signing{alg: jose.ES256, key: stranger, head: map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: stranger.Public()}}}), nil},
		"keys by reference":               {with(signing{alg: jose.ES256, key: stranger, head: map[jose.HeaderKey]any{"jku": "https://evil.example/jwks"}}), nil},
		"what must be understood":         {with(signing{alg: jose.ES256, key: key, head: map[jose.HeaderKey]any{"crit": []string{"x"}, "x": 1}}), nil},
		"a DPoP proof":                    {as("dpop+jwt"), nil},
		"an access token":                 {as("at+jwt"), nil},
		"a logout token":                  {as("logout+jwt"), nil},
		"alg none":                        {none(`{"alg":"none"}`, ""), nil},
		"alg none, signed":                {none(`{"alg":"none"}`, "AAAA"), nil},
		"alg None":                        {none(`{"alg":"None"}`, "AAAA"), nil},
		"no alg":                          {none(`{"typ":"JWT"}`, "AAAA"), nil},
		"a signature of zeros":            {none(`{"alg":"ES256","kid":"a"}`, strings.Repeat("A", 86)), nil},
		"no token":                        {func() string { return "x" }, nil},
		"a very long one":                 {func() string { return strings.Repeat("x", 9<<10) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s.want(s.assert(c.raw(), c.more), 401, "invalid_client")
		})
	}
	s.want(s.assert(of("app")(), nil), 200, "")
}

// One way in a request, and that which the client is registered for.
func TestAssertionExcludesOtherWays(t *testing.T) {
	s := start(t, nil)
	key := newKey(t)
	s.signed("app", client.Metadata{JWKS: keySet(t, jose.JSONWebKey{Key: key.Public()})})
	cc := client.Client{Grants: []string{"client_credentials"}}
	basic, post := cc, cc
	basic.ID, basic.AuthMethod = "basic", client.MethodBasic
	post.ID, post.AuthMethod = "post", client.MethodPost
	byBasic, byPost := s.client(basic), s.client(post)
	grant := url.Values{"grant_type": {"client_credentials"}}
	raw := func() string { return s.sign(signing{alg: jose.ES256, key: key}, s.says("app")) }

	s.want(s.assert(raw(), url.Values{"client_secret": {"x"}}), 400, "invalid_request")
	s.want(s.assert(raw(), url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}}), 400, "invalid_request")
	s.want(s.assert(raw(), url.Values{"client_assertion_type": nil}), 400, "invalid_request")
	s.want(s.assert("", nil), 400, "invalid_request")
	s.want(s.assert(raw(), url.Values{"client_assertion": {raw(), raw()}}), 400, "invalid_request")
	both := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {jwtBearer}, "client_assertion": {raw()}}
	s.want(s.form("/oauth/token", [2]string{"app", "x"}, both), 400, "invalid_request")
	s.want(s.form("/oauth/token", [2]string{"app"}, grant), 401, "invalid_client")
	s.want(s.form("/oauth/token", [2]string{"app", "x"}, grant), 401, "invalid_client")

	inForm := func(c [2]string) url.Values {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {c[0]}, "client_secret": {c[1]}}
	}
	s.want(s.form("/oauth/token", byBasic, grant), 200, "")
	s.want(s.form("/oauth/token", [2]string{}, inForm(byBasic)), 401, "invalid_client")
	s.want(s.form("/oauth/token", [2]string{}, inForm(byPost)), 200, "")
	s.want(s.form("/oauth/token", byPost, grant), 401, "invalid_client")
}

// An assertion is good once, also where the second time is at another replica, and at the same moment.
func TestAssertionReplay(t *testing.T) {
	s := start(t, nil)
	key := newKey(t)
	s.signed("app", client.Metadata{JWKS: keySet(t, jose.JSONWebKey{Key: key.Public()})})
	s.signed("twin", client.Metadata{JWKS: keySet(t, jose.JSONWebKey{Key: key.Public()})})
	second, err := issuer.New(t.Context(), issuer.Config{Settings: settings(s.url), Backend: s.db.Backend(), Keeper: s.keeper})
	s.must(err)
	other := httptest.NewServer(second.Public())
	t.Cleanup(other.Close)
	replica := *s
	replica.url = other.URL
	by := signing{alg: jose.ES256, key: key}

	for _, at := range []*server{s, &replica} {
		raw := s.sign(by, s.says("app"))
		s.want(at.assert(raw, nil), 200, "")
		s.want(s.assert(raw, nil), 401, "invalid_client")
		s.want(replica.assert(raw, nil), 401, "invalid_client")
	}

	// The same jti, of another token and of another client.
	claims := s.says("app")
	s.want(s.assert(s.sign(by, claims), nil), 200, "")
	claims["exp"] = time.Now().Unix() + 120
	s.want(s.assert(s.sign(by, claims), nil), 401, "invalid_client")
	claims["iss"], claims["sub"] = "twin", "twin"
	s.want(s.assert(s.sign(by, claims), nil), 200, "")

	raw := s.sign(by, s.says("app"))
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		at := []*server{s, &replica}[i%2]
		all.Go(func() {
			if at.assert(raw, nil).status == 200 {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d of 8 at once got a token, want 1", n)
	}
}

// jwksSite serves a client's keys by https on loopback.
type jwksSite struct {
	*httptest.Server
	set   document
	calls atomic.Int32
}

// document is what a site serves, to be changed while it does.
type document struct {
	text atomic.Pointer[json.RawMessage]
}

func (d *document) Store(text json.RawMessage) { d.text.Store(&text) }

func (d *document) Load() []byte { return *d.text.Load() }

func newSite(t *testing.T, set json.RawMessage) *jwksSite {
	s := &jwksSite{}
	s.set.Store(set)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.calls.Add(1)
		_, _ = w.Write(s.set.Load())
	}))
	t.Cleanup(s.Close)
	return s
}

// ca writes the site's certificate to a file.
func (s *jwksSite) ca(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAssertionByRemoteKeys(t *testing.T) {
	key, next := newKey(t), newKey(t)
	site := newSite(t, keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()}))
	shift := atomic.Int64{}
	s := &server{t: t, log: &bytes.Buffer{}, now: func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }}
	s.serve(func(c *issuer.Settings) { c.OutboundCA, c.OutboundAllow = site.ca(t), []string{"127.0.0.1"} })
	s.signed("app", client.Metadata{JWKSURI: site.URL + "/jwks"})
	by, byNext := signing{alg: jose.ES256, key: key, kid: "a"}, signing{alg: jose.ES256, key: next, kid: "b"}

	for range 3 {
		s.want(s.assert(s.sign(by, s.says("app")), nil), 200, "")
	}
	for range 3 { // unknown as yet
		s.want(s.assert(s.sign(byNext, s.says("app")), nil), 401, "invalid_client")
	}
	if n := site.calls.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	both := keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()}, jose.JSONWebKey{KeyID: "b", Key: next.Public()})
	site.set.Store(both)
	shift.Store(int64(11 * time.Second))
	s.want(s.assert(s.sign(byNext, s.says("app")), nil), 200, "")
	if n := site.calls.Load(); n != 2 {
		t.Errorf("%d fetches after the rotation, want 2", n)
	}
}

// What is refused is not called, and the client isn't told what is there.
func TestAssertionRemoteKeysAreGuarded(t *testing.T) {
	key := newKey(t)
	site := newSite(t, keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()}))
	s := start(t, func(c *issuer.Settings) { c.OutboundCA = site.ca(t) })
	s.signed("app", client.Metadata{JWKSURI: site.URL + "/jwks"})
	a := s.want(s.assert(s.sign(signing{alg: jose.ES256, key: key, kid: "a"}, s.says("app")), nil), 401, "invalid_client")
	if n := site.calls.Load(); n != 0 {
		t.Errorf("%d calls of a loopback address", n)
	}
	if strings.Contains(a.raw, "127.0.0.1") || a.str("error_description") != "client authentication failed" {
		t.Errorf("the client is told %s", a.raw)
	}
}

func TestOutboundCAIsRead(t *testing.T) {
	s := start(t, nil)
	cfg := settings(s.url)
	cfg.OutboundCA = filepath.Join(t.TempDir(), "nowhere.pem")
	_, err := issuer.New(t.Context(), issuer.Config{Settings: cfg, Backend: s.db.Backend(), Keeper: s.keeper})
	want := "SIGNET_OUTBOUND_CA: stat " + cfg.OutboundCA + ": no such file or directory; name a file of PEM certificates"
	if err == nil || err.Error() != want {
		t.Errorf("New: %v\nwant: %s", err, want)
	}
}

package issuer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/verifier"
)

// prover is a client's DPoP key, and the last nonce that it was told. Another library
// than ours signs its proofs.
type prover struct {
	s     *server
	key   *ecdsa.PrivateKey
	nonce string
}

func (s *server) prover() *prover {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	return &prover{s: s, key: key}
}

func (p *prover) thumbprint() string {
	p.s.t.Helper()
	sum, err := (&jose.JSONWebKey{Key: p.key.Public()}).Thumbprint(crypto.SHA256)
	p.s.must(err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// says are the claims of a good proof.
func (p *prover) says(method, path string) map[string]any {
	c := map[string]any{"jti": rand.Text(), "htm": method, "htu": p.s.url + path, "iat": p.s.clock().Unix()}
	if p.nonce != "" {
		c["nonce"] = p.nonce
	}
	return c
}

func (p *prover) sign(claims map[string]any) string {
	p.s.t.Helper()
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, options)
	p.s.must(err)
	text, err := json.Marshal(claims)
	p.s.must(err)
	object, err := signer.Sign(text)
	p.s.must(err)
	raw, err := object.CompactSerialize()
	p.s.must(err)
	return raw
}

func (p *prover) proof(method, path string) string { return p.sign(p.says(method, path)) }

// ath is the claims of a proof for an access token.
func (p *prover) ath(method, path, access string) map[string]any {
	c := p.says(method, path)
	sum := sha256.Sum256([]byte(access))
	c["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	return c
}

// postProofs posts a form with DPoP headers.
func (s *server) postProofs(target string, client [2]string, values url.Values, proofs ...string) answer {
	s.t.Helper()
	v := maps.Clone(values)
	if client[1] == "" {
		v.Set("client_id", client[0])
	}
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", target, strings.NewReader(v.Encode()))
	s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	if client[1] != "" {
		r.SetBasicAuth(url.QueryEscape(client[0]), url.QueryEscape(client[1]))
	}
	return s.do(r)
}

// post sends a form with a proof and remembers the nonce that it is told.
func (p *prover) post(path string, client [2]string, values url.Values) answer {
	p.s.t.Helper()
	a := p.s.postProofs(p.s.url+path, client, values, p.proof("POST", path))
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		p.nonce = nonce
	}
	return a
}

func (p *prover) token(client [2]string, pairs ...string) answer {
	p.s.t.Helper()
	return p.post("/oauth/token", client, formOf(pairs...))
}

// ready has the prover know a nonce.
func (p *prover) ready(client [2]string) *prover {
	p.s.t.Helper()
	p.s.want(p.token(client, "grant_type", "refresh_token", "refresh_token", "x"), 400, "")
	return p
}

func (p *prover) userinfo(access string) answer {
	p.s.t.Helper()
	proof := p.sign(p.ath("GET", "/oidc/userinfo", access))
	return p.s.call("GET", p.s.url+"/oidc/userinfo", "", "Authorization", "DPoP "+access, "DPoP", proof)
}

func formOf(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func exchangeOf(code string) url.Values {
	return formOf("grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", codeVerifier)
}

func public(c *client.Client) { c.Public = true }

// boundTo is the key that an access token names; empty: none.
func boundTo(t *testing.T, access string) string {
	t.Helper()
	cnf, _ := jwtOf(t, access)["cnf"].(map[string]any)
	jkt, _ := cnf["jkt"].(string)
	return jkt
}

// adaProves: a person, a public client, and its key.
func adaProves(t *testing.T) (*server, *browser, [2]string, *prover) {
	t.Helper()
	s, b, _ := ada(t, nil)
	return s, b, s.register("spa", public), s.prover()
}

// A public client is told the nonce, comes back with it, and gets bound tokens; all of
// its answers tell the next nonce.
func TestDPoPPublicClient(t *testing.T) {
	s, b, spa, key := adaProves(t)
	code := b.code("spa", adas)
	first := s.want(key.post("/oauth/token", spa, exchangeOf(code)), 400, "use_dpop_nonce")
	if key.nonce == "" || first.header.Get("Cache-Control") != "no-store" {
		t.Errorf("without a nonce: %v", first.header)
	}
	a := s.want(key.post("/oauth/token", spa, exchangeOf(code)), 200, "") // the code was not used up
	if a.str("token_type") != "DPoP" || boundTo(t, a.str("access_token")) != key.thumbprint() || a.header.Get("DPoP-Nonce") == "" {
		t.Errorf("tokens %s %v", a.raw, a.header)
	}
	if got := s.session(a.str("session_id")).BoundKey; got != key.thumbprint() {
		t.Errorf("the session is bound to %q", got)
	}
	next := s.want(key.token(spa, "grant_type", "refresh_token", "refresh_token", a.str("refresh_token")), 200, "")
	if next.str("token_type") != "DPoP" || boundTo(t, next.str("access_token")) != key.thumbprint() {
		t.Errorf("refreshed %s", next.raw)
	}
	v, err := verifier.New(t.Context(), verifier.Config{Issuer: s.url, Audience: s.url})
	s.must(err)
	defer v.Close()
	access := next.str("access_token")
	if _, err := v.VerifyWithProof(t.Context(), access, key.sign(key.ath("GET", "/thing", access)), "GET", s.url+"/thing"); err != nil {
		t.Errorf("our own verifier: %v", err)
	}
}

func (s *server) session(sid string) session.State {
	s.t.Helper()
	state, err := s.db.Backend().Generations.Look(s.t.Context(), id.Session(sid))
	s.must(err)
	return state
}

// A refresh token that was stolen without its key is worth nothing, and trying it
// changes nothing: its owner goes on.
func TestDPoPStolenRefreshToken(t *testing.T) {
	s, b, spa, key := adaProves(t)
	a := s.want(key.ready(spa).post("/oauth/token", spa, exchangeOf(b.code("spa", adas))), 200, "")
	before := s.session(a.str("session_id"))
	use := formOf("grant_type", "refresh_token", "refresh_token", a.str("refresh_token"))
	thief := s.prover().ready(spa)
	s.want(s.form("/oauth/token", spa, use), 400, "invalid_grant")
	s.want(thief.post("/oauth/token", spa, use), 400, "invalid_grant")
	s.want(s.refresh(a.str("refresh_token")), 401, "invalid_grant")
	// A proof of the owner's that was seen on its way, and one that is not for this request.
	seen, theirs := key.proof("POST", "/oauth/token"), s.login(adas).str("refresh_token") // of another client
	s.want(s.postProofs(s.url+"/oauth/token", spa, formOf("grant_type", "refresh_token", "refresh_token", theirs), seen), 400, "invalid_grant")
	s.want(s.postProofs(s.url+"/oauth/token", spa, use, seen), 400, "invalid_dpop_proof")
	s.want(s.postProofs(s.url+"/oauth/token", spa, use, key.proof("POST", "/oauth/par")), 400, "invalid_dpop_proof")
	after := s.session(a.str("session_id"))
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("a refused refresh has changed the session:\n%+v\n%+v", before, after)
	}
	s.want(key.post("/oauth/token", spa, use), 200, "")
}

// A token that was given without a proof stays without: RFC 9449 §5 asks that a refresh
// token which is given for a proof be bound, and a family isn't bound halfway.
func TestDPoPUnboundRefreshToken(t *testing.T) {
	s, b, spa, key := adaProves(t)
	a := s.want(s.exchange(spa, b.code("spa", adas)), 200, "")
	use := formOf("grant_type", "refresh_token", "refresh_token", a.str("refresh_token"))
	s.want(key.ready(spa).post("/oauth/token", spa, use), 400, "invalid_grant")
	if next := s.want(s.form("/oauth/token", spa, use), 200, ""); next.str("token_type") != "Bearer" {
		t.Errorf("refreshed %s", next.raw)
	}
}

// A confidential client's refresh token is bound to the client (RFC 9449 §5): it may
// change keys, and each access token is bound to the key that asked for it. It needs no
// nonce.
func TestDPoPConfidentialClient(t *testing.T) {
	s, b, web := ada(t, nil)
	one, two := s.prover(), s.prover()
	a := s.want(s.postProofs(s.url+"/oauth/token", web, exchangeOf(b.code("web", adas)), one.proof("POST", "/oauth/token")), 200, "")
	if s.session(a.str("session_id")).BoundKey != "" || boundTo(t, a.str("access_token")) != one.thumbprint() {
		t.Errorf("tokens %s", a.raw)
	}
	for _, c := range []struct {
		key  *prover
		want string
	}{{two, two.thumbprint()}, {nil, ""}, {one, one.thumbprint()}} {
		use := formOf("grant_type", "refresh_token", "refresh_token", a.str("refresh_token"))
		if c.key == nil {
			a = s.form("/oauth/token", web, use)
		} else {
			a = c.key.post("/oauth/token", web, use)
		}
		s.want(a, 200, "")
		if got := boundTo(t, a.str("access_token")); got != c.want || a.str("token_type") != map[bool]string{true: "DPoP", false: "Bearer"}[c.want != ""] {
			t.Errorf("bound to %q, want %q: %s", got, c.want, a.raw)
		}
	}
	two.nonce = "not-one-of-ours" // none is needed, and a wrong one is wrong
	s.want(two.token(web, "grant_type", "refresh_token", "refresh_token", a.str("refresh_token")), 400, "use_dpop_nonce")
	s.want(two.token(web, "grant_type", "refresh_token", "refresh_token", a.str("refresh_token")), 200, "")
}

// Every grant binds: no grant can forget it.
func TestDPoPOtherGrants(t *testing.T) {
	s, _, _ := ada(t, nil)
	key := s.prover()
	worker := s.client(client.Client{ID: "worker", Grants: []string{"client_credentials"}, Scopes: []string{"read"}})
	app := s.client(client.Client{ID: "app", Public: true, Grants: []string{"password", "refresh_token"}})
	a := s.want(key.token(worker, "grant_type", "client_credentials"), 200, "")
	if a.str("token_type") != "DPoP" || boundTo(t, a.str("access_token")) != key.thumbprint() {
		t.Errorf("client_credentials %s", a.raw)
	}
	a = s.want(key.token(app, "grant_type", "password", "username", adas, "password", password), 200, "")
	if a.str("token_type") != "DPoP" || s.session(a.str("session_id")).BoundKey != key.thumbprint() {
		t.Errorf("password %s", a.raw)
	}
	if a := s.login(adas); a.str("token_type") != "Bearer" || boundTo(t, a.str("access_token")) != "" {
		t.Errorf("the first-party call %s", a.raw)
	}
}

func TestDPoPRefused(t *testing.T) {
	var now aheadOf
	s := &server{t: t, now: now.time, log: &bytes.Buffer{}}
	s.serve(nil)
	other := start(t, nil)
	spa := s.client(client.Client{ID: "spa", Public: true, Grants: []string{"refresh_token"}})
	other.client(client.Client{ID: "spa", Public: true, Grants: []string{"refresh_token"}})
	now.forward(-11 * time.Minute)
	old := s.prover().ready(spa).nonce
	now.forward(11 * time.Minute)
	foreign := other.prover().ready(spa).nonce
	key := s.prover().ready(spa)
	good := func() map[string]any { return key.says("POST", "/oauth/token") }
	with := func(name string, value any) string {
		c := good()
		c[name] = value
		if value == nil {
			delete(c, name)
		}
		return key.sign(c)
	}
	damaged := []byte(key.nonce)
	damaged[len(damaged)/2] ^= 1
	parts := strings.Split(key.proof("POST", "/oauth/token"), ".")
	header := func(text string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + parts[1] + "." + parts[2]
	}
	for name, c := range map[string]struct {
		proofs []string
		code   string
	}{
		"good":                {[]string{key.sign(good())}, "invalid_grant"},
		"two headers":         {[]string{key.sign(good()), key.sign(good())}, "invalid_dpop_proof"},
		"two in one":          {[]string{key.sign(good()) + ", " + key.sign(good())}, "invalid_dpop_proof"},
		"empty":               {[]string{""}, "invalid_dpop_proof"},
		"nonsense":            {[]string{"x.y.z"}, "invalid_dpop_proof"},
		"another method":      {[]string{with("htm", "GET")}, "invalid_dpop_proof"},
		"another case":        {[]string{with("htm", "post")}, "invalid_dpop_proof"},
		"another path":        {[]string{with("htu", s.url+"/oauth/revoke")}, "invalid_dpop_proof"},
		"another host":        {[]string{with("htu", "https://evil.example/oauth/token")}, "invalid_dpop_proof"},
		"no htu":              {[]string{with("htu", nil)}, "invalid_dpop_proof"},
		"no jti":              {[]string{with("jti", nil)}, "invalid_dpop_proof"},
		"no iat":              {[]string{with("iat", nil)}, "invalid_dpop_proof"},
		"old":                 {[]string{with("iat", now.time().Add(-2*time.Minute).Unix())}, "invalid_dpop_proof"},
		"for tomorrow":        {[]string{with("iat", now.time().Add(24*time.Hour).Unix())}, "invalid_dpop_proof"},
		"no nonce":            {[]string{with("nonce", nil)}, "use_dpop_nonce"},
		"an empty nonce":      {[]string{with("nonce", "")}, "use_dpop_nonce"},
		"another server's":    {[]string{with("nonce", foreign)}, "use_dpop_nonce"},
		"too old a nonce":     {[]string{with("nonce", old)}, "use_dpop_nonce"},
		"a damaged nonce":     {[]string{with("nonce", string(damaged))}, "use_dpop_nonce"},
		"a nonce and a break": {[]string{with("nonce", key.nonce+"\n")}, "use_dpop_nonce"},
		"signed by none":      {[]string{header(`{"typ":"dpop+jwt","alg":"none"}`)}, "invalid_dpop_proof"},
		"no key":              {[]string{header(`{"typ":"dpop+jwt","alg":"ES256"}`)}, "invalid_dpop_proof"},
		"another type":        {[]string{header(`{"typ":"JWT","alg":"ES256"}`)}, "invalid_dpop_proof"},
		"a symmetric key":     {[]string{header(`{"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`)}, "invalid_dpop_proof"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.postProofs(s.url+"/oauth/token", spa, formOf("grant_type", "refresh_token", "refresh_token", "x"), c.proofs...)
			if a.status != 400 || a.str("error") != c.code || a.header.Get("DPoP-Nonce") == "" {
				t.Errorf("%d %s %v, want %s", a.status, a.raw, a.header, c.code)
			}
		})
	}
}

// A nonce is good for five minutes at least, and at another replica.
func TestDPoPNonceLives(t *testing.T) {
	var now aheadOf
	s := &server{t: t, now: now.time, log: &bytes.Buffer{}}
	s.serve(nil)
	spa := s.client(client.Client{ID: "spa", Public: true, Grants: []string{"refresh_token"}})
	second := s.again(settings(s.url))
	use := formOf("grant_type", "refresh_token", "refresh_token", "x")
	now.forward(-10 * time.Minute) // and not ahead: a ring that seems old signs nothing
	key := s.prover().ready(spa)
	now.forward(5 * time.Minute)
	s.want(s.postProofs(s.url+"/oauth/token", spa, use, key.proof("POST", "/oauth/token")), 400, "invalid_grant")
	now.forward(5 * time.Minute)
	s.want(s.postProofs(s.url+"/oauth/token", spa, use, key.proof("POST", "/oauth/token")), 400, "use_dpop_nonce")
	key.ready(spa)
	s.want(s.postProofs(second+"/oauth/token", spa, use, key.proof("POST", "/oauth/token")), 400, "invalid_grant")
}

// A proof that one replica has seen no other takes.
func TestDPoPReplayedAtAnotherReplica(t *testing.T) {
	s := start(t, nil)
	spa := s.client(client.Client{ID: "spa", Public: true, Grants: []string{"refresh_token"}})
	second := s.again(settings(s.url))
	proof := s.prover().ready(spa).proof
	use := formOf("grant_type", "refresh_token", "refresh_token", s.person(adas).str("refresh_token")) // of another client
	for _, order := range [][2]string{{s.url, second}, {second, s.url}, {second, second}} {
		p := proof("POST", "/oauth/token")
		s.want(s.postProofs(order[0]+"/oauth/token", spa, use, p), 400, "invalid_grant")
		s.want(s.postProofs(order[1]+"/oauth/token", spa, use, p), 400, "invalid_dpop_proof")
	}
}

// lost is a store of what waits that can't be reached.
type lost struct{ grant.Store }

func (lost) Once(context.Context, string, time.Time, time.Time) (bool, error) {
	return false, store.ErrUnavailable
}

// That it can't be told whether a proof was seen is the server's trouble, and looks so.
func TestDPoPMemoryLost(t *testing.T) {
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) { b.Waiting = lost{b.Waiting} }}
	s.serve(nil)
	worker := s.client(client.Client{ID: "worker", Grants: []string{"client_credentials"}, Scopes: []string{"read"}})
	s.want(s.prover().token(worker, "grant_type", "client_credentials"), 503, "temporarily_unavailable")
}

// What dpop_bound_access_tokens asks for (RFC 9449 §5.2).
func TestDPoPRequiredByClient(t *testing.T) {
	s := start(t, nil)
	worker := s.client(client.Client{
		ID: "worker", Grants: []string{"client_credentials"}, Scopes: []string{"read"}, Metadata: client.Metadata{BoundTokens: true},
	})
	s.want(s.form("/oauth/token", worker, formOf("grant_type", "client_credentials")), 400, "invalid_dpop_proof")
	s.want(s.prover().token(worker, "grant_type", "client_credentials"), 200, "")
}

// A code that was asked for with dpop_jkt is good with that key alone (RFC 9449 §10); the
// wrong one doesn't use it up.
func TestDPoPBoundCode(t *testing.T) {
	s, b, spa, key := adaProves(t)
	thief := s.prover().ready(spa)
	code := b.code("spa", adas, "dpop_jkt", key.thumbprint())
	s.want(s.exchange(spa, code), 400, "invalid_grant")
	s.want(thief.post("/oauth/token", spa, exchangeOf(code)), 400, "invalid_grant")
	s.want(key.ready(spa).post("/oauth/token", spa, exchangeOf(code)), 200, "")
	if got := b.get(s.authorizeURL("spa", "dpop_jkt", "short")).read(t, callback); got.Get("error") != "invalid_request" {
		t.Errorf("dpop_jkt that is no thumbprint: %v", got)
	}
}

// Userinfo takes a bound token with its proof, and with nothing else (RFC 9449 §7).
func TestDPoPUserInfo(t *testing.T) {
	s, b, spa, key := adaProves(t)
	a := s.want(key.ready(spa).post("/oauth/token", spa, exchangeOf(b.code("spa", adas))), 200, "")
	access, plain := a.str("access_token"), s.want(s.exchange(spa, b.code("spa", adas)), 200, "").str("access_token")
	got := s.want(key.userinfo(access), 200, "")
	if got.str("email") != adas || got.header.Get("DPoP-Nonce") == "" {
		t.Errorf("userinfo %s %v", got.raw, got.header)
	}
	const path = "/oidc/userinfo"
	other := s.prover()
	proof := func(edit func(map[string]any)) string {
		c := key.ath("GET", path, access)
		edit(c)
		return key.sign(c)
	}
	used := proof(func(map[string]any) {})
	s.want(s.call("GET", s.url+path, "", "Authorization", "dpop "+access, "DPoP", used), 200, "")
	for name, c := range map[string]struct {
		authorization, proof string
		status               int
		code, challenge      string
	}{
		"as a bearer's":       {"Bearer " + access, "", 401, "invalid_token", `DPoP error="invalid_token", algs=`},
		"bearer with proof":   {"Bearer " + access, proof(func(map[string]any) {}), 401, "invalid_token", `DPoP error="invalid_token", algs=`},
		"without proof":       {"DPoP " + access, "", 401, "invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs=`},
		"used proof":          {"DPoP " + access, used, 401, "invalid_dpop_proof", `DPoP error="invalid_dpop_proof", algs=`},
		"no ath":              {"DPoP " + access, proof(func(c map[string]any) { delete(c, "ath") }), 401, "invalid_dpop_proof", `DPoP `},
		"another token's":     {"DPoP " + access, key.sign(key.ath("GET", path, plain)), 401, "invalid_dpop_proof", `DPoP `},
		"another key's":       {"DPoP " + access, other.sign(other.ath("GET", path, access)), 401, "invalid_token", `DPoP error="invalid_token", algs=`},
		"another method":      {"DPoP " + access, proof(func(c map[string]any) { c["htm"] = "POST" }), 401, "invalid_dpop_proof", `DPoP `},
		"a wrong nonce":       {"DPoP " + access, proof(func(c map[string]any) { c["nonce"] = "x" }), 401, "use_dpop_nonce", `DPoP error="use_dpop_nonce", algs=`},
		"an unbound token":    {"DPoP " + plain, key.sign(key.ath("GET", path, plain)), 401, "invalid_token", `DPoP error="invalid_token", algs=`},
		"no token":            {"DPoP", "", 400, "invalid_request", ""},
		"nothing":             {"", "", 401, "invalid_token", `Bearer, DPoP algs="ES256 `},
		"a bearer's nonsense": {"Bearer x.y.z", "", 401, "invalid_token", `Bearer error="invalid_token"`},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			for name, value := range map[string]string{"Authorization": c.authorization, "DPoP": c.proof} {
				if value != "" {
					headers = append(headers, name, value)
				}
			}
			a := s.call("GET", s.url+path, "", headers...)
			if a.status != c.status || a.str("error") != c.code || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), c.challenge) {
				t.Errorf("%d %s %q, want %d %s %q", a.status, a.raw, a.header.Get("WWW-Authenticate"), c.status, c.code, c.challenge)
			}
		})
	}
	s.want(s.form(path, [2]string{}, formOf("access_token", access)), 401, "invalid_token") // in a form, there is no proof of it
}

func TestDPoPMetadata(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.CORSOrigins = []string{"https://app.example"} })
	if algs := fmt.Sprint(s.discovered()["dpop_signing_alg_values_supported"]); !strings.Contains(algs, "ES256") || strings.Contains(algs, "HS") {
		t.Errorf("dpop_signing_alg_values_supported %s", algs)
	}
	a := s.call("OPTIONS", s.url+"/oauth/token", "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "dpop")
	if a.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("preflight %v", a.header)
	}
	a = s.call("POST", s.url+"/oauth/token", "", "Origin", "https://app.example")
	if !strings.Contains(strings.ToLower(a.header.Get("Access-Control-Expose-Headers")), "dpop-nonce") {
		t.Errorf("exposed %v", a.header)
	}
}

package verifier_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/jws"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// hello answers with the subject of the token in the context.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	tok, ok := verifier.FromContext(r.Context())
	if !ok {
		http.Error(w, "no token", http.StatusTeapot)
		return
	}
	fmt.Fprint(w, tok.Subject)
})

const cookieName = "__Host-signet_access"

func TestMiddleware(t *testing.T) {
	iss := verifiertest.New(t)
	cfg := iss.Config(verifiertest.Audience)
	cfg.Cookie = cookieName
	cfg.TrustedOrigins = []string{"https://app.test"}
	v := newVerifier(t, cfg)
	good, expired, revoked := iss.Token(), iss.Expired(), iss.Revoked()
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = values }
	}
	cookie := func(values ...string) func(*http.Request) {
		return func(r *http.Request) {
			for _, value := range values {
				r.AddCookie(&http.Cookie{Name: cookieName, Value: value})
			}
		}
	}
	from := func(site, origin string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site); r.Header.Set("Origin", origin) }
	}
	all := func(fs ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			for _, f := range fs {
				f(r)
			}
		}
	}
	cases := []struct {
		name      string
		method    string
		change    func(*http.Request)
		status    int
		challenge string // how WWW-Authenticate begins
	}{
		{"bearer", "GET", header("Bearer " + good), 200, ""},
		{"bearer in small letters", "GET", header("bearer " + good), 200, ""},
		{"bearer in capitals and spaces", "GET", header("BEARER   " + good), 200, ""},
		{"nothing", "GET", header(), 401, "Bearer"},
		{"basic", "GET", header("Basic dTpw"), 401, "Bearer"},
		{"bearer alone", "GET", header("Bearer"), 400, `Bearer error="invalid_request"`},
		{"bearer and two tokens", "GET", header("Bearer " + good + " " + good), 400, `Bearer error="invalid_request"`},
		{"bearer and two by comma", "GET", header("Bearer " + good + "," + good), 400, `Bearer error="invalid_request"`},
		{"two headers", "GET", header("Bearer "+good, "Bearer "+good), 400, `Bearer error="invalid_request"`},
		{"garbage", "GET", header("Bearer garbage"), 401, `Bearer error="invalid_token"`},
		{"expired", "GET", header("Bearer " + expired), 401, `Bearer error="invalid_token", error_description="the access token expired"`},
		{"revoked", "GET", header("Bearer " + revoked), 401, `Bearer error="invalid_token", error_description="the access token was revoked"`},
		{"query", "GET", func(r *http.Request) { r.URL.RawQuery = "access_token=" + good }, 401, "Bearer"},
		{"cookie", "GET", cookie(good), 200, ""},
		{"cookie and POST", "POST", cookie(good), 200, ""},
		{"cookie and POST of the same site", "POST", all(cookie(good), from("same-origin", "https://api.test")), 200, ""},
		{"cookie and POST across sites", "POST", all(cookie(good), from("cross-site", "https://evil.test")), 403, `Bearer error="invalid_request"`},
		{"cookie and GET across sites", "GET", all(cookie(good), from("cross-site", "https://evil.test")), 200, ""},
		{"cookie and POST from a trusted origin", "POST", all(cookie(good), from("cross-site", "https://app.test")), 200, ""},
		{"bearer and POST across sites", "POST", all(header("Bearer "+good), from("cross-site", "https://evil.test")), 200, ""},
		{"cookie and header", "GET", all(cookie(good), header("Bearer "+good)), 400, `Bearer error="invalid_request"`},
		{"two cookies", "GET", cookie(good, good), 400, `Bearer error="invalid_request"`},
		{"empty cookie", "GET", cookie(""), 401, "Bearer"},
		{"cookie and basic", "GET", all(cookie(good), header("Basic dTpw")), 200, ""},
		{"dpop without proof", "GET", header("DPoP " + good), 401, `DPoP error="invalid_dpop_proof"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "https://api.test/things", nil)
			c.change(r)
			w := serve(t, v.Middleware(hello), r)
			if w.Code != c.status || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), c.challenge) {
				t.Errorf("%d %q %s", w.Code, w.Header()["Www-Authenticate"], w.Body)
			}
			if c.challenge == "Bearer" && strings.Contains(w.Header().Get("WWW-Authenticate"), "error") {
				t.Errorf("an error for a request without token (RFC 6750 §3.1): %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

// serve also checks the shape of every refusal.
func serve(t *testing.T, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == 200 {
		return w
	}
	var body map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body) != 2 || body["error"] == "" || body["error_description"] == "" {
		t.Errorf("body %s", w.Body)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", w.Header())
	}
	return w
}

func TestCookieIsReadOnlyIfNamed(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: cookieName, Value: iss.Token()})
	if w := serve(t, v.Middleware(hello), r); w.Code != 401 {
		t.Errorf("status %d", w.Code)
	}
}

func TestRequire(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	raw := iss.Token(func(c verifiertest.Claims) { c["roles"] = []string{"user", "editor"}; c["scope"] = "read write" })
	cases := []struct {
		name    string
		require func(http.Handler) http.Handler
		status  int
		scope   string
	}{
		{"role", verifier.RequireRole("editor"), 200, ""},
		{"both roles", verifier.RequireRole("editor", "user"), 200, ""},
		{"one role of two", verifier.RequireRole("editor", "admin"), 403, ""},
		{"other role", verifier.RequireRole("admin"), 403, ""},
		{"role in other case", verifier.RequireRole("Editor"), 403, ""},
		{"no role asked", verifier.RequireRole(), 403, ""},
		{"scope", verifier.RequireScope("read"), 200, ""},
		{"both scopes", verifier.RequireScope("read", "write"), 200, ""},
		{"other scope", verifier.RequireScope("read", "delete"), 403, `scope="read delete"`},
		{"part of a scope", verifier.RequireScope("rea"), 403, `scope="rea"`},
		{"any", verifier.RequireAny(verifier.Role("admin"), verifier.Scope("write")), 200, ""},
		{"none of any", verifier.RequireAny(verifier.Role("admin"), verifier.Scope("delete")), 403, `scope="delete"`},
		{"any of none", verifier.RequireAny(), 403, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+raw)
			w := serve(t, v.Middleware(c.require(hello)), r)
			challenge := w.Header().Get("WWW-Authenticate")
			if w.Code != c.status || !strings.Contains(challenge, c.scope) || c.status == 403 && !strings.Contains(challenge, `error="insufficient_scope"`) {
				t.Errorf("%d %q", w.Code, challenge)
			}
		})
	}
	t.Run("without middleware", func(t *testing.T) {
		w := serve(t, verifier.RequireRole("user")(hello), httptest.NewRequest("GET", "/", nil))
		if w.Code != 401 {
			t.Errorf("status %d", w.Code)
		}
	})
}

func TestUnavailableIs503(t *testing.T) {
	iss := verifiertest.New(t)
	iss.Down(true)
	v := iss.Verifier(t, verifiertest.Audience)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+iss.Token())
	w := serve(t, v.Middleware(hello), r)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if strings.Contains(w.Body.String(), "verifiertest") {
		t.Errorf("internal text: %s", w.Body)
	}
}

func TestProblemOfUnknownErrorIs500(t *testing.T) {
	p := verifier.ProblemOf(errors.New("the password of the database is x"))
	if p.Status != 500 || strings.Contains(p.Description, "password") {
		t.Errorf("%+v", p)
	}
}

func TestRefuseIsConfigurable(t *testing.T) {
	iss := verifiertest.New(t)
	cfg := iss.Config(verifiertest.Audience)
	cfg.Refuse = func(w http.ResponseWriter, _ *http.Request, p verifier.Problem) {
		w.WriteHeader(p.Status)
		fmt.Fprint(w, "mine")
	}
	cfg.ResourceMetadata = "https://api.test/.well-known/oauth-protected-resource"
	v := newVerifier(t, cfg)
	w := httptest.NewRecorder()
	v.Middleware(hello).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Body.String() != "mine" || w.Header().Get("WWW-Authenticate") != `Bearer resource_metadata="https://api.test/.well-known/oauth-protected-resource"` {
		t.Errorf("%s %v", w.Body, w.Header())
	}
}

func TestResourceMetadata(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	h, err := v.MetadataHandler(verifier.ProtectedResource{Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/oauth-protected-resource", nil))
	want := `{"resource":"https://api.test","authorization_servers":["https://issuer.test"],"scopes_supported":["read"],"bearer_methods_supported":["header"],"dpop_signing_alg_values_supported":["ES256","ES384","EdDSA","PS256","RS256"]}`
	if w.Body.String() != want {
		t.Errorf("%s", w.Body)
	}
	for resource, path := range map[string]string{"https://a.test": "/.well-known/oauth-protected-resource", "https://a.test/x/y": "/.well-known/oauth-protected-resource/x/y"} {
		if got, err := verifier.MetadataPath(resource); got != path || err != nil {
			t.Errorf("MetadataPath(%s) = %s, %v", resource, got, err)
		}
	}
	if _, err := verifier.MetadataPath("api"); err == nil {
		t.Error("MetadataPath of a word")
	}
}

// A token bound to a key is good with a proof by that key for this request, once.
func TestDPoP(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := jws.Thumbprint(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	raw := iss.Token(func(c verifiertest.Claims) { c["cnf"] = map[string]string{"jkt": jkt} })
	request := func(scheme, raw, proof string) *http.Request {
		r := httptest.NewRequest("GET", "https://whatever.test/things?x=1", nil)
		r.Header.Set("Authorization", scheme+" "+raw)
		if proof != "" {
			r.Header.Set("DPoP", proof)
		}
		return r
	}
	good := proofOf(t, key, "https://api.test/things", raw)
	cases := []struct {
		name string
		req  *http.Request
		want int
	}{
		{"good", request("DPoP", raw, good), 200},
		{"again", request("DPoP", raw, good), 401},
		{"as bearer", request("Bearer", raw, proofOf(t, key, "https://api.test/things", raw)), 401},
		{"without proof", request("DPoP", raw, ""), 401},
		{"for the host the sender chose", request("DPoP", raw, proofOf(t, key, "https://whatever.test/things", raw)), 401},
		{"for another token", request("DPoP", raw, proofOf(t, key, "https://api.test/things", "x")), 401},
		{"of a token that isn't bound", request("DPoP", iss.Token(), good), 401},
	}
	for _, c := range cases {
		w := serve(t, v.Middleware(hello), c.req)
		if w.Code != c.want || c.want == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `DPoP error="invalid_dpop_proof"`) {
			t.Errorf("%s: %d %q", c.name, w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
}

func proofOf(t *testing.T, key *ecdsa.PrivateKey, url, raw string) string {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	ath := sha256.Sum256([]byte(raw))
	header := fmt.Sprintf(`{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":%q,"y":%q}}`, b64(string(point[1:33])), b64(string(point[33:])))
	claims := fmt.Sprintf(`{"jti":%q,"htm":"GET","htu":%q,"iat":%d,"ath":%q}`, rand.Text(), url, time.Now().Unix(), b64(string(ath[:])))
	signed := b64(header) + "." + b64(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return signed + "." + b64(string(sig))
}

package dpop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The proof of RFC 9449 §4.1 and the thumbprint of §6.1, made by others.
func TestExampleOfRFC(t *testing.T) {
	const proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	c, err := New(Config{Now: func() time.Time { return time.Unix(1562262616, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Check(t.Context(), proof, Request{Method: "POST", URL: "https://server.example.com/token"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Thumbprint != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("thumbprint %q", p.Thumbprint)
	}
}

// prover makes proofs, with whatever is wanted wrong about them.
type prover struct {
	t   testing.TB
	key *ecdsa.PrivateKey
	n   int
}

func newProver(t testing.TB) *prover {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &prover{t: t, key: key}
}

func enc(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *prover) jwk() string {
	point, err := p.key.PublicKey.Bytes()
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, enc(point[1:33]), enc(point[33:]))
}

func (p *prover) header() string {
	return fmt.Sprintf(`{"typ":"dpop+jwt","alg":"ES256","jwk":%s}`, p.jwk())
}

const (
	method = "GET"
	addr   = "https://api.test/things"
	token  = "the.access.token"
)

func (p *prover) claims(now time.Time) map[string]any {
	p.n++
	return map[string]any{"jti": fmt.Sprintf("id-%d", p.n), "htm": method, "htu": addr, "iat": now.Unix(), "ath": hash(token)}
}

func (p *prover) sign(header string, claims map[string]any) string {
	text, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	signed := enc([]byte(header)) + "." + enc(text)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, digest[:])
	if err != nil {
		p.t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return signed + "." + enc(sig)
}

var noon = time.Unix(1_800_000_000, 0)

func newChecker(t testing.TB, cfg Config) *Checker {
	t.Helper()
	cfg.Now = func() time.Time { return noon }
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheck(t *testing.T) {
	p := newProver(t)
	cases := []struct {
		name   string
		header string
		change map[string]any
		ok     bool
	}{
		{"good", "", nil, true},
		{"htu with a query", "", map[string]any{"htu": addr + "?a=b#c"}, true},
		{"htu in other case and port", "", map[string]any{"htu": "HTTPS://API.test:443/things"}, true},
		{"htu with escapes", "", map[string]any{"htu": "https://api.test/%74hings"}, true},
		{"almost too old", "", map[string]any{"iat": noon.Unix() - 69}, true},
		{"too old", "", map[string]any{"iat": noon.Unix() - 70}, false},
		{"a little ahead", "", map[string]any{"iat": noon.Unix() + 10}, true},
		{"too far ahead", "", map[string]any{"iat": noon.Unix() + 11}, false},
		{"no iat", "", map[string]any{"iat": nil}, false},
		{"iat a string", "", map[string]any{"iat": "1800000000"}, false},
		{"no jti", "", map[string]any{"jti": nil}, false},
		{"empty jti", "", map[string]any{"jti": ""}, false},
		{"long jti", "", map[string]any{"jti": strings.Repeat("x", 257)}, false},
		{"other method", "", map[string]any{"htm": "POST"}, false},
		{"method in small letters", "", map[string]any{"htm": "get"}, false},
		{"no htm", "", map[string]any{"htm": nil}, false},
		{"other path", "", map[string]any{"htu": addr + "/1"}, false},
		{"other host", "", map[string]any{"htu": "https://evil.test/things"}, false},
		{"other scheme", "", map[string]any{"htu": "http://api.test/things"}, false},
		{"other port", "", map[string]any{"htu": "https://api.test:8443/things"}, false},
		{"slash escaped", "", map[string]any{"htu": "https://api.test/%2Fthings"}, false},
		{"no htu", "", map[string]any{"htu": nil}, false},
		{"relative htu", "", map[string]any{"htu": "/things"}, false},
		{"other ath", "", map[string]any{"ath": hash("other")}, false},
		{"no ath", "", map[string]any{"ath": nil}, false},
		{"typ JWT", `{"typ":"JWT","alg":"ES256","jwk":` + p.jwk() + `}`, nil, false},
		{"no typ", `{"alg":"ES256","jwk":` + p.jwk() + `}`, nil, false},
		{"no jwk", `{"typ":"dpop+jwt","alg":"ES256"}`, nil, false},
		{"private jwk", `{"typ":"dpop+jwt","alg":"ES256","jwk":` + strings.TrimSuffix(p.jwk(), "}") + `,"d":"AAAA"}}`, nil, false},
		{"another's jwk", `{"typ":"dpop+jwt","alg":"ES256","jwk":` + newProver(t).jwk() + `}`, nil, false},
		{"alg none", `{"typ":"dpop+jwt","alg":"none","jwk":` + p.jwk() + `}`, nil, false},
		{"alg HS256", `{"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`, nil, false},
		{"alg of another key", `{"typ":"dpop+jwt","alg":"RS256","jwk":` + p.jwk() + `}`, nil, false},
		{"crit", `{"typ":"dpop+jwt","alg":"ES256","crit":["x"],"jwk":` + p.jwk() + `}`, nil, false},
		{"application/dpop+jwt", `{"typ":"application/DPoP+jwt","alg":"ES256","jwk":` + p.jwk() + `}`, nil, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			claims := p.claims(noon)
			maps.Copy(claims, c.change)
			for name, value := range c.change {
				if value == nil {
					delete(claims, name)
				}
			}
			if c.header == "" {
				c.header = p.header()
			}
			_, err := newChecker(t, Config{}).Check(t.Context(), p.sign(c.header, claims), Request{Method: method, URL: addr, AccessToken: token})
			if c.ok && err != nil || !c.ok && !errors.Is(err, ErrProof) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCheckThumbprint(t *testing.T) {
	p := newProver(t)
	c := newChecker(t, Config{})
	req := Request{Method: method, URL: addr}
	got, err := c.Check(t.Context(), p.sign(p.header(), p.claims(noon)), req)
	if err != nil {
		t.Fatal(err)
	}
	req.Thumbprint = got.Thumbprint
	if _, err := c.Check(t.Context(), p.sign(p.header(), p.claims(noon)), req); err != nil {
		t.Error(err)
	}
	thief := newProver(t)
	if _, err := c.Check(t.Context(), thief.sign(thief.header(), thief.claims(noon)), req); !errors.Is(err, ErrProof) {
		t.Errorf("another key: %v", err)
	}
}

func TestReplay(t *testing.T) {
	p := newProver(t)
	c := newChecker(t, Config{})
	proof := p.sign(p.header(), p.claims(noon))
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := c.Check(context.Background(), proof, Request{Method: method, URL: addr})
			switch {
			case err == nil:
				good.Add(1)
			case !errors.Is(err, ErrReplay) || !errors.Is(err, ErrProof):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if good.Load() != 1 {
		t.Errorf("taken %d times", good.Load())
	}
	// A proof that was refused for something else is still good once.
	proof = p.sign(p.header(), p.claims(noon))
	if _, err := c.Check(t.Context(), proof, Request{Method: "POST", URL: addr}); !errors.Is(err, ErrProof) {
		t.Error(err)
	}
	if _, err := c.Check(t.Context(), proof, Request{Method: method, URL: addr}); err != nil {
		t.Error(err)
	}
}

type oneNonce string

func (n oneNonce) Valid(nonce string) bool { return nonce == string(n) }
func (n oneNonce) Current() string         { return string(n) }

func TestNonce(t *testing.T) {
	p := newProver(t)
	c := newChecker(t, Config{Nonces: oneNonce("abc")})
	req := Request{Method: method, URL: addr}
	if _, err := c.Check(t.Context(), p.sign(p.header(), p.claims(noon)), req); !errors.Is(err, ErrNonce) || !errors.Is(err, ErrProof) {
		t.Errorf("without: %v", err)
	}
	claims := p.claims(noon)
	claims["nonce"] = c.Nonce()
	if _, err := c.Check(t.Context(), p.sign(p.header(), claims), req); err != nil {
		t.Errorf("with: %v", err)
	}
}

type broken struct{}

func (broken) Use(context.Context, string, time.Time) (bool, error) {
	return true, errors.New("store down")
}

func TestReplayMemoryThatFailsRefuses(t *testing.T) {
	p := newProver(t)
	c := newChecker(t, Config{Replay: broken{}})
	if _, err := c.Check(t.Context(), p.sign(p.header(), p.claims(noon)), Request{Method: method, URL: addr}); !errors.Is(err, ErrProof) {
		t.Error(err)
	}
}

func TestMemoryIsBoundedAndForgets(t *testing.T) {
	now := noon
	m := NewMemory(2, func() time.Time { return now })
	use := func(id string, first bool, fails bool) {
		t.Helper()
		got, err := m.Use(t.Context(), id, now.Add(time.Minute))
		if got != first || (err != nil) != fails {
			t.Errorf("Use(%s) = %v, %v", id, got, err)
		}
	}
	use("a", true, false)
	use("b", true, false)
	use("a", false, false)
	use("c", false, true) // full: fails rather than forgets
	now = now.Add(time.Minute)
	use("c", true, false)
	use("a", true, false)
}

func TestConfigRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"algorithm": {Algorithms: []string{"none"}}, "max age": {MaxAge: time.Hour}, "negative age": {MaxAge: -1}, "leeway": {Leeway: time.Hour},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzCheck(f *testing.F) {
	p := newProver(f)
	f.Add(p.sign(p.header(), p.claims(noon)), addr)
	f.Add("a.b.c", "https://x:1/%zz")
	c := newChecker(f, Config{Replay: always{}})
	f.Fuzz(func(t *testing.T, proof, url string) {
		got, err := c.Check(context.Background(), proof, Request{Method: method, URL: url})
		if (err == nil) != (got.Thumbprint != "") {
			t.Fatalf("%+v, %v", got, err)
		}
		if err != nil && !errors.Is(err, ErrProof) {
			t.Fatal(err)
		}
	})
}

type always struct{}

func (always) Use(context.Context, string, time.Time) (bool, error) { return true, nil }

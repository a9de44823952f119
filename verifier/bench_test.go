package verifier_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// bench is one token with a verifier for it, and the bare check of its signature
// by the standard library on a ready digest: the floor.
type bench struct {
	raw   string
	v     *verifier.Verifier
	floor func() bool
}

func newBench(tb testing.TB, alg string, cacheSize int) bench {
	iss := verifiertest.New(tb)
	iss.Rotate(alg)
	cfg := iss.Config(verifiertest.Audience)
	cfg.CacheSize = cacheSize
	cfg.Algorithms = []string{"ES256", alg}
	cfg.Now = nil
	// RFC 9068 with 14 claims, as Signet makes them.
	raw := iss.Token(func(c verifiertest.Claims) {
		c["auth_time"], c["acr"] = c["iat"], "1"
		c["roles"] = []string{"admin", "user"}
	})
	b := bench{raw: raw, v: newVerifier(tb, cfg), floor: floorOf(tb, iss, raw, alg)}
	if _, err := b.v.Verify(context.Background(), raw); err != nil {
		tb.Fatal(err)
	}
	return b
}

func floorOf(tb testing.TB, iss *verifiertest.Issuer, raw, alg string) func() bool {
	tb.Helper()
	key, err := fetchKeys(tb, iss).Key(context.Background(), iss.KeyID())
	if err != nil {
		tb.Fatal(err)
	}
	dot := strings.LastIndexByte(raw, '.')
	digest := sha256.Sum256([]byte(raw[:dot]))
	sig, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil {
		tb.Fatal(err)
	}
	switch k := key.Public.(type) {
	case *rsa.PublicKey:
		if alg == "PS256" {
			return func() bool { return rsa.VerifyPSS(k, crypto.SHA256, digest[:], sig, nil) == nil }
		}
		return func() bool { return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], sig) == nil }
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(k, []byte(raw[:dot]), sig) }
	case *ecdsa.PublicKey:
		der := derOf(sig)
		return func() bool { return ecdsa.VerifyASN1(k, digest[:], der) }
	}
	tb.Fatalf("no floor for %s", alg)
	return nil
}

// derOf puts r and s into the form that ecdsa.VerifyASN1 takes.
func derOf(sig []byte) []byte {
	integer := func(b []byte) []byte {
		n := new(big.Int).SetBytes(b).Bytes()
		if n[0]&0x80 != 0 {
			n = append([]byte{0}, n...)
		}
		return append([]byte{2, byte(len(n))}, n...)
	}
	body := slices.Concat(integer(sig[:len(sig)/2]), integer(sig[len(sig)/2:]))
	return append([]byte{0x30, byte(len(body))}, body...)
}

func fetchKeys(tb testing.TB, iss *verifiertest.Issuer) verifier.StaticKeys {
	tb.Helper()
	w := httptest.NewRecorder()
	iss.ServeHTTP(w, httptest.NewRequest(http.MethodGet, verifiertest.JWKSPath, nil))
	keys, err := verifier.ParseKeys(w.Body.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// BenchmarkVerifyGarbage is what refusing costs.
func BenchmarkVerifyGarbage(b *testing.B) {
	x := newBench(b, "ES256", 0)
	ctx := context.Background()
	for name, raw := range map[string]string{
		"no dots":     strings.Repeat("a", 900),
		"unknown kid": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"x","typ":"at+jwt"}`)) + x.raw[strings.IndexByte(x.raw, '.'):],
		"huge":        strings.Repeat("a", 1<<20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.v.Verify(ctx, raw); err == nil {
					b.Fatal("taken")
				}
			}
		})
	}
}

// What a full check may allocate above the bare call, and a hit of the cache at all.
func TestVerifyAllocations(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256"} {
		x := newBench(t, alg, -1)
		full := measure(func() { _, _ = x.v.Verify(context.Background(), x.raw) })
		floor := measure(func() { x.floor() })
		allocs, bytes := full.allocs-floor.allocs, full.bytes-floor.bytes
		t.Logf("%s: %d allocations and %d bytes above the floor", alg, allocs, bytes)
		if allocs > 6 || bytes > 1024 {
			t.Errorf("%s: %d allocations and %d bytes above the floor, want at most 6 and 1024", alg, allocs, bytes)
		}
	}
	x := newBench(t, "ES256", 0)
	if n := testing.AllocsPerRun(1000, func() { _, _ = x.v.Verify(context.Background(), x.raw) }); n != 0 {
		t.Errorf("a hit of the cache allocates %v times", n)
	}
}

type cost struct{ allocs, bytes int64 }

// measure is what f allocates, the least of several runs: other goroutines allocate
// too. The collector is off meanwhile, for it would empty the pools that f, and the
// standard library under it, use.
func measure(f func()) cost {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	best := cost{math.MaxInt64, math.MaxInt64}
	for range 5 {
		const n = 100
		var before, after runtime.MemStats
		f()
		runtime.ReadMemStats(&before)
		for range n {
			f()
		}
		runtime.ReadMemStats(&after)
		best.allocs = min(best.allocs, int64(after.Mallocs-before.Mallocs)/n)
		best.bytes = min(best.bytes, int64(after.TotalAlloc-before.TotalAlloc)/n)
	}
	return best
}

// The token of the benchmarks is what they say it is.
func TestBenchTokenHas14Claims(t *testing.T) {
	x := newBench(t, "ES256", -1)
	tok, err := x.v.Verify(t.Context(), x.raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]json.RawMessage
	if err := tok.Claims(&claims); err != nil || len(claims) != 14 {
		t.Errorf("%d claims, %v", len(claims), err)
	}
}

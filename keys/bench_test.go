package keys_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
)

var payload = []byte(`{"iss":"https://auth.example.com","sub":"usr_01","aud":"https://api.example.com","exp":1800000000,"iat":1799999100,"nbf":1799999100,"jti":"` +
	strings.Repeat("j", 26) + `","client_id":"signet","scope":"openid profile","roles":["user"],"sid":"` + strings.Repeat("s", 22) + `","status":{"status_list":{"idx":4711,"uri":"https://auth.example.com/oauth/status/1"}}}`)

// BenchmarkSignJWS beside BenchmarkBareSign is what a JWS costs over its signature.
func BenchmarkSignJWS(b *testing.B) {
	k := keystest.Open(b, keys.Config{Policy: keys.Policy{Algs: []keys.Algorithm{keys.ES256}}})
	b.ReportAllocs()
	for b.Loop() {
		key, err := k.Ring().Signer(keys.ES256, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := key.SignJWS("at+jwt", payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareSign(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		sum := sha256.Sum256(payload)
		if _, err := ecdsa.SignASN1(rand.Reader, key, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJWKS(b *testing.B) {
	k := keystest.Open(b, keys.Config{})
	b.ReportAllocs()
	for b.Loop() {
		k.Ring().JWKS(time.Now())
	}
}

func BenchmarkRefreshMAC(b *testing.B) {
	r := keystest.Open(b, keys.Config{}).Ring()
	id, _ := r.Newest()
	b.ReportAllocs()
	for b.Loop() {
		r.MAC(id, payload[:100])
	}
}

// BenchmarkReload is what a replica does each second.
func BenchmarkReload(b *testing.B) {
	k := keystest.Open(b, keys.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if err := k.Reload(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSignOverhead gates what a JWS allocates beyond its signature: the buffer, its growth into a string, the signature in
// two forms.
func TestSignOverhead(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keystest.Open(t, keys.Config{}).Ring().Signer(keys.ES256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bare := testing.AllocsPerRun(100, func() {
		sum := sha256.Sum256(payload)
		_, _ = ecdsa.SignASN1(rand.Reader, private, sum[:])
	})
	whole := testing.AllocsPerRun(100, func() { _, _ = key.SignJWS("at+jwt", payload) })
	if whole-bare > 8 {
		t.Errorf("%v allocations beyond the %v of a signature, want at most 8", whole-bare, bare)
	}
}

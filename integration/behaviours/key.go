package behaviours

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"sync"
)

// key signs, and may be published.
type key struct {
	alg, kid string // of the header
	signer   crypto.Signer
	jwk      map[string]any // what is published of it
}

// RSA keys are slow to make, so all trials share theirs; what is published of
// them differs.
var (
	rsaKey      = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaOther    = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaWeak     = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	rsaAttacker = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
)

// must is for what can fail only where there is no randomness, or by our own mistake.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newEC(alg string) *key {
	curve := elliptic.P256()
	if alg == "ES384" {
		curve = elliptic.P384()
	}
	private := must(ecdsa.GenerateKey(curve, rand.Reader))
	point := must(private.PublicKey.Bytes())
	size := (len(point) - 1) / 2
	return newKey(alg, private, map[string]any{
		"kty": "EC", "crv": curve.Params().Name, "x": b64(point[1 : 1+size]), "y": b64(point[1+size:]),
	})
}

func newRSA(alg string, private *rsa.PrivateKey) *key {
	return newKey(alg, private, map[string]any{
		"kty": "RSA", "n": b64(private.N.Bytes()), "e": b64(big.NewInt(int64(private.E)).Bytes()),
	})
}

func newKey(alg string, signer crypto.Signer, jwk map[string]any) *key {
	k := &key{alg: alg, kid: rand.Text(), signer: signer, jwk: jwk}
	jwk["kid"], jwk["alg"], jwk["use"] = k.kid, alg, "sig"
	return k
}

// published is k as others shall see it: each pair sets a member of its JWK.
func (k *key) published(members map[string]any) *key {
	other := *k
	other.jwk = maps.Clone(k.jwk)
	for name, value := range members {
		if other.jwk[name] = value; value == nil {
			delete(other.jwk, name)
		}
	}
	return &other
}

// sign makes a compact token of these texts, whatever they are.
func (k *key) sign(header, claims string) string {
	signed := b64([]byte(header)) + "." + b64([]byte(claims))
	return signed + "." + b64(k.signature(signed))
}

func (k *key) signature(signed string) []byte {
	digest := sha256.Sum256([]byte(signed))
	switch private := k.signer.(type) {
	case *ecdsa.PrivateKey:
		if k.alg == "ES384" {
			long := sha512.Sum384([]byte(signed))
			return rawECDSA(private, long[:])
		}
		return rawECDSA(private, digest[:])
	case *rsa.PrivateKey:
		if k.alg == "PS256" {
			return must(rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
		}
		return must(rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:]))
	}
	return nil
}

// rawECDSA is r and s side by side, at their full length (RFC 7518 §3.4).
func rawECDSA(private *ecdsa.PrivateKey, digest []byte) []byte {
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	must(r, err)
	size := (private.Curve.Params().BitSize + 7) / 8
	sig := make([]byte, 2*size)
	r.FillBytes(sig[:size])
	s.FillBytes(sig[size:])
	return sig
}

// header is what Signet's tokens have: alg, kid and typ, and members more.
func (k *key) header(more string) string {
	return `{"alg":"` + k.alg + `","kid":"` + k.kid + `","typ":"at+jwt"` + more + `}`
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func toJSON(v any) string { return string(must(json.Marshal(v))) }

// privatePart is the d of an EC key's JWK.
func privatePart(k *key) string {
	private, ok := k.signer.(*ecdsa.PrivateKey)
	if !ok {
		panic("no EC key")
	}
	return b64(must(private.Bytes()))
}

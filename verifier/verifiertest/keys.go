package verifiertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// signingKey is a private key with what is published of it.
type signingKey struct {
	alg, kid string
	signer   crypto.Signer
	jwk      map[string]string
}

// newSigningKey makes a key for ES256, ES384, RS256, PS256 or EdDSA.
func newSigningKey(alg string) (*signingKey, error) {
	signer, err := newSigner(alg)
	if err != nil {
		return nil, err
	}
	k := &signingKey{alg: alg, signer: signer, jwk: publicJWK(signer.Public())}
	k.kid = thumbprint(k.jwk)
	k.jwk["kid"], k.jwk["alg"], k.jwk["use"] = k.kid, alg, "sig"
	return k, nil
}

func newSigner(alg string) (crypto.Signer, error) {
	switch alg {
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "RS256", "PS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("verifiertest: algorithm %q", alg)
}

// thumbprint is RFC 7638: encoding/json sorts the members, and there are no others yet.
func thumbprint(jwk map[string]string) string {
	text, _ := json.Marshal(jwk) // strings always encode
	sum := sha256.Sum256(text)
	return b64(sum[:])
}

func publicJWK(public crypto.PublicKey) map[string]string {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		point, _ := p.Bytes() // we made it: it is on its curve
		size := (len(point) - 1) / 2
		return map[string]string{"kty": "EC", "crv": p.Params().Name, "x": b64(point[1 : 1+size]), "y": b64(point[1+size:])}
	case *rsa.PublicKey:
		return map[string]string{"kty": "RSA", "n": b64(p.N.Bytes()), "e": b64(big.NewInt(int64(p.E)).Bytes())}
	case ed25519.PublicKey:
		return map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(p)}
	}
	return nil
}

// sign makes a compact token of header and claims as they stand.
func (k *signingKey) sign(header, claims []byte) (string, error) {
	signed := b64(header) + "." + b64(claims)
	sig, err := k.signature([]byte(signed))
	return signed + "." + b64(sig), err
}

func (k *signingKey) signature(signed []byte) ([]byte, error) {
	switch k.alg {
	case "EdDSA":
		return k.signer.Sign(nil, signed, crypto.Hash(0))
	case "ES384":
		digest := sha512.Sum384(signed)
		return k.signECDSA(digest[:], 48)
	}
	digest := sha256.Sum256(signed)
	switch k.alg {
	case "ES256":
		return k.signECDSA(digest[:], 32)
	case "PS256":
		return k.signer.Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	return k.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// signECDSA is r and s side by side, at their full length (RFC 7518 §3.4).
func (k *signingKey) signECDSA(digest []byte, size int) ([]byte, error) {
	private, ok := k.signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("verifiertest: %s with a %T", k.alg, k.signer)
	}
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	if err != nil {
		return nil, err
	}
	sig := make([]byte, 2*size)
	r.FillBytes(sig[:size])
	s.FillBytes(sig[size:])
	return sig, nil
}

// Rotate makes a new key of alg, which signs from now on. The old keys stay
// published. It returns the new kid.
func (i *Issuer) Rotate(alg string) string {
	key, err := newSigningKey(alg)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key)
	return key.kid
}

// Withdraw takes a key off the published set, as after an emergency revoke. It
// says whether there was such a key.
func (i *Issuer) Withdraw(kid string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, key := range i.keys {
		if key.kid == kid {
			i.gone = append(i.gone, key)
			i.keys = append(i.keys[:n:n], i.keys[n+1:]...)
			return true
		}
	}
	return false
}

// KeyID is the kid of the key that signs now.
func (i *Issuer) KeyID() string { return i.signing().kid }

func (i *Issuer) signing() *signingKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.keys) == 0 {
		i.t.Fatal("verifiertest: every key was withdrawn: Rotate first")
	}
	return i.keys[len(i.keys)-1]
}

// key finds a key of ours, withdrawn or not.
func (i *Issuer) key(kid string) *signingKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, keys := range [][]*signingKey{i.keys, i.gone} {
		for _, key := range keys {
			if key.kid == kid {
				return key
			}
		}
	}
	i.t.Fatalf("verifiertest: no key %q", kid)
	return nil
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

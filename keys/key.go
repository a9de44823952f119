package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"

	"github.com/signet-oidc/signet/discovery"
)

// Key is a handle on a signing key: it signs and never shows its private part. It is a crypto.Signer, immutable and safe
// for concurrent use.
type Key struct {
	id     string
	alg    Algorithm
	signer crypto.Signer
	jws    map[string]jose.Signer // by typ: what Signet writes, made once
}

var _ crypto.Signer = (*Key)(nil)

// newKey prepares a handle.
func newKey(id string, alg Algorithm, signer crypto.Signer) (*Key, error) {
	k := &Key{id: id, alg: alg, signer: signer, jws: map[string]jose.Signer{}}
	for _, typ := range []string{discovery.TypeAccessToken, discovery.TypeIDToken, discovery.TypeLogoutToken, discovery.TypeStatusList} {
		s, err := k.prepare(typ)
		if err != nil {
			return nil, err
		}
		k.jws[typ] = s
	}
	return k, nil
}

func (k *Key) prepare(typ string) (jose.Signer, error) {
	options := new(jose.SignerOptions).WithType(jose.ContentType(typ))
	key := jose.JSONWebKey{Key: joseKey(k.signer), KeyID: k.id}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: key}, options)
	if err != nil {
		return nil, fmt.Errorf("keys: prepare %s key %s: %w", k.alg, k.id, err)
	}
	return s, nil
}

// joseKey gives go-jose a key in memory as it is, and any other through crypto.Signer.
func joseKey(s crypto.Signer) any {
	switch s.(type) {
	case *ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey:
		return s
	}
	return cryptosigner.Opaque(s)
}

// ID is the kid: the RFC 7638 thumbprint, or what an imported key was known by.
func (k *Key) ID() string { return k.id }

// Algorithm is the one algorithm the key signs with.
func (k *Key) Algorithm() Algorithm { return k.alg }

// Public returns the public part: *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.signer.Public() }

// Sign is crypto.Signer's.
func (k *Key) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.signer.Sign(rand, digest, opts)
}

// SignJWS signs a payload as a compact JWS (RFC 7515 §7.1) whose protected header holds alg, kid and typ and no more:
// strict readers refuse others.
func (k *Key) SignJWS(typ string, payload []byte) (string, error) {
	s, ok := k.jws[typ]
	if !ok {
		var err error
		if s, err = k.prepare(typ); err != nil {
			return "", err
		}
	}
	signed, err := s.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("keys: sign with %s: %w", k.id, err)
	}
	return signed.CompactSerialize()
}

// Format prints what the key is, under every verb, and nothing of what it holds.
func (k *Key) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s key %s", k.alg, k.id)
}

// MarshalText prints like Format.
func (k *Key) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%v", k), nil }

// publicJWK makes the JWK that is published: alg, use and kid are in it (RFC 7517 §4), since readers take the algorithm
// from there.
func publicJWK(kid string, alg Algorithm, pub crypto.PublicKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: pub, KeyID: kid, Algorithm: string(alg), Use: "sig"}
}

// thumbprint is the RFC 7638 thumbprint with SHA-256, in base64url.
func thumbprint(pub crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: pub}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("keys: thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

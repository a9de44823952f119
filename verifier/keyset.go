package verifier

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
)

// Key is a public key of the issuer.
type Key struct {
	ID        string           // kid
	Algorithm string           // the one it is for; "" where its type and curve decide
	Public    crypto.PublicKey // *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey
}

// same says whether two answers by one kid are one key. It is asked at every hit
// of the cache, and pointers are the usual case.
func (k Key) same(other Key) bool {
	if k.ID != other.ID || k.Algorithm != other.Algorithm {
		return false
	}
	switch p := k.Public.(type) {
	case *ecdsa.PublicKey:
		q, ok := other.Public.(*ecdsa.PublicKey)
		return ok && (p == q || p.Equal(q))
	case *rsa.PublicKey:
		q, ok := other.Public.(*rsa.PublicKey)
		return ok && (p == q || p.Equal(q))
	case ed25519.PublicKey:
		return p.Equal(other.Public)
	}
	return false
}

// StaticKeys is a KeySet that doesn't change, by kid.
type StaticKeys map[string]Key

var _ KeySet = StaticKeys(nil)

// ParseKeys reads a JWK set (RFC 7517 §5) that came by another way than the
// network. Keys that can't be used are left out; none left is an error.
func ParseKeys(jwks []byte) (StaticKeys, error) {
	keys, err := parseJWKS(jwks)
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Key returns the key by kid, or ErrUnknownKey.
func (s StaticKeys) Key(_ context.Context, kid string) (Key, error) {
	if key, ok := s[kid]; ok {
		return key, nil
	}
	return Key{}, unknownKey(kid)
}

func unknownKey(kid string) error { return fmt.Errorf("%w: kid %.64q", ErrUnknownKey, kid) }

package keys

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxKID bounds a kid that isn't ours, in bytes.
const maxKID = 128

// parsedKey is a key in PEM or JWK that was read and not yet trusted with anything.
type parsedKey struct {
	kid     string               // the JWK's; empty where it had none
	alg     Algorithm            // the JWK's; empty where it had none
	public  crypto.PublicKey     // never nil
	private func() crypto.Signer // nil for a public key
}

// parseKey reads one private or public key: a PEM block (PKCS #8, PKCS #1, SEC 1, PKIX) or a JWK. Its errors hold
// nothing of what was given. ErrImport.
func parseKey(b []byte) (*parsedKey, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) > maxImport:
		return nil, fmt.Errorf("%w: over %d bytes", ErrImport, maxImport)
	case len(b) > 0 && b[0] == '{':
		return parseJWK(b)
	}
	return parsePEM(b)
}

func parsePEM(b []byte) (*parsedKey, error) {
	block, rest := pem.Decode(b)
	switch {
	case block == nil:
		return nil, fmt.Errorf("%w: neither PEM nor a JWK", ErrImport)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, fmt.Errorf("%w: more than one PEM block: import one key at a time", ErrImport)
	case len(block.Headers) > 0:
		return nil, fmt.Errorf("%w: the PEM block has headers, as encrypted keys do: decrypt it first (`openssl pkcs8 -topk8 -nocrypt`)", ErrImport)
	}
	key, err := parseDER(block)
	if err != nil {
		return nil, err
	}
	return newParsedKey(key)
}

// parseDER goes by the block's type. What x509 says isn't passed on: it may quote what it read.
func parseDER(block *pem.Block) (key any, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("%w: the key is encrypted: decrypt it first (`openssl pkcs8 -topk8 -nocrypt`)", ErrImport)
	default:
		return nil, fmt.Errorf("%w: a PEM block of type %.40q holds no key of ours", ErrImport, block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the PEM block of type %q can't be read", ErrImport, block.Type)
	}
	return key, nil
}

func parseJWK(b []byte) (*parsedKey, error) {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(b, &jwk); err != nil || !jwk.Valid() {
		return nil, fmt.Errorf("%w: the JWK can't be read: one object with kty and its members is wanted", ErrImport)
	}
	if jwk.Use != "" && jwk.Use != "sig" { // RFC 7517 §4.2
		return nil, fmt.Errorf("%w: the JWK is for %.20q, not for signing", ErrImport, jwk.Use)
	}
	p, err := newParsedKey(jwk.Key)
	if err != nil {
		return nil, err
	}
	p.kid, p.alg = jwk.KeyID, Algorithm(jwk.Algorithm)
	return p, nil
}

func newParsedKey(key any) (*parsedKey, error) {
	if private, ok := key.(crypto.Signer); ok {
		if k, isRSA := key.(*rsa.PrivateKey); isRSA {
			if err := k.Validate(); err != nil {
				return nil, fmt.Errorf("%w: the RSA key's numbers don't fit each other", ErrImport)
			}
		}
		return &parsedKey{public: private.Public(), private: func() crypto.Signer { return private }}, nil
	}
	if _, ok := key.(interface{ Equal(crypto.PublicKey) bool }); !ok {
		return nil, fmt.Errorf("%w: a key of type %T neither signs nor verifies", ErrImport, key)
	}
	return &parsedKey{public: key}, nil
}

// settle decides the algorithm and the kid, and refuses what doesn't fit.
func (p *parsedKey) settle(q ImportRequest) (err error) {
	if p.alg != "" && q.Alg != "" && p.alg != q.Alg {
		return fmt.Errorf("%w: the JWK is for %.20q, not %.20q", ErrImport, p.alg, q.Alg)
	}
	if p.alg == "" {
		p.alg = q.Alg
	}
	if p.alg == "" {
		if p.alg, err = algorithmOf(p.public); err != nil {
			return fmt.Errorf("%w: %w", ErrImport, err)
		}
	}
	if err := p.alg.check(p.public); err != nil {
		return fmt.Errorf("%w: %w", ErrImport, err)
	}
	return p.settleKID(q.KID)
}

func (p *parsedKey) settleKID(wanted string) (err error) {
	if wanted != "" {
		p.kid = wanted
	}
	if p.kid == "" {
		p.kid, err = thumbprint(p.public)
		return err
	}
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }
	if len(p.kid) > maxKID || strings.ContainsFunc(p.kid, odd) {
		return fmt.Errorf("%w: a kid has at most %d printable ASCII characters without space, quote and backslash", ErrImport, maxKID)
	}
	return nil
}

// printOf is the thumbprint of a public JWK in JSON.
func printOf(jwk json.RawMessage) (string, error) {
	var k jose.JSONWebKey
	if err := json.Unmarshal(jwk, &k); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return thumbprint(k.Key)
}

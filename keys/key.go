package keys

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/signet-oidc/signet/discovery"
)

// Key is a handle on a signing key: it signs and never shows its private part. It is a crypto.Signer, immutable and safe
// for concurrent use.
//
// The private key is reached through a function: package fmt follows pointers and interfaces in unexported fields under a
// verb that doesn't fit them, and never a function.
type Key struct {
	id      string
	alg     Algorithm
	public  crypto.PublicKey
	private func() crypto.Signer
	prefix  map[string]string // by typ: the encoded protected header and its dot, for the tokens that Signet writes
}

var _ crypto.Signer = (*Key)(nil)

// newKey prepares a handle.
func newKey(id string, alg Algorithm, signer crypto.Signer) (*Key, error) {
	private := func() crypto.Signer { return signer }
	k := &Key{id: id, alg: alg, public: signer.Public(), private: private, prefix: map[string]string{}}
	for _, typ := range []string{discovery.TypeAccessToken, discovery.TypeIDToken, discovery.TypeLogoutToken, discovery.TypeStatusList} {
		prefix, err := k.header(typ)
		if err != nil {
			return nil, err
		}
		k.prefix[typ] = prefix
	}
	return k, nil
}

// headerOnly stands in for a key while go-jose writes a protected header.
type headerOnly struct{ k *Key }

func (h headerOnly) Public() *jose.JSONWebKey {
	return &jose.JSONWebKey{Key: h.k.Public(), KeyID: h.k.id}
}
func (h headerOnly) Algs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.k.alg)}
}
func (headerOnly) SignPayload([]byte, jose.SignatureAlgorithm) ([]byte, error) { return []byte{0}, nil }

// header lets go-jose write the protected header of a type, and returns it encoded. go-jose itself writes it anew, by way
// of two maps and JSON, at every signature, which costs half as much again as an ES256 signature does.
func (k *Key) header(typ string) (string, error) {
	options := new(jose.SignerOptions).WithType(jose.ContentType(typ))
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: headerOnly{k}}, options)
	if err != nil {
		return "", fmt.Errorf("keys: prepare %s key %s: %w", k.alg, k.id, err)
	}
	signed, err := s.Sign(nil)
	if err != nil {
		return "", fmt.Errorf("keys: prepare %s key %s: %w", k.alg, k.id, err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("keys: prepare %s key %s: %w", k.alg, k.id, err)
	}
	return compact[:strings.IndexByte(compact, '.')+1], nil
}

// ID is the kid: the RFC 7638 thumbprint, or what an imported key was known by.
func (k *Key) ID() string { return k.id }

// Algorithm is the one algorithm the key signs with.
func (k *Key) Algorithm() Algorithm { return k.alg }

// Public returns the public part: *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Sign is crypto.Signer's.
func (k *Key) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.private().Sign(rand, digest, opts)
}

// SignJWS signs a payload as a compact JWS (RFC 7515 §7.1) whose protected header holds alg, kid and typ and no more:
// strict readers refuse others.
func (k *Key) SignJWS(typ string, payload []byte) (string, error) {
	prefix, ok := k.prefix[typ]
	if !ok {
		var err error
		if prefix, err = k.header(typ); err != nil {
			return "", err
		}
	}
	encoding := base64.RawURLEncoding
	token := make([]byte, 0, len(prefix)+encoding.EncodedLen(len(payload))+1+encoding.EncodedLen(rsaMaxBits/8))
	token = encoding.AppendEncode(append(token, prefix...), payload)
	sig, err := k.alg.sign(k.private(), token)
	if err != nil {
		return "", fmt.Errorf("keys: sign with %s: %w", k.id, err)
	}
	return string(encoding.AppendEncode(append(token, '.'), sig)), nil
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

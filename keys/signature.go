package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var errSignature = errors.New("keys: the provider's signature has no form of its algorithm")

// sign returns the JWS signature of an input. (go-jose's cryptosigner does this too, but signs PS256 with the longest salt
// that fits, where RFC 7518 §3.5 asks for one as long as the hash.)
func (a Algorithm) sign(s crypto.Signer, input []byte) ([]byte, error) {
	switch a {
	case ES256:
		sum := sha256.Sum256(input)
		return signECDSA(s, sum[:], crypto.SHA256, 32)
	case ES384:
		sum := sha512.Sum384(input)
		return signECDSA(s, sum[:], crypto.SHA384, 48)
	case RS256:
		sum := sha256.Sum256(input)
		return s.Sign(rand.Reader, sum[:], crypto.SHA256)
	case PS256:
		sum := sha256.Sum256(input)
		return s.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	case EdDSA: // RFC 8037 §3.1: the input itself
		return s.Sign(rand.Reader, input, crypto.Hash(0))
	}
	return nil, fmt.Errorf("%w: %.20q", ErrAlgorithm, a)
}

// signECDSA turns what crypto.Signer gives, an ASN.1 sequence of two integers, into what a JWS has: both, padded to size
// and joined (RFC 7518 §3.4).
func signECDSA(signer crypto.Signer, digest []byte, h crypto.Hash, size int) ([]byte, error) {
	der, err := signer.Sign(rand.Reader, digest, h)
	if err != nil {
		return nil, err
	}
	var r, s, inner cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer((*[]byte)(&r)) || !inner.ReadASN1Integer((*[]byte)(&s)) || !inner.Empty() ||
		len(r) > size || len(s) > size {
		return nil, errSignature
	}
	out := make([]byte, 2*size)
	copy(out[size-len(r):size], r)
	copy(out[2*size-len(s):], s)
	return out, nil
}

package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
)

// Algorithm is a JWS algorithm (RFC 7518 §3.1, RFC 8037 §3.1) that Signet signs with.
type Algorithm string

// The algorithms that Signet knows.
const (
	ES256 Algorithm = "ES256"
	RS256 Algorithm = "RS256"
	ES384 Algorithm = "ES384"
	PS256 Algorithm = "PS256"
	EdDSA Algorithm = "EdDSA"
)

// Sizes of RSA keys in bits. Below 2048 is forbidden (RFC 7518 §3.3); above 4096 a signature costs so much that a few
// logins fill a core.
const (
	rsaBits    = 2048
	rsaMinBits = 2048
	rsaMaxBits = 4096
)

// Algorithms lists what Signet knows, the usual first.
func Algorithms() []Algorithm { return []Algorithm{ES256, RS256, ES384, PS256, EdDSA} }

// Known reports whether Signet knows a.
func (a Algorithm) Known() bool { return slices.Contains(Algorithms(), a) }

// UnmarshalText reads a known algorithm, so that a setting or a body can't name another.
func (a *Algorithm) UnmarshalText(text []byte) error {
	if !Algorithm(text).Known() {
		return fmt.Errorf("%w: %.20q, want one of %v", ErrAlgorithm, text, Algorithms())
	}
	*a = Algorithm(text)
	return nil
}

// check reports whether pub is a key for a, of a kind and size that may be trusted.
func (a Algorithm) check(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if want := a.curve(); want == nil || k.Curve != want {
			return fmt.Errorf("%w: %s doesn't go with a key on curve %s", ErrAlgorithm, a, k.Curve.Params().Name)
		}
		if _, err := k.ECDH(); err != nil { // refuses a point that isn't on the curve
			return fmt.Errorf("%w: %w", ErrAlgorithm, err)
		}
		return nil
	case *rsa.PublicKey:
		return a.checkRSA(k)
	case ed25519.PublicKey:
		if a != EdDSA || len(k) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: %s doesn't go with an Ed25519 key", ErrAlgorithm, a)
		}
		return nil
	}
	return fmt.Errorf("%w: %s doesn't go with a key of type %T", ErrAlgorithm, a, pub)
}

func (a Algorithm) curve() elliptic.Curve {
	switch a {
	case ES256:
		return elliptic.P256()
	case ES384:
		return elliptic.P384()
	}
	return nil
}

func (a Algorithm) checkRSA(k *rsa.PublicKey) error {
	switch bits := k.N.BitLen(); {
	case a != RS256 && a != PS256:
		return fmt.Errorf("%w: %s doesn't go with an RSA key", ErrAlgorithm, a)
	case bits < rsaMinBits || bits > rsaMaxBits:
		return fmt.Errorf("%w: an RSA key of %d bits; %d to %d are allowed", ErrAlgorithm, bits, rsaMinBits, rsaMaxBits)
	case k.E < 3 || k.E%2 == 0:
		return fmt.Errorf("%w: an RSA exponent of %d", ErrAlgorithm, k.E)
	}
	return nil
}

// algorithmOf guesses the algorithm of a key that doesn't say it: RS256 for RSA, which may also sign PS256.
func algorithmOf(pub crypto.PublicKey) (Algorithm, error) {
	for _, a := range []Algorithm{ES256, RS256, ES384, EdDSA} {
		if a.check(pub) == nil {
			return a, nil
		}
	}
	if k, ok := pub.(*rsa.PublicKey); ok {
		return "", RS256.checkRSA(k)
	}
	return "", fmt.Errorf("%w: no algorithm of %v goes with this key", ErrAlgorithm, Algorithms())
}

// sortRank orders algorithms in what is published, the same on every replica.
func (a Algorithm) sortRank() int { return slices.Index(Algorithms(), a) }

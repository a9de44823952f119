package verifier

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/signet-oidc/signet/verifier/jws"
)

// This is the one file that knows jwx: it turns one JWK at a time into a public
// key of the standard library. The set around it and the members that decide
// (use, alg, kid, private parts) are read by our own strict reader, and the key
// that comes out is checked again by jws.CheckKey.

// Bounds on a JWK set.
const (
	maxJWKS = 512 << 10 // bytes
	maxKeys = 256
)

// errNoKeys says that a set holds nothing to check a signature with. Such a set
// never replaces a good one.
var errNoKeys = errors.New("jwks: no usable key")

// parseJWKS reads a JWK set. A key that is private, symmetric, weak, absurd, of
// an unknown type or not for signatures is left out, the others are kept
// (RFC 7517 §5).
func parseJWKS(text []byte) (map[string]Key, error) {
	raws, err := splitJWKS(string(text))
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	keys := make(map[string]Key, len(raws))
	for _, raw := range raws {
		key, err := parseJWK(raw)
		if _, twice := keys[key.ID]; err == nil && !twice {
			keys[key.ID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}

// splitJWKS returns the elements of the keys member as they stand.
func splitJWKS(text string) (raws []string, err error) {
	if len(text) > maxJWKS {
		return nil, errors.New("larger than 512 KiB")
	}
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		if m.Name != "keys" {
			continue
		}
		for a := r.Array(); a.Next(&r); {
			if len(raws) == maxKeys {
				return nil, errors.New("more than 256 keys")
			}
			raws = append(raws, r.Raw())
		}
	}
	return raws, r.End()
}

// parseJWK reads one key, or says why it is left out.
func parseJWK(raw string) (Key, error) {
	head, err := readJWKHead(raw)
	if err != nil {
		return Key{}, err
	}
	public, err := parsePublic(raw)
	if err != nil {
		return Key{}, err
	}
	if err := jws.CheckKey(public); err != nil {
		return Key{}, err
	}
	alg, err := algorithmOf(head.Algorithm, public)
	return Key{ID: head.ID, Algorithm: alg, Public: public}, err
}

// readJWKHead reads the members that say whether a key is for us.
func readJWKHead(raw string) (Key, error) {
	var k Key
	use, ops, hasOps := "sig", []string(nil), false
	r := jws.NewReader(raw)
	for m := r.Object(); m.Next(&r); {
		switch m.Name {
		case "kid":
			k.ID = r.String()
		case "alg":
			k.Algorithm = r.String()
		case "use":
			use = r.String()
		case "key_ops":
			ops, hasOps = r.Strings(nil), true
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv":
			return Key{}, errors.New("jwk: private or symmetric")
		}
	}
	switch {
	case r.End() != nil:
		return Key{}, r.End()
	case k.ID == "":
		return Key{}, errors.New("jwk: no kid")
	case use != "sig" || hasOps && !slices.Contains(ops, "verify"):
		return Key{}, errors.New("jwk: not for signatures")
	}
	return k, nil
}

// algorithmOf settles what a key is for. Without alg its type and curve decide;
// an RSA key without one may do RS256 and PS256, which stays "".
func algorithmOf(alg string, public crypto.PublicKey) (string, error) {
	if alg != "" && !jws.Fits(alg, public) {
		return "", fmt.Errorf("jwk: alg %.16q with a %T", alg, public)
	}
	if alg != "" {
		return alg, nil
	}
	for _, candidate := range []string{jws.ES256, jws.ES384, jws.EdDSA} {
		if jws.Fits(candidate, public) {
			return candidate, nil
		}
	}
	return "", nil
}

// parsePublic is jwx's share.
func parsePublic(raw string) (crypto.PublicKey, error) {
	key, err := jwk.ParseKey([]byte(raw))
	if err != nil {
		return nil, fmt.Errorf("jwk: %w", err)
	}
	var public any
	if err := key.Raw(&public); err != nil {
		return nil, fmt.Errorf("jwk: %w", err)
	}
	switch public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return public, nil
	}
	return nil, fmt.Errorf("jwk: type %T", public)
}

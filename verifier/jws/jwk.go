package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
)

// Bounds on RSA keys: below, they can be factored; above, a check is a burden
// somebody else chose for us.
const (
	MinRSA = 2048
	MaxRSA = 8192
)

// CheckKey says why key shouldn't be used, or nil: RSA of 2048 to 8192 bits with
// an odd exponent of 3 or more, a point on P-256 or P-384, or Ed25519. Errors
// wrap ErrKey.
func CheckKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(k)
	case *ecdsa.PublicKey:
		return checkEC(k)
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: Ed25519 of %d bytes", ErrKey, len(k))
		}
		return nil
	}
	return fmt.Errorf("%w: type %T", ErrKey, key)
}

func checkRSA(k *rsa.PublicKey) error {
	if k == nil || k.N == nil || k.N.Sign() <= 0 {
		return fmt.Errorf("%w: RSA without a modulus", ErrKey)
	}
	if bits := k.N.BitLen(); bits < MinRSA || bits > MaxRSA {
		return fmt.Errorf("%w: RSA of %d bits", ErrKey, bits)
	}
	if k.N.Bit(0) == 0 {
		return fmt.Errorf("%w: RSA with an even modulus", ErrKey)
	}
	// crypto/rsa refuses exponents over 2^31-1 on its own; we say so early.
	if k.E < 3 || k.E&1 == 0 || int64(k.E) > 1<<31-1 {
		return fmt.Errorf("%w: RSA with exponent %d", ErrKey, k.E)
	}
	return nil
}

func checkEC(k *ecdsa.PublicKey) error {
	if k == nil || k.Curve != elliptic.P256() && k.Curve != elliptic.P384() {
		return fmt.Errorf("%w: not on P-256 or P-384", ErrKey)
	}
	if _, err := k.ECDH(); err != nil {
		return fmt.Errorf("%w: point not on its curve", ErrKey)
	}
	return nil
}

// jwk holds the members of a JWK that matter here.
type jwk struct {
	kty, crv, x, y, n, e string
}

// ParseKey reads a public JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2) that came
// with a message, and checks it as CheckKey does. A JWK with a private part is
// refused: whoever sent it has lost it.
func ParseKey(text string) (crypto.PublicKey, error) {
	k, err := readJWK(text)
	if err != nil {
		return nil, err
	}
	key, err := k.public()
	if err != nil {
		return nil, err
	}
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

func readJWK(text string) (jwk, error) {
	var k jwk
	r := NewReader(text)
	for m := r.Object(); m.Next(&r); {
		switch m.Name {
		case "kty":
			k.kty = r.String()
		case "crv":
			k.crv = r.String()
		case "x":
			k.x = r.String()
		case "y":
			k.y = r.String()
		case "n":
			k.n = r.String()
		case "e":
			k.e = r.String()
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv":
			r.Fail(fmt.Errorf("%w: JWK with a private part", ErrKey))
		}
	}
	return k, r.End()
}

func (k jwk) public() (crypto.PublicKey, error) {
	switch {
	case k.kty == "EC" && k.crv == "P-256":
		return k.ec(elliptic.P256(), 32)
	case k.kty == "EC" && k.crv == "P-384":
		return k.ec(elliptic.P384(), 48)
	case k.kty == "RSA":
		return k.rsa()
	case k.kty == "OKP" && k.crv == "Ed25519":
		x, err := Decode(nil, k.x)
		return ed25519.PublicKey(x), err
	}
	return nil, fmt.Errorf("%w: JWK of type %.16q", ErrKey, k.kty)
}

// ec reads a point; RFC 7518 §6.2.1.2 wants coordinates at their full length.
func (k jwk) ec(curve elliptic.Curve, size int) (crypto.PublicKey, error) {
	point := append(make([]byte, 0, 1+2*size), 4) // SEC 1 §2.3.3: uncompressed
	for i, coordinate := range []string{k.x, k.y} {
		var err error
		if point, err = Decode(point, coordinate); err != nil {
			return nil, err
		}
		if len(point) != 1+(i+1)*size {
			return nil, fmt.Errorf("%w: coordinate of the wrong length", ErrKey)
		}
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("%w: point not on its curve", ErrKey)
	}
	return key, nil
}

func (k jwk) rsa() (crypto.PublicKey, error) {
	n, err := Decode(nil, k.n)
	if err != nil {
		return nil, err
	}
	e, err := Decode(nil, k.e)
	if err != nil {
		return nil, err
	}
	if len(n) > MaxRSA/8 || len(e) == 0 || len(e) > 4 || n == nil {
		return nil, fmt.Errorf("%w: RSA of absurd size", ErrKey)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}

// Thumbprint is the JWK SHA-256 thumbprint of key (RFC 7638 §3) in base64url.
func Thumbprint(key crypto.PublicKey) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	var text bytes.Buffer
	switch k := key.(type) {
	case *rsa.PublicKey:
		e := big.NewInt(int64(k.E)).Bytes()
		fmt.Fprintf(&text, `{"e":%q,"kty":"RSA","n":%q}`, b64(e), b64(k.N.Bytes()))
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrKey, err)
		}
		size := (len(point) - 1) / 2
		fmt.Fprintf(&text, `{"crv":%q,"kty":"EC","x":%q,"y":%q}`, k.Curve.Params().Name, b64(point[1:1+size]), b64(point[1+size:]))
	case ed25519.PublicKey:
		fmt.Fprintf(&text, `{"crv":"Ed25519","kty":"OKP","x":%q}`, b64(k))
	}
	sum := sha256.Sum256(text.Bytes())
	return b64(sum[:]), nil
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

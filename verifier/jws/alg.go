package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"sync"
)

// The algorithms this package checks (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	ES256 = "ES256"
	ES384 = "ES384"
	RS256 = "RS256"
	PS256 = "PS256"
	EdDSA = "EdDSA"
)

// Known says whether alg is one this package checks.
func Known(alg string) bool {
	switch alg {
	case ES256, ES384, RS256, PS256, EdDSA:
		return true
	}
	return false
}

// Fits says whether key can be one for alg, by its type and curve.
func Fits(alg string, key crypto.PublicKey) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return alg == ES256 && k.Curve == elliptic.P256() || alg == ES384 && k.Curve == elliptic.P384()
	case *rsa.PublicKey:
		return alg == RS256 || alg == PS256
	case ed25519.PublicKey:
		return alg == EdDSA
	}
	return false
}

// verify is one switch by algorithm; each arm is the standard library's call.
func (w *workspace) verify(alg string, key crypto.PublicKey, signed, sig []byte) error {
	if !Fits(alg, key) {
		return fmt.Errorf("%w: %.16q with a %T", ErrAlgorithm, alg, key)
	}
	if w.holds(alg, key, signed, sig) {
		return nil
	}
	return ErrSignature
}

// workspace is what the standard library's calls are given pointers to. They drag
// it onto the heap, so it is used again.
type workspace struct {
	digest [sha512.Size384]byte
	der    [2 + 2*(3+48)]byte
}

var workspaces sync.Pool

func newWorkspace() *workspace {
	if w, ok := workspaces.Get().(*workspace); ok {
		return w
	}
	return new(workspace)
}

// RFC 7518 §3.5: the salt is as long as the hash.
var pss = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

func (w *workspace) holds(alg string, key crypto.PublicKey, signed, sig []byte) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return w.holdsECDSA(k, w.hash(alg, signed), sig)
	case *rsa.PublicKey:
		if alg == PS256 {
			return rsa.VerifyPSS(k, crypto.SHA256, w.hash(alg, signed), sig, pss) == nil
		}
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, w.hash(alg, signed), sig) == nil
	case ed25519.PublicKey:
		return len(k) == ed25519.PublicKeySize && ed25519.Verify(k, signed, sig)
	}
	return false
}

// hash is the digest that alg signs.
func (w *workspace) hash(alg string, signed []byte) []byte {
	if alg == ES384 {
		w.digest = sha512.Sum384(signed)
		return w.digest[:]
	}
	sum := sha256.Sum256(signed)
	return w.digest[:copy(w.digest[:], sum[:])]
}

// holdsECDSA checks a signature that is r and s side by side (RFC 7518 §3.4), each
// as long as the digest, by putting it into the form crypto/ecdsa takes.
func (w *workspace) holdsECDSA(key *ecdsa.PublicKey, digest, sig []byte) bool {
	size := len(digest)
	if len(sig) != 2*size {
		return false
	}
	der := append(w.der[:0], 0x30, 0)
	der = appendInteger(der, sig[:size])
	der = appendInteger(der, sig[size:])
	der[1] = byte(len(der) - 2) // at most 102: the short form
	return ecdsa.VerifyASN1(key, digest, der)
}

// appendInteger appends n, unsigned and big-endian, as an INTEGER of DER.
func appendInteger(der, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	if n[0]&0x80 != 0 {
		der = append(der, 0x02, byte(len(n)+1), 0)
		return append(der, n...)
	}
	der = append(der, 0x02, byte(len(n)))
	return append(der, n...)
}

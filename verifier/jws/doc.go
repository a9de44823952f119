// Package jws reads compact JSON Web Signatures (RFC 7515) and the JSON inside
// them, and is strict about both.
//
// It owns the syntax (the alphabet, the three parts, canonical base64url, JSON
// without ambiguity), the header rules that don't depend on who asks (no crit,
// no b64, no zip, no key by reference), the signature check by the standard
// library, and public keys as they stand in a header ("jwk") with their
// RFC 7638 thumbprints.
//
// It doesn't own trust: which algorithm is allowed, which key belongs to whom,
// what a claim has to say. Those are package verifier's for access tokens, and
// package dpop's and the issuer's for proofs and client assertions.
//
// It imports the standard library alone, and never signs.
//
// # The order that keeps it safe
//
// [Split] takes a token apart, [ReadHeader] reads its header, [Parts.Verify]
// checks the signature with a key that the caller chose, and only then should
// [Parts.Payload] be asked for and read with a [Reader].
package jws

import "errors"

// Bounds on what is read. A token of Signet is about 900 bytes.
const (
	MaxToken    = 16 << 10 // bytes of a compact token
	MaxDepth    = 32       // levels of arrays and objects
	MaxNumber   = 64       // bytes of a number literal
	MaxExponent = 3        // digits of a number's exponent
)

var (
	// ErrMalformed says that the input isn't a token, or a JSON text, that this
	// package takes. The error that wraps it says why.
	ErrMalformed = errors.New("malformed token")

	// ErrAlgorithm says that the algorithm is unknown, not allowed, or not the
	// key's own.
	ErrAlgorithm = errors.New("algorithm not allowed")

	// ErrSignature says that the signature doesn't hold.
	ErrSignature = errors.New("bad signature")

	// ErrKey says that a public key is unusable: weak, absurd, private or of a
	// type this package doesn't know.
	ErrKey = errors.New("unusable key")
)

// malformed is a reason that wraps ErrMalformed. A constant of it costs no
// allocation, so that refusing garbage stays cheap.
type malformed string

func (m malformed) Error() string { return "malformed token: " + string(m) }
func (m malformed) Unwrap() error { return ErrMalformed }

package dpop

import "errors"

var (
	// ErrProof says that a proof is missing, malformed, old, of another key,
	// request or token, or was seen before. What wraps it says why.
	ErrProof = errors.New("bad proof of possession")

	// ErrReplay is an ErrProof: this proof was seen before.
	ErrReplay = errors.New("proof seen before")

	// ErrNonce is an ErrProof: the proof needs a nonce of the server's
	// (RFC 9449 §8): answer use_dpop_nonce with a fresh one.
	ErrNonce = errors.New("proof needs a nonce")
)

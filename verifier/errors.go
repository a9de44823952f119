package verifier

import (
	"errors"

	"github.com/signet-oidc/signet/verifier/dpop"
	"github.com/signet-oidc/signet/verifier/jws"
)

// Why a token was refused, for errors.Is. The text of an error is for logs and
// says more than a client should read; [ProblemOf] says what a client may.
var (
	// ErrMalformed: not a compact token, or not JSON, or a claim of a wrong type.
	ErrMalformed = jws.ErrMalformed
	// ErrAlgorithm: the algorithm is not allowed, or not the key's own.
	ErrAlgorithm = jws.ErrAlgorithm
	// ErrUnknownKey: the issuer publishes no key by this kid.
	ErrUnknownKey = errors.New("unknown key")
	// ErrSignature: the signature doesn't hold.
	ErrSignature = jws.ErrSignature
	// ErrType: the token is not an access token (typ at+jwt).
	ErrType = errors.New("not an access token")
	// ErrIssuer: another issuer's token.
	ErrIssuer = errors.New("wrong issuer")
	// ErrAudience: a token for somebody else.
	ErrAudience = errors.New("wrong audience")
	// ErrExpired: its time is over.
	ErrExpired = errors.New("token expired")
	// ErrNotYetValid: its time hasn't come.
	ErrNotYetValid = errors.New("token not yet valid")
	// ErrRevoked: its session was ended.
	ErrRevoked = errors.New("token revoked")
	// ErrProof: the token is bound to a key, and the proof is missing or wrong.
	ErrProof = dpop.ErrProof
	// ErrKeysUnavailable: the issuer's keys aren't known, or not known to be
	// good any more. It says nothing about the token: answer 503.
	ErrKeysUnavailable = errors.New("issuer's keys unavailable")
	// ErrStatusUnavailable: whether the session was revoked can't be told. It
	// says nothing about the token: answer 503.
	ErrStatusUnavailable = errors.New("token status unavailable")
)

// Why a request was refused before a token was looked at.
var (
	// ErrNoToken: the request carries no access token.
	ErrNoToken = errors.New("no access token")
	// ErrRequest: the request carries tokens in a form that can't be told apart,
	// for example two.
	ErrRequest = errors.New("ambiguous request")
	// ErrCrossSite: an unsafe cross-site request with a token in a cookie.
	ErrCrossSite = errors.New("cross-site request")
	// ErrInsufficient: the token is good, and doesn't allow this.
	ErrInsufficient = errors.New("insufficient scope or role")
)

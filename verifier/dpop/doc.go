// Package dpop checks proofs of possession (RFC 9449): that whoever presents a
// token, or asks for one, holds the private key it is bound to.
//
// It owns the proof: its signature by the key it carries, htm, htu, iat, ath,
// nonce, and the memory that keeps a proof from being used twice. The resource
// server (package verifier) and the issuer's token endpoint both use it; what the
// proof's key has to be bound to is theirs to say, by [Request.Thumbprint] or from
// [Proof.Thumbprint].
package dpop

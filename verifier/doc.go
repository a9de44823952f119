// Package verifier checks Signet's access tokens (RFC 9068) in a resource
// server, without asking anybody per request.
//
//	v, err := verifier.New(ctx, verifier.Config{
//		Issuer:   "https://auth.example.com",
//		Audience: "https://api.example.com",
//	})
//	if err != nil {
//		return err
//	}
//	defer v.Close()
//	mux.Handle("GET /admin", v.Middleware(verifier.RequireRole("admin")(h)))
//
// The issuer's keys and its status list are read in the background: a key that
// the issuer withdrew and a session that it revoked are refused within seconds,
// while the issuer's absence stops nobody. New works while the issuer is down;
// until its keys are known, Verify says ErrKeysUnavailable.
//
// # What it owns
//
// Trust in access tokens: algorithms, keys, claims, revocation, the cache of
// verified tokens; and what HTTP needs of it: the middleware, the challenges of
// RFC 6750, and the metadata of RFC 9728. Proofs of possession are package
// dpop's, the syntax of tokens is package jws's, asking the issuer per token is
// package introspect's, and a test issuer is in package verifiertest.
//
// # What it never does
//
// It takes no algorithm, key or address from a token (RFC 8725 §3.1): the alg
// must be allowed and the key's own, jku, jwk, x5u and x5c are refused, and the
// address of a status list must lie under the issuer's own. It writes no log and
// registers no metric: [Hooks] tell what happens.
//
// # Modules
//
// Public keys are parsed with github.com/lestrrat-go/jwx/v2/jwk, in jwks.go and
// nowhere else. Everything else is the standard library.
package verifier

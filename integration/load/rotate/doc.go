// Package rotate shows keys that rotate under load: several replicas of the
// real binary behind a plain proxy, on PostgreSQL and Redis, clients that
// refresh all the time, and four kinds of verifier that check every token they
// get, while keys rotate, one is revoked, a replica is killed and one is added.
//
//	ours           the verifier package
//	max-age        holds the key set for its whole max-age and never asks again
//	               because of an unknown kid
//	jose           node's createRemoteJWKSet, with its defaults
//	PyJWKClient    Python's PyJWT, with its defaults
//
// It owns the proxy, the clients, the verifiers, the script of what happens,
// and the counts: each request that failed after one retry, each token that was
// refused although its key wasn't revoked. It owns no figure of speed.
//
// `go test` runs a short form, of one rotation; `task load:rotate` one of twenty.
package rotate

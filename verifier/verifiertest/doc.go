// Package verifiertest is an issuer for tests of resource servers:
//
//	iss := verifiertest.New(t)
//	h := iss.Verifier(t, "https://api.example.com").Middleware(myHandler)
//	req.Header.Set("Authorization", "Bearer "+iss.Token())
//
// It makes tokens that are good, expired, for another audience, revoked, or signed
// by a key that was rotated or withdrawn; it can be down, slow or hostile; and it
// has a clock that tests move.
//
// It owns no port: the verifier reaches it through a RoundTripper in the same
// process, so that it also works inside testing/synctest. [NewServer] gives one
// that listens on loopback, for resource servers in other processes.
//
// The standard library alone signs here, so that a test which passes says
// something about the verifier and not about a library both share.
package verifiertest

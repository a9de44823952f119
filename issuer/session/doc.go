// Package session owns logins and sessions: a Login is a person in a browser or
// app, a Session is one client's share of it, with one family of refresh tokens.
//
// The life of a family: Begin makes generation 1 current; each Rotate makes the
// next one current, or answers a retry with the same successor again, or ends
// the family when a used-up token comes back (RFC 9700 §4.14.2). The rule table is
// Decide; engines obey it in one atomic operation.
//
// That a session exists and that it ended is the Ledger's (SQL); the generation
// is the Generations' (Redis, or SQL). The package knows no HTTP and no engine.
package session

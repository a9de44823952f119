// Package session owns logins and sessions: a Login is a person in a browser or
// app, a Session is one client's share of it, with one family of refresh tokens.
//
// The life of a family: Begin makes generation 1 current; each Rotate makes the
// next one current, or answers a retry with the same successor again, or ends
// the family when a used-up token comes back (RFC 9700 §4.14.2). The rule table is
// Decide (rotate.go); engines obey it in one atomic operation.
//
// [Sessions] is the one place that opens (sessions.go), exchanges (exchange.go),
// looks at (look.go) and ends (end.go) sessions; the text of a refresh token is
// in refresh.go, the status lists in status.go, what engines owe in store.go.
//
// That a session exists and that it ended is the Ledger's (SQL); the generation
// is the Generations' (Redis, or SQL). The package knows no HTTP and no engine.
package session

// Package grant holds what waits between two requests: an authorization request while
// a person looks at a page (Pending), one that a client has pushed (Pushed, RFC 9126), the
// code that a client will exchange (Code, RFC 6749 §4.1.2), what must not be seen twice
// (Once), and what a person has allowed a client for good (Consent).
//
// It owns their shape, their life and the rule that nothing which is kept can be
// presented: the store knows only hashes of names. It doesn't know how a request is
// read nor what is given for a code.
//
// That a code is used once isn't kept here. The session that a code opens has its id
// from the code; the ledger takes an id once. So the same insert that makes the session
// is what uses the code up, in every engine and through every failure.
package grant

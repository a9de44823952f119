// Package account owns people: their addresses, passwords and roles, and the
// bounded pool in which passwords are hashed.
//
// Service holds the rules (who may be registered, what a password must be, that
// an unknown user costs what a known one does); Hasher is the pool; Policy says
// which passwords are taken. Every bcrypt of the issuer runs in one Hasher, so
// that a flood of logins waits or is turned away and nothing else slows down.
//
// It knows no HTTP and no engine, nor sessions: it names them by their ids. It
// doesn't throttle (limit does, before the pool is asked) and it doesn't record
// failed logins (flow does).
package account

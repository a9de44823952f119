// Package issuer wires Signet: New(Config) makes an Issuer of an engine's
// Backend and the settings, with one list of routes and the loops that run behind
// them.
//
// It owns the wiring, the list of routes and the background loops. The rules are
// the nouns' (account, client, session, limit, token), joined by flow; HTTP is
// the faces' (oauth, api, admin).
package issuer

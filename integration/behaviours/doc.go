// Package behaviours says what a verifier of access tokens must do, as checks
// that any library can be put to over real HTTP: tokens that have to be
// refused, keys that are rotated, withdrawn or hostile, an issuer that is away,
// slow or endless, sessions that were revoked.
//
// It owns the list of behaviours, the issuer that misbehaves for them, and
// Signet's own column, which its test holds in every row. The other libraries'
// columns, and the table, are integration/scoreboard's: a module of its own, so
// that nobody who imports Signet pulls them.
//
// A library is set up as its documentation shows, with issuer, audience and
// expiry asked for, and with ES256 and RS256 allowed where it takes a list. A
// check that a token is refused always checks also that its good twin is taken,
// before and after.
//
// The issuer here signs with the standard library alone, and shares nothing with
// Signet's.
package behaviours

// Package outbound is the one guarded HTTP client through which Signet calls others: a client's jwks_uri and
// sector_identifier_uri, and back-channel logout.
//
// Whoever registers a client chooses these URLs, so they must not become a way into the operator's network. It owns
// which addresses may be called (asked at connect time, of the address that is really dialled, so that a name that
// resolves to another address the second time gains nothing), and that a call is https, follows no redirect, uses no
// proxy, carries no cookie or credential, and is bounded in size, time and number: a host has a few turns, a Client some
// more, and who waits for one is counted as well. Who must not wait behind strangers' calls has a Client of their own.
//
// It doesn't know what is fetched, caches nothing, and counts nothing itself: Config.Observe is told what came of a call.
package outbound

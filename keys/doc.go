// Package keys owns the keys that Signet signs with: the ring they stand in, when each of them signs and is published,
// how they are sealed at rest, and the moves an operator may make with them.
//
// # The ring
//
// For each algorithm a [Ring] holds one active key, one standby (published, not signing) and retired ones (published, not
// signing). A record in it stores times and no state:
//
//	created --------- activate ---------- retire ----------- remove ------------- (forgotten)
//	        standby            active              retired            removed
//	     published            published           published        not published
//	                            signs                              id_token_hint only
//
// and at any time revoked, which is trusted for nothing. The state is computed from the clock, so that all replicas
// switch at the same instant from one compare-and-swap write. The rules are in schedule.go, as pure functions of a
// record and a time; they are derived from what verifiers do, and none of them is a knob.
//
// The ring also holds the symmetric keys that refresh tokens are authenticated with (see [RefreshKey]).
//
// # The keeper
//
// A [Keeper] owns the snapshot: [Keeper.Ring] returns an immutable ring without a lock and without I/O, [Keeper.Reload]
// looks for a newer one in the [Store], [Keeper.Step] makes the one move that is due by itself, and [Keeper.Run] does
// both every second. Every change is one write of the whole ring with the version that it replaces; of two replicas that
// want the same, one wins and the other finds that nothing is left to do.
//
// A key is a crypto.Signer behind a handle, made by a [Provider]; the built-in one, [Software], keeps keys in memory.
//
// # What it doesn't own
//
// Where the ring is stored (issuer/store/sql implements [Store], and writes audit and the changes feed in the same
// transaction), HTTP, claims (issuer/token), logs and metrics: the package returns errors and offers [Hooks].
package keys

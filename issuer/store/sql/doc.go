// Package sql keeps everything an issuer keeps, in SQLite (embedded) or
// PostgreSQL: people, clients, the key ring, sessions' beginnings and ends,
// status indices, audit and the changes feed; and, where there is no Redis, the
// generations of refresh families and the limits too.
//
// It owns the schema (migrations/), transactions and what is durable when a call
// returns: all of it. It doesn't own rules: those are the nouns' (session.Decide
// says what a Rotate does). Statements are shared between the two databases;
// sqlite.go and postgres.go have what differs.
//
// # Tables
//
//	meta         the deployment id
//	users        people; email_norm is unique
//	clients      OAuth clients, one JSON document each
//	consents     what a person has allowed a client, and where
//	logins       a person in a browser or app; a browser's cookie is unique
//	sessions     the ledger: one insert at login, one update at the end
//	notices      clients that are still to be told of an end
//	generations  one narrow row a session, updated in place by each refresh
//	ring         one row: version and sealed document
//	audit, feed  what happened; what replicas must hear of
//	counters     the next free status index
//	waiting      what waits between two requests, until it expires
//	limits       one theoretical arrival time a key (GCRA)
//
// A change, its audit event and its feed entry are one transaction; where very many
// sessions end it is one for some hundreds of them, each with its entry, and with the
// notice where its client is to be told. What PostgreSQL does in one statement has no
// other transaction than that: an ordinary rotation, an ordinary session that is
// opened, and all of waiting. A request
// never takes a second connection while it holds one. The order of row locks is
// generation, user or client, session, login; where PostgreSQL finds a deadlock
// nonetheless, the transaction is tried again.
//
// # SQLite
//
// WAL with synchronous=FULL: what a call has returned survives a power cut. One
// goroutine owns the one writing connection; the changes that wait while it
// commits go into its next transaction together (group commit), each in a
// savepoint of its own. Readers have connections of their own and never wait.
//
// # PostgreSQL
//
// A bounded pool, read committed, row locks. While it doesn't answer, a breaker has
// calls fail at once (breaker.go); an error that it answers with trips nothing, so a
// database that takes no writes goes on being read.
package sql

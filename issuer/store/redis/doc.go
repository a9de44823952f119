// Package redis keeps what changes all the time in Redis 7.0 or later, or in
// Valkey: the generations of sessions, ended-marks, limits and what waits between
// two requests. One server, Sentinel and Cluster are alike to it.
//
// It owns the shape of the keys, the scripts, and how their failures are told
// apart. The rules aren't its own: scripts/rotate.lua mirrors session.Decide and
// scripts/take.lua the definition at limit.Store; the tests hold them to it.
// It keeps nothing that must not be lost: what is gone, the issuer restores
// from SQL (session.Ledger) when WentBack says so, and session by session when
// Rotate says Unknown.
//
// # Keys
//
// Everything has a TTL. A TTL cleans up and never decides: it is counted from
// the caller's now and outlasts what it serves by an hour (Grace), or by a minute
// where there are many (limits, what waits); whether something is over is computed
// from the now that each call brings.
//
//	signet:{7k}:7k0f3v2n8q1c5d9e4g6h0j2k8m        string, a session; the last part is its sid:
//	    0 12 3 1767225600000 1766620800000 0 0 0 1769212800000
//	                                                live (0), ended (1), or ended for reuse and
//	                                                the ledger doesn't know yet (u); current
//	                                                generation, refresh key id, idle end, last
//	                                                answer (both ms), streak, counted (0 or 1),
//	                                                last late generation, absolute end (ms)
//	    webapp                                      client; thumbprint of the bound key
//	    openid profile                              scope
//	    https://api.example.com                     audience
//	    0f3v2n8q1c5d9e4g6h0j2k8m7k 41               login, status index
//	    usr_2n8q1c5d9e4g6h0j2k8m7k0f3v 1766620800000
//	                                                user, auth time (ms)
//	    4 0 admin editor                            person: version, disabled, roles
//	signet:{7k}:unsettled                         set, the sids of this partition that begin with u
//	signet:{7k}:epoch:3q0c…process                string, how often this process has asked WentBack
//	signet:{DWoFdjLT3E9EhOEknDbSAg}:limit         string, the theoretical arrival time of a
//	                                                limit, µs; the tag is a hash of its key
//	signet:{wait:9s8Yk…}:waiting                  string, a document of Waiting: until when
//	    1767225600000 {"client":"webapp",…}         it lives (ms), a space, and its bytes; the tag
//	                                                is its name
//	signet:{once:Zq1Rt…}:waiting                  string, a name that Once remembers: until when
//	    1767225600000 6YQ2…                         (ms), and what the call is known by that was
//	                                                the first
//	signet:deployment                             string, the id of the database this belongs to
//
// A session that has ended and has no state here is the mark "1" alone. A session
// is one key of constant size, however often it refreshes: about 340 bytes.
// In values, a byte that would be mistaken for a separator is written %XX, and
// each element of a list is followed by a space.
//
// A string, not a hash: read by one GET and written by one SET with its TTL, a
// rotation takes 25 % less of Redis's CPU than by HMGET, HSET and PEXPIRE, and
// no long field makes Redis unpack it to twice the bytes (hash-max-listpack-value).
//
// # Partitions
//
// The hash tag of a session is the first two characters of its sid: 1,024
// partitions, which is as even on a Cluster as the sid itself would be, for it
// is random. It isn't the whole sid because a session that ends for reuse must
// be listed as unsettled in the same atomic step, and a script may touch one
// slot only. With a list elsewhere, written afterwards, a crash between the two
// would leave a family ended here and alive in SQL until somebody meets it, or
// a SCAN over all sessions to find it; so there is no such moment. Listing asks
// the 1,024 partitions in eight pipelines, about a millisecond of Redis.
//
// # Round trips
//
// Rotate, Take, Begin and Look are one command each. End, Update, Settle and
// Unsettled are pipelines. Scripts go by their hash; a server that has lost
// them (restart, failover) is sent the text by the first call that notices.
//
// Calls of scripts that wait at the same time go in one pipeline (together.go), but
// not on a Cluster. BenchmarkRotate measured, CPU of this process and of Redis
// for one rotation: with 64 waiting 39 µs instead of 65, with 8 waiting 80 instead
// of 95, alone the same. The driver's AutoPipeline saves as much with 64, but takes
// 70 % more when a call is alone: each wakes its flusher.
//
// # A user of its own
//
// What an ACL user must be able to do, and no more than that (without CONFIG,
// which only Advice would like):
//
//	ACL SETUSER signet on >PASSWORD ~signet:* -@all +@connection +@set +@string +@scripting +@keyspace -@dangerous +info
//
// and on a Cluster +cluster|slots +cluster|shards.
//
// # Failures
//
// An operation ends within Config.Timeout. Whatever says that the server can't
// serve now is store.ErrUnavailable: unreachable, too slow, LOADING, READONLY,
// CLUSTERDOWN, OOM and their like, and a refused login. A caller who gave up
// gets context.Canceled. A lost connection is retried once, which is safe: a
// Rotate whose answer was lost is answered by the retry rule, as any client's
// retry is; Begin, End, Update, Settle and Put are idempotent; Once knows its own
// call again; a limit's Take counts twice; and a document that was taken by a call
// whose answer was lost is gone, as one that has expired.
package redis

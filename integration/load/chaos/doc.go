// Package chaos shows that a session survives what networks and stores do to it,
// and that a thief doesn't: two replicas of the real binary on PostgreSQL and
// Redis, clients that lose one answer in five, retry, open two tabs and sleep, a
// thief, and stores that go away and go back.
//
//	owner   a client with a session; it refreshes all the time, and must never be
//	        logged out
//	thief   has a copy of an owner's token, refreshes with it, and goes on with all
//	        tokens that it ever got
//	ghost   presents the tokens of a session after its owner has logged out
//
// Meanwhile replicas are killed (-9) and restarted, Redis is failed over to a
// replica that never heard of the last second, and flushed, and PostgreSQL is
// restarted.
//
// It owns these actors, the script of what happens, and the counts: owners logged
// out by anything but theft, sessions that live again after a logout, thieves
// still in after their owner's next ten refreshes. It owns no figure of speed.
//
// `go test` runs a short form of half a minute that holds the owners to nought;
// `task load:chaos` the whole, at the real pace and with the real settings.
package chaos

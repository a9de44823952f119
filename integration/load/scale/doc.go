// Package scale measures what a million sessions in Redis and ten million in the
// status lists cost: bytes, time, and memory that doesn't grow.
//
//	memory   sessions are begun in Redis by the engine itself; bytes each, and of
//	         one that has been refreshed a thousand times
//	soak     the real binary on that Redis, refreshed all the time: its memory
//	lists    all status lists of ten million sessions, packed and signed by the code
//	         that serves them, with 0.1, 1 and 5 % of the sessions ended
//	start    a database of as many sessions: how long a server reads before it serves
//
// It owns these figures. What they are held to are bytes and growth, never times.
//
// `go test` runs a small form of some seconds; `task load:scale` the whole, which
// takes some 3 GB of memory and disk.
package scale

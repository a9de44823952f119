// Package servers starts real servers for tests of any package: Redis,
// PostgreSQL and Signet's own binary, each a process of its own on a spare
// port or socket.
//
// It owns their start, their readiness, their output and their end: whatever
// it started ends with the test, and also when the test binary panics, times
// out or is killed; what runs on the machine already is never touched. It
// owns no test of Signet: those stand beside what they test, and in the
// other folders of integration.
//
//	redis := servers.Redis(t)                  // its own redis-server: URL, Kill, Restart
//	url := servers.Postgres(t)                 // an empty database in the test binary's one cluster
//	signet := servers.Signet(t, servers.Config{DatabaseURL: url, RedisURL: redis.URL})
//	resp, err := http.Get(signet.URL + "/.well-known/jwks.json")
//
// A server that isn't installed skips the test with a line that says how to
// get it. Under SIGNET_TEST_STRICT=1, which `task test` sets, it fails the
// test instead: a green run there has run everything.
package servers

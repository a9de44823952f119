// Package leaks searches what Signet logs, answers, prints and stores for what
// nobody may see: private keys, seal keys, refresh tokens, access tokens,
// passwords and client secrets.
//
// It owns the search, which knows a secret in every form in which programs
// spill bytes, and a run of the real binary that meets good input, bad input,
// wrong settings and a crash. It owns no secret type: keys/secret tests its own.
package leaks

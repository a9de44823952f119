package jws

import "unsafe"

// Text and bytes are the same memory seen as another type; copying a token between
// the two costs about as much as hashing it. These two functions are all of this
// package that needs package unsafe, and each states why nothing can change under
// a string.

// bytesOf is s as bytes, to be read: it is for the standard library's hashes and
// ed25519.Verify, which write to none of their inputs (io.Writer demands it of the
// first, and it holds of the second).
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// textOf is b as text. It is for bytes that were made just now and that nobody else
// holds or will write to.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

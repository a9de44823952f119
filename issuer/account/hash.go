package account

import "strings"

// Hash is a password hash in bcrypt's modular crypt format. It prints redacted:
// offline guessing needs no more than the hash.
type Hash string

// String hides the hash.
func (Hash) String() string { return "[hash]" }

// GoString hides the hash.
func (Hash) GoString() string { return "[hash]" }

// MarshalText hides the hash.
func (Hash) MarshalText() ([]byte, error) { return []byte("[hash]"), nil }

// NormalEmail is the form in which addresses are compared: without regard to
// case or surrounding white space.
func NormalEmail(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

package account

// Hash is a password hash in bcrypt's modular crypt format. It prints redacted:
// offline guessing needs no more than the hash.
type Hash string

// String hides the hash.
func (Hash) String() string { return "[hash]" }

// GoString hides the hash.
func (Hash) GoString() string { return "[hash]" }

// MarshalText hides the hash.
func (Hash) MarshalText() ([]byte, error) { return []byte("[hash]"), nil }

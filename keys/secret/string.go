package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

// Redacted is what every secret prints as.
const Redacted = "[redacted]"

// String is a secret text, such as a client's secret or a URL with a password in it. The zero value is empty.
type String struct{ p *string }

// New wraps s.
func New(s string) String {
	if s == "" {
		return String{}
	}
	return String{p: &s}
}

// Reveal returns the secret itself.
func (s String) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero reports whether there is no secret.
func (s String) IsZero() bool { return s.p == nil }

// Equal compares in constant time; two lengths that differ are hidden too.
func (s String) Equal(o String) bool { return equal([]byte(s.Reveal()), []byte(o.Reveal())) }

// UnmarshalText takes the text as it stands, so that settings can be read into a String.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}

// MarshalText, MarshalJSON, String, GoString and Format redact.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON redacts.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// String redacts; an empty secret prints empty, which helps to see what isn't set.
func (s String) String() string {
	if s.IsZero() {
		return ""
	}
	return Redacted
}

// GoString redacts.
func (s String) GoString() string { return s.String() }

// Format redacts under every verb, %x and %q among them.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// equal hashes first: ConstantTimeCompare alone tells lengths apart at once.
func equal(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

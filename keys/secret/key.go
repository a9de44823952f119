package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// KeySize is the size of a Key in bytes: an AES-256 key, or an HMAC-SHA-256 key of full strength.
const KeySize = 32

// maxSealKeys bounds how many seal keys a setting may list: the new one, the old one, and room for a slow change.
const maxSealKeys = 16

// ErrSealKey is returned by ParseSealKey and ParseSealKeys. Its text never holds any part of what was given.
var ErrSealKey = errors.New("a seal key must be 32 bytes in base64: make one with `openssl rand -base64 32`")

// Key is a symmetric key of 32 bytes. The zero value is no key.
//
// The bytes lie in a string: a pointer to an array would be followed by package fmt when a verb doesn't fit it (%s of a
// struct that holds a Key in an unexported field), and a pointer to a string isn't.
type Key struct{ p *string }

// GenerateKey makes a random key.
func GenerateKey() Key {
	var b [KeySize]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	s := string(b[:])
	return Key{p: &s}
}

// NewKey copies 32 bytes into a key.
func NewKey(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("secret: a key has %d bytes, not %d", KeySize, len(b))
	}
	s := string(b)
	return Key{p: &s}, nil
}

// ParseSealKey reads a key in base64, in either alphabet, padded or not.
func ParseSealKey(s string) (Key, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	s = strings.NewReplacer("+", "-", "/", "_").Replace(s)
	// encoding/base64 skips line ends; a key with one inside was cut or joined somewhere.
	if strings.ContainsAny(s, "\r\n") {
		return Key{}, ErrSealKey
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != KeySize {
		return Key{}, ErrSealKey
	}
	return NewKey(b)
}

// ParseSealKeys reads a list by comma: the first seals, all open. A key that comes twice is refused, since it shows a
// mistake in the making of a list that is meant to hold an old and a new one.
func ParseSealKeys(s string) ([]Key, error) {
	parts := strings.Split(s, ",")
	if len(parts) > maxSealKeys {
		return nil, fmt.Errorf("%d seal keys: at most %d", len(parts), maxSealKeys)
	}
	var out []Key
	for i, part := range parts {
		k, err := ParseSealKey(part)
		if err != nil {
			return nil, fmt.Errorf("seal key %d of %d: %w", i+1, len(parts), err)
		}
		for _, other := range out {
			if other.Equal(k) {
				return nil, fmt.Errorf("seal key %d of %d stands in the list twice", i+1, len(parts))
			}
		}
		out = append(out, k)
	}
	return out, nil
}

// Base64 returns the key in the form that ParseSealKey reads. Like Reveal it gives the secret away.
func (k Key) Base64() String { return New(base64.StdEncoding.EncodeToString(k.Reveal())) }

// Reveal returns a copy of the key's bytes; nil for the zero Key.
func (k Key) Reveal() []byte {
	if k.p == nil {
		return nil
	}
	return []byte(*k.p)
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.p == nil }

// Equal compares in constant time.
func (k Key) Equal(o Key) bool {
	return k.IsZero() == o.IsZero() && equal(k.Reveal(), o.Reveal())
}

// fingerprintLabel separates the fingerprint from everything else the key is used for.
const fingerprintLabel = "signet seal key fingerprint v1"

// Fingerprint names the key without giving it away: 12 hexadecimal digits of an HMAC under it. Empty for the zero Key.
func (k Key) Fingerprint() string {
	if k.IsZero() {
		return ""
	}
	mac := hmac.New(sha256.New, k.Reveal())
	mac.Write([]byte(fingerprintLabel))
	return hex.EncodeToString(mac.Sum(nil)[:6])
}

// MarshalText redacts.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// MarshalJSON redacts.
func (k Key) MarshalJSON() ([]byte, error) { return []byte(`"` + k.String() + `"`), nil }

// String redacts.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return Redacted
}

// GoString redacts.
func (k Key) GoString() string { return k.String() }

// Format redacts under every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

package account

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of a password.
const (
	// DefaultPasswordMin is NIST SP 800-63B-4 §3.1.1.2's least length for a
	// password used beside nothing else that this issuer also rate limits.
	DefaultPasswordMin = 8
	// MaxPassword is the length in bytes of which bcrypt reads no more.
	MaxPassword = 72
)

// Why a password isn't taken.
var (
	ErrTooShort = errors.New("the password is too short")
	ErrTooLong  = errors.New("the password is too long")
	ErrNUL      = errors.New("the password has a NUL character")
	ErrCommon   = errors.New("the password is among the commonest")
)

// Policy says which passwords are taken. The zero value asks for 8 characters
// that aren't among the commonest passwords. There are no rules of composition:
// they make passwords worse (NIST SP 800-63B-4 §3.1.1.2).
type Policy struct {
	// Min is the least number of characters; zero: DefaultPasswordMin.
	Min int
	// Blocklist tells whether a password is too common. Nil: Common.
	// NoBlocklist takes all.
	Blocklist func(password string) bool
}

// NoBlocklist is a Blocklist that knows no common password.
func NoBlocklist(string) bool { return false }

// Check returns nil, or an error that wraps ErrTooShort, ErrTooLong, ErrNUL or
// ErrCommon and may be shown to the person. The least length counts characters,
// the greatest counts bytes.
func (p Policy) Check(password string) error {
	if err := fits(password); err != nil {
		return err
	}
	if least := p.least(); utf8.RuneCountInString(password) < least {
		return fmt.Errorf("%w: at least %d characters", ErrTooShort, least)
	}
	if p.common(password) {
		return ErrCommon
	}
	return nil
}

func (p Policy) least() int {
	if p.Min == 0 {
		return DefaultPasswordMin
	}
	return p.Min
}

func (p Policy) common(password string) bool {
	if p.Blocklist == nil {
		return Common(password)
	}
	return p.Blocklist(password)
}

// fits tells whether bcrypt sees the whole password: it reads 72 bytes, and
// takes the key round and round with a NUL after it, so that "a" and "a\x00a"
// would be one password.
func fits(password string) error {
	if strings.IndexByte(password, 0) >= 0 {
		return ErrNUL
	}
	if len(password) > MaxPassword {
		return fmt.Errorf("%w: at most %d bytes", ErrTooLong, MaxPassword)
	}
	return nil
}

package client

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"
)

// Prefixes, so that scanners find leaked ones: of every client secret, and of the
// registration access tokens (RFC 7592 §3) with which clients manage themselves.
const (
	SecretPrefix       = "sgs_"
	RegistrationPrefix = "sga_"
)

// NewSecret makes a secret of 256 random bits: the text for the client
// ("sgs_" and 43 characters of base64url), which is shown once and never kept,
// and what the store keeps.
func NewSecret(now time.Time) (plain string, s Secret) { return newSecret(SecretPrefix, now) }

// NewRegistration makes a registration access token of the same kind.
func NewRegistration(now time.Time) (plain string, s Secret) {
	return newSecret(RegistrationPrefix, now)
}

func newSecret(prefix string, now time.Time) (plain string, s Secret) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	plain = prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return plain, Secret{Hash: sha256.Sum256([]byte(plain)), Created: now}
}

// Manages tells whether plain is the client's registration access token. Who has none,
// since an operator made it, is managed by no token.
func (c Client) Manages(plain string, now time.Time) bool {
	if c.Registration == nil {
		return false
	}
	presented := sha256.Sum256([]byte(plain))
	return subtle.ConstantTimeCompare(presented[:], c.Registration.Hash[:])&live(*c.Registration, now) == 1
}

// Live tells whether a secret may be used at a time.
func (s Secret) Live(now time.Time) bool { return s.Expires.IsZero() || now.Before(s.Expires) }

// DefaultKeep is how long older secrets stay good beside a new one, where nobody says
// otherwise: a day to change all of a client's instances.
const DefaultKeep = 24 * time.Hour

// Renewed returns the client with a fresh secret, and that secret's text. The older ones
// stay good for keep at most.
func (c Client) Renewed(now time.Time, keep time.Duration) (plain string, renewed Client) {
	plain, fresh := NewSecret(now)
	c.Secrets = append(Ending(c.Secrets, now, keep), fresh)
	return plain, c
}

// Ending returns those secrets that still live, each good until keep from now at
// most: what stands beside a new one while a client's instances change over.
func Ending(secrets []Secret, now time.Time, keep time.Duration) []Secret {
	var alive []Secret
	for _, s := range secrets {
		if end := now.Add(keep); s.Expires.IsZero() || s.Expires.After(end) {
			s.Expires = end
		}
		if s.Live(now) {
			alive = append(alive, s)
		}
	}
	return alive
}

// Matches tells whether plain is one of the client's secrets that are live. It
// compares with every secret to the end, so that time doesn't tell which one was
// near.
func (c Client) Matches(plain string, now time.Time) bool {
	presented := sha256.Sum256([]byte(plain))
	found := 0
	for i := range c.Secrets {
		same := subtle.ConstantTimeCompare(presented[:], c.Secrets[i].Hash[:])
		found |= same & live(c.Secrets[i], now)
	}
	return found == 1
}

// live is Live as a bit. Expiry times are no secret and may take their time.
func live(s Secret, now time.Time) int {
	if s.Live(now) {
		return 1
	}
	return 0
}

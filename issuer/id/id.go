// Package id has the typed identifiers that the nouns of the issuer share, so
// that a user can't be passed where a session is meant.
//
// It owns how an identifier looks and is made. It doesn't know what stands
// behind one.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// User names a person. It begins with "usr_"; no client id may, so that the
// `sub` of a token can never mean both (RFC 9068 §5).
type User string

// Client names an OAuth client (RFC 6749 §2.2).
type Client string

// Login names one person's presence in one browser or app.
type Login string

// Session names one client's share of a login; it is the `sid` claim. It is the
// text form of 128 random bits.
type Session string

// UserPrefix begins every user id and no client id.
const UserPrefix = "usr_"

// ClientPrefix begins the ids of clients that registered themselves (RFC 7591), so that an
// operator sees which those are. Others choose their own.
const ClientPrefix = "dcr_"

// sessionSize is the length of a session id in bytes: 128 bits can't be guessed
// and fit a refresh token.
const sessionSize = 16

// ErrSession means that a text is no session id.
var ErrSession = errors.New("not a session id")

// encoding is lower case base32hex: safe in a URL path, a Redis hash tag, a
// shell word and a case-folding file system, and it sorts like its bytes.
var encoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// NewUser returns a fresh user id of 128 random bits.
func NewUser() User { return User(UserPrefix + random()) }

// NewClient returns a fresh id of 128 random bits for a client that registers itself.
func NewClient() Client { return Client(ClientPrefix + random()) }

// NewLogin returns a fresh login id of 128 random bits.
func NewLogin() Login { return Login(random()) }

// NewSession returns a fresh session id of 128 random bits.
func NewSession() Session { return Session(random()) }

// SessionOf returns the session id whose bytes are b.
func SessionOf(b [sessionSize]byte) Session { return Session(encoding.EncodeToString(b[:])) }

// Bytes returns the 16 bytes of a session id, or ErrSession.
func (s Session) Bytes() (b [sessionSize]byte, err error) {
	raw, err := encoding.DecodeString(string(s))
	if err != nil || len(raw) != sessionSize || encoding.EncodeToString(raw) != string(s) {
		return b, fmt.Errorf("%w: %d characters", ErrSession, len(s))
	}
	return [sessionSize]byte(raw), nil
}

// IsUser tells whether a subject is a person, not a client.
func IsUser(subject string) bool { return strings.HasPrefix(subject, UserPrefix) }

func random() string {
	var b [sessionSize]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	return encoding.EncodeToString(b[:])
}

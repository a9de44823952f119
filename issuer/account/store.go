package account

import (
	"context"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// Errors of the store; engines return them as they stand or wrapped.
var (
	ErrNotFound = errors.New("no such user")
	ErrExists   = errors.New("a user with this address exists")
	ErrConflict = errors.New("the user was changed by another at the same time")
)

// User is a person that can log in.
type User struct {
	ID            id.User   `json:"id"`
	Email         string    `json:"email"` // as it was given; compared by NormalEmail
	EmailVerified bool      `json:"email_verified,omitempty"`
	Roles         []string  `json:"roles"` // never nil outside the store
	Disabled      bool      `json:"disabled"`
	Version       int64     `json:"version"` // grows by one with every change
	Created       time.Time `json:"created"`
	Profile       Profile   `json:"profile,omitzero"`
	PasswordHash  Hash      `json:"-"`
}

// Ending says which of a user's logins a change of the user ends, in the same
// transaction: none (the zero value), all, or all but one.
type Ending struct {
	Logins bool     // end them
	But    id.Login // but for this one
	Reason string   // as recorded with each ended session
}

// Store keeps people. Every change writes its event, and an entry of kind
// "user" in the changes feed, in one transaction with it.
type Store interface {
	// Create adds a user, or says ErrExists when the normal form of the
	// address is taken.
	Create(ctx context.Context, u User, e audit.Event) error
	// ByEmail finds a user by NormalEmail of the address, or ErrNotFound.
	ByEmail(ctx context.Context, normal string) (User, error)
	// ByID finds a user, or ErrNotFound.
	ByID(ctx context.Context, user id.User) (User, error)
	// Save writes u if the stored version is still u.Version, which becomes
	// one more; else ErrConflict. It ends what end names (sessions are ended as
	// session.Ledger does: marked with time and reason, with their feed entries)
	// and returns the ended sessions.
	Save(ctx context.Context, u User, end Ending, e audit.Event) ([]id.Session, error)
	// List returns at most limit users whose id is greater than after, by id.
	List(ctx context.Context, after id.User, limit int) ([]User, error)
}

// Rehasher replaces a hash by one of the same password at another cost. It
// changes nothing if the hash is no longer old, bumps no version and writes no
// event: nothing happened that anybody would look for.
type Rehasher interface {
	Rehash(ctx context.Context, user id.User, old, new Hash) error
}

// Remover deletes a user for good, with its sessions ended first.
type Remover interface {
	Delete(ctx context.Context, user id.User, e audit.Event) ([]id.Session, error)
}

// Package store is what the issuer asks of its engines, as one struct of the
// nouns' small interfaces, and the feed by which replicas hear of changes.
//
// An engine is a subpackage: sql has everything, redis what changes all the time.
// storetest is the contract they pass.
package store

import (
	"context"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/internal/outage"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
)

// ErrUnavailable means that an engine can't be reached, or not in time. Nothing is
// known of what was asked; the faces answer 503 with Retry-After and never an
// error that would make a client throw its tokens away.
var ErrUnavailable = outage.Err

// Backend is all that an issuer keeps. Each member may be another engine's.
type Backend struct {
	Accounts Accounts
	Clients  client.Store
	Ledger   session.Ledger
	Logins   session.Logins
	Notices  session.Notices
	Consents grant.Consents
	Indices  session.Indices
	Keys     keys.Store
	Audit    audit.Log
	Feed     Feed
	Clock    Clock

	Generations session.Generations
	Limits      limit.Store
	Waiting     grant.Store
	// Settler is set where Generations can end a family before Ledger knows.
	Settler session.Settler
	// Healer is set where Generations can lose or go back in time (Redis).
	Healer Healer

	// Sweep drops what is past its time, in bounded batches; nil: nothing to do.
	Sweep func(ctx context.Context, now time.Time) error

	// Reachable has a check for each engine, by its name, for readiness.
	Reachable map[string]func(context.Context) error
}

// Accounts is what the SQL engine keeps of people.
type Accounts interface {
	account.Store
	account.Rehasher
	account.Remover
}

// Kind says what a change is of.
type Kind string

// What the feed tells of.
const (
	User    Kind = "user"    // ID: user id; Version: the user's
	Client  Kind = "client"  // ID: client id; Version: the client's
	Session Kind = "session" // it ended. ID: sid; Version: its status index
	Ring    Kind = "ring"    // the key ring. Version: the ring's
)

// Change is one entry of the feed.
type Change struct {
	Seq     int64
	Kind    Kind
	ID      string
	Version int64
	At      time.Time // by the database's clock
}

// Feed tells replicas what changed. Entries are written in the transaction of
// the change.
type Feed interface {
	// Since returns at most limit entries whose Seq is greater than after, and
	// in any case those of the last recent (by the database's clock): commit
	// order is not sequence order, so an entry can turn up below one that was
	// seen. By Seq.
	Since(ctx context.Context, after int64, recent time.Duration, limit int) ([]Change, error)
	// Head returns the greatest Seq there is; 0 when none.
	Head(ctx context.Context) (int64, error)
	// Prune drops entries older than a time.
	Prune(ctx context.Context, before time.Time) error
}

// Clock tells the database's time, to compare with one's own.
type Clock interface {
	DatabaseTime(ctx context.Context) (time.Time, error)
}

// Healer notices that an engine lost what it was told.
type Healer interface {
	// WentBack tells whether the engine has forgotten something since the last
	// call (another replication id, or its epoch mark behind): changes must be
	// applied again, of people all that the feed has, of ended sessions those of the
	// last hour. The first call of a process says true.
	WentBack(ctx context.Context) (bool, error)
}

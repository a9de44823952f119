// Package audit says what happened, for the record: who did what to whom, when,
// from where and why.
//
// It owns the event and its vocabulary. It doesn't write: an event is an
// argument of the store method that makes the change, and engines write both in
// one transaction, so that neither can be without the other. High-volume
// refusals (throttled, pool full) are counted and not audited.
package audit

import (
	"context"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// Kind names what happened.
type Kind string

// What is audited.
const (
	UserRegistered  Kind = "user.registered"
	UserChanged     Kind = "user.changed"
	UserDisabled    Kind = "user.disabled"
	UserEnabled     Kind = "user.enabled"
	UserDeleted     Kind = "user.deleted"
	PasswordChanged Kind = "user.password_changed"
	LoginSucceeded  Kind = "login.succeeded"
	LoginFailed     Kind = "login.failed"
	SessionOpened   Kind = "session.opened" // of a login that there was
	SessionEnded    Kind = "session.ended"
	SessionReuse    Kind = "session.reuse"   // a refresh token came twice: theft
	SessionAdopted  Kind = "session.adopted" // the store had gone back in time
	ClientCreated   Kind = "client.created"
	ClientChanged   Kind = "client.changed"
	ClientDeleted   Kind = "client.deleted"
	ConsentGiven    Kind = "consent.given"
	ConsentTaken    Kind = "consent.withdrawn"
	CodeReplayed    Kind = "code.replayed" // an authorization code came twice: theft
	KeysChanged     Kind = "keys.changed"  // Reason and Detail say how
)

// Event is one thing that happened. Zero fields are left out of the record.
type Event struct {
	ID        string            `json:"id,omitempty"` // set by the engine; grows with time
	At        time.Time         `json:"at"`
	Kind      Kind              `json:"kind"`
	Actor     string            `json:"actor,omitempty"` // user id, client id, "cli" or "signet"
	User      id.User           `json:"user,omitempty"`
	Client    id.Client         `json:"client,omitempty"`
	Session   id.Session        `json:"session,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Address   string            `json:"address,omitempty"`    // where the request came from
	RequestID string            `json:"request_id,omitempty"` // as in the log and the answer
	Detail    map[string]string `json:"detail,omitempty"`
}

// Query asks for events, newest first.
type Query struct {
	Before string // the ID of the last event seen; empty: from the newest
	Limit  int    // 1 to 500
	Kind   Kind   // empty: all
	User   id.User
}

// Log is read by the admin face and written where there is no other change to
// write the event with.
type Log interface {
	// Append writes one event, durably.
	Append(ctx context.Context, e Event) error
	// Events returns at most q.Limit events that match, newest first.
	Events(ctx context.Context, q Query) ([]Event, error)
}

// Origin is where a request came from; every event made on its behalf says so.
type Origin struct {
	Actor     string
	Address   string
	RequestID string
}

type originKey struct{}

// WithOrigin returns a context whose events carry o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns where the request of ctx came from; zero when it is our own.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// New begins an event of a kind at a time, with the origin of ctx.
func New(ctx context.Context, kind Kind, at time.Time) Event {
	o := OriginOf(ctx)
	return Event{At: at, Kind: kind, Actor: o.Actor, Address: o.Address, RequestID: o.RequestID}
}

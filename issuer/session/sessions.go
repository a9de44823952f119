package session

import (
	"context"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// MostSessions is how many live sessions a user has; the oldest ends for the
// next one.
const MostSessions = 100

// Config is what Sessions are made of; all of it is required but Settler.
type Config struct {
	Issuer      string // the issuer URL; tokens of another are refused
	Keys        RefreshKeys
	Ledger      Ledger
	Indices     Indices
	Generations Generations
	Settler     Settler // where Generations end a family before Ledger knows
	Audit       audit.Log
	Bits        *Bits

	Idle     time.Duration // REFRESH_TTL: from the last use
	Absolute time.Duration // SESSION_TTL: from the login
	Window   time.Duration // REFRESH_RETRY_WINDOW
	Now      func() time.Time
}

// Sessions opens, rotates and ends sessions: the one place that does.
type Sessions struct {
	Config
	codec  codec
	status *allocator
}

// New returns Sessions on a configuration.
func New(c Config) *Sessions {
	return &Sessions{Config: c, codec: codec{c.Issuer, c.Keys}, status: &allocator{indices: c.Indices}}
}

// Opening is what a new session is opened for.
type Opening struct {
	Person   Person
	Client   id.Client
	Scope    []string
	Audience []string
	BoundKey string
	AMR      []string // how the person proved who they are (RFC 8176)
}

// Grant is a session with its current refresh token: what token responses are
// made of.
type Grant struct {
	State
	Refresh string // the current refresh token
}

// Open opens a login and a session in it, and returns its first refresh token.
// Durable in this order: the ledger's rows with e, then the generation. A crash in
// between leaves a session that nobody has a token of. A person who was changed
// since o.Person was read is ErrChanged, or ErrNotFound: they must prove anew.
func (s *Sessions) Open(ctx context.Context, o Opening, e audit.Event) (Grant, error) {
	key, err := s.Keys.Newest()
	if err != nil {
		return Grant{}, err
	}
	index, err := s.status.next(ctx)
	if err != nil {
		return Grant{}, fmt.Errorf("lease a status index: %w", err)
	}
	now := s.now()
	login := Login{ID: id.NewLogin(), User: o.Person.User, AuthTime: now, AMR: o.AMR, Expires: now.Add(s.Absolute), Proved: o.Person.Version}
	session := Session{
		ID: id.NewSession(), Login: login.ID, User: login.User, Client: o.Client, Scope: o.Scope, Audience: o.Audience,
		BoundKey: o.BoundKey, Status: index, AuthTime: now, Created: now, Expires: login.Expires,
	}
	e.User, e.Client, e.Session = session.User, session.Client, session.ID
	ended, err := s.Ledger.Open(ctx, login, session, MostSessions, e)
	if err != nil {
		return Grant{}, fmt.Errorf("open the session: %w", err)
	}
	if err := s.mark(ctx, ended); err != nil {
		return Grant{}, err
	}
	s.Bits.Publish(index / ListSize)
	state := begin(session, o.Person, 1, key, now, s.Idle)
	if err := s.Generations.Begin(ctx, state); err != nil {
		return Grant{}, fmt.Errorf("begin the session: %w", err)
	}
	return s.grant(state)
}

// begin is the state of a session whose current generation was given at now.
func begin(s Session, p Person, generation, key uint32, now time.Time, idle time.Duration) State {
	return State{
		Session: s.ID, Login: s.Login, Client: s.Client, Person: p,
		Generation: generation, Key: key, NotAfter: earlier(now.Add(idle), s.Expires), Answered: now,
		Scope: s.Scope, Audience: s.Audience, BoundKey: s.BoundKey, Status: s.Status, AuthTime: s.AuthTime, Expires: s.Expires,
	}
}

func (s *Sessions) grant(state State) (Grant, error) {
	token, err := s.codec.encode(Refresh{state.Key, state.Session, state.Generation, state.NotAfter})
	if err != nil {
		return Grant{}, fmt.Errorf("write the refresh token: %w", err)
	}
	return Grant{State: state, Refresh: token}, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// now is in whole milliseconds: what every engine keeps.
func (s *Sessions) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

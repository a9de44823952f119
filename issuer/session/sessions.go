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
	Logins      Logins
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
	opener Opener // nil: ledger and generations have an engine each
}

// New returns Sessions on a configuration.
func New(c Config) *Sessions {
	s := &Sessions{Config: c, codec: codec{c.Issuer, c.Keys}, status: &allocator{indices: c.Indices}}
	if o, is := c.Ledger.(Opener); is && o.Keeps(c.Generations) {
		s.opener = o
	}
	return s
}

// Opening is what a new session is opened for.
type Opening struct {
	Person   Person
	Client   id.Client
	Scope    []string
	Audience []string
	BoundKey string
	AMR      []string // how the person proved who they are (RFC 8176)
	// Session is the id that the session is to have, which is taken once; empty: a
	// fresh one.
	Session id.Session
	// Login is the one that the person is in; nil: a login of its own begins with the
	// session.
	Login  *Login
	Agent  string // the User-Agent header that a login of its own comes with
	Notify bool   // the client is to be told of the end
}

// Grant is a session with its current refresh token: what token responses are
// made of.
type Grant struct {
	State
	Refresh string // the current refresh token
}

// Open opens a login and a session in it, and returns its first refresh token.
// Durable in this order: the ledger's rows with e, then the generation (or both at once,
// where one engine has them). A crash in between leaves a session that nobody has a token of. A person who was changed
// since o.Person was read is ErrChanged, or ErrNotFound: they must prove anew; so is a
// login that has ended. A session id that was taken before is ErrUsed.
func (s *Sessions) Open(ctx context.Context, o Opening, e audit.Event) (Grant, error) {
	key, err := s.Keys.Newest()
	if err != nil {
		return Grant{}, err
	}
	index, err := s.status.next(ctx)
	if err != nil {
		return Grant{}, fmt.Errorf("lease a status index: %w", err)
	}
	login, session := s.prepare(o, index)
	e.User, e.Client, e.Session = session.User, session.Client, session.ID
	state := begin(session, o.Person, 1, key, session.Created, s.Idle)
	if err := s.openBegun(ctx, login, session, state, e); err != nil {
		return Grant{}, err
	}
	return s.grant(state)
}

// prepare is a session that is about to be, and its login.
func (s *Sessions) prepare(o Opening, index int64) (Login, Session) {
	now := s.now()
	login := s.login(o.Person, o.AMR, o.Agent)
	if o.Login != nil {
		login = *o.Login
		login.Proved = o.Person.Version
	}
	if o.Session == "" {
		o.Session = id.NewSession()
	}
	return login, Session{
		ID: o.Session, Login: login.ID, User: login.User, Client: o.Client, Scope: o.Scope, Audience: o.Audience, BoundKey: o.BoundKey,
		Status: index, AuthTime: login.AuthTime, Created: now, Expires: s.within(login, now), Notify: o.Notify,
	}
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

package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// Errors of a refresh token that was presented. All but ErrScope and ErrAudience are one
// and the same to the client: invalid_grant (RFC 6749 §5.2).
var (
	ErrOver        = errors.New("the session is over")
	ErrReuse       = errors.New("the refresh token was used before; the session has been ended")
	ErrWrongClient = errors.New("the refresh token is another client's")
	ErrWrongKey    = errors.New("the refresh token is bound to another key")
	ErrScope       = errors.New("more scope was asked for than the session has")
	ErrAudience    = errors.New("an audience was asked for that the session has not")
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

// Asked is what comes with a refresh token.
type Asked struct {
	Client   id.Client
	BoundKey string
	Scope    []string
	Audience []string
}

// Rotate exchanges a refresh token for its successor, or says why not by one of
// the errors above or ErrToken.
func (s *Sessions) Rotate(ctx context.Context, token string, a Asked) (Grant, error) {
	presented, key, err := s.read(token)
	if err != nil {
		return Grant{}, err
	}
	now := s.now()
	if !now.Before(presented.NotAfter) {
		return Grant{}, ErrOver
	}
	r := Rotation{
		Session: presented.Session, Generation: presented.Generation, Client: a.Client, BoundKey: a.BoundKey,
		Scope: a.Scope, Audience: a.Audience, Key: key, Idle: s.Idle, Window: s.Window, Now: now,
	}
	res, err := s.Generations.Rotate(ctx, r)
	if err == nil && res.Outcome == Unknown {
		res, err = s.relearn(ctx, presented, r)
	}
	if err != nil {
		return Grant{}, err
	}
	return s.judge(ctx, res)
}

// read returns what a token says, and the key that would sign the next one. It asks
// for the key first: without keys that can be relied on, a good token would look
// forged.
func (s *Sessions) read(token string) (Refresh, uint32, error) {
	key, err := s.Keys.Newest()
	if err != nil {
		return Refresh{}, 0, err
	}
	r, err := s.codec.decode(token)
	return r, key, err
}

// judge turns an outcome into tokens or an error. Status bits have the last word: a store
// that went back in time revives nobody.
func (s *Sessions) judge(ctx context.Context, res Result) (Grant, error) {
	switch res.Outcome {
	case WrongClient:
		return Grant{}, ErrWrongClient
	case WrongKey:
		return Grant{}, ErrWrongKey
	case WiderScope:
		return Grant{}, ErrScope
	case WiderAudience:
		return Grant{}, ErrAudience
	case Reused:
		return Grant{}, errors.Join(ErrReuse, s.reused(ctx, res.State))
	}
	if !res.Outcome.Gives() || res.State.Person.Disabled {
		return Grant{}, ErrOver
	}
	if s.Bits.Has(res.State.Status) {
		return Grant{}, errors.Join(ErrOver, s.Generations.End(ctx, []Ended{ended(res.State)}))
	}
	if res.Outcome == Adopted {
		e := audit.New(ctx, audit.SessionAdopted, s.now())
		e.User, e.Client, e.Session = res.State.Person.User, res.State.Client, res.State.Session
		if err := s.Audit.Append(ctx, e); err != nil {
			return Grant{}, err
		}
	}
	return s.grant(res.State)
}

// relearn asks the ledger once about a session that the generations have lost,
// and adopts the presented generation if it lives.
func (s *Sessions) relearn(ctx context.Context, p Refresh, r Rotation) (Result, error) {
	session, person, err := s.Ledger.Find(ctx, p.Session)
	if errors.Is(err, ErrNotFound) {
		return Result{Outcome: Over}, nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("find the session: %w", err)
	}
	if !session.Ended.IsZero() || !r.Now.Before(session.Expires) {
		return Result{Outcome: Over}, nil
	}
	state := begin(session, person, p.Generation, p.Key, r.Now, s.Idle)
	if err := s.Generations.Begin(ctx, state); err != nil {
		return Result{}, fmt.Errorf("restore the session: %w", err)
	}
	res, err := s.Generations.Rotate(ctx, r)
	if err == nil && res.Outcome == Rotated {
		res.Outcome = Adopted
	}
	return res, err
}

// reused tells the ledger of a family that a Rotate has just ended. The event is
// written with the end, and only by whoever ends it: once.
func (s *Sessions) reused(ctx context.Context, state State) error {
	s.Bits.Set(state.Status)
	e := audit.New(ctx, audit.SessionReuse, s.now())
	e.User, e.Client, e.Reason = state.Person.User, state.Client, "reuse"
	return s.settle(ctx, state.Session, e)
}

func (s *Sessions) settle(ctx context.Context, sid id.Session, e audit.Event) error {
	e.Session = sid
	if err := s.End(ctx, Which{ID: sid}, e); err != nil {
		return err
	}
	if s.Settler == nil {
		return nil
	}
	return s.Settler.Settle(ctx, []id.Session{sid})
}

// Settle tells the ledger of families that were ended for reuse by a process
// that stopped before it could.
func (s *Sessions) Settle(ctx context.Context) error {
	if s.Settler == nil {
		return nil
	}
	left, err := s.Settler.Unsettled(ctx, 1000)
	for _, sid := range left {
		e := audit.New(ctx, audit.SessionReuse, s.now())
		e.Actor, e.Reason = "signet", "reuse"
		if found, _, unknown := s.Ledger.Find(ctx, sid); unknown == nil { // else End says so
			e.User, e.Client = found.User, found.Client
		}
		err = errors.Join(err, s.settle(ctx, sid, e))
	}
	return err
}

// End ends the sessions that match: in the ledger first, which makes it last;
// then in the status bits and the generations, which makes it seen at once. An
// error means that some replica may not have heard of it for a second more; the call
// can be made again.
func (s *Sessions) End(ctx context.Context, w Which, e audit.Event) error {
	ended, err := s.Ledger.End(ctx, w, e)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return s.mark(ctx, ended)
}

// Mark makes it seen that sessions have ended which another call wrote to the
// ledger.
func (s *Sessions) Mark(ctx context.Context, sids []id.Session) error {
	var gone []Ended
	for _, sid := range sids {
		found, _, err := s.Ledger.Find(ctx, sid)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		gone = append(gone, Ended{found.ID, found.Status, found.Expires})
	}
	return s.mark(ctx, gone)
}

func (s *Sessions) mark(ctx context.Context, gone []Ended) error {
	if len(gone) == 0 {
		return nil
	}
	for _, g := range gone {
		s.Bits.Set(g.Status)
	}
	if err := s.Generations.End(ctx, gone); err != nil {
		return fmt.Errorf("mark ended sessions: %w", err)
	}
	return nil
}

// Learn gives the live sessions of a person the roles and state of p, where they
// don't know a newer one: the very next refresh shows it.
func (s *Sessions) Learn(ctx context.Context, p Person) error {
	found, err := s.Ledger.List(ctx, Which{User: p.User}, false, "", MostSessions)
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	sids := make([]id.Session, 0, len(found))
	for _, f := range found {
		sids = append(sids, f.ID)
	}
	return s.Generations.Update(ctx, sids, p)
}

// Present returns the live session of a refresh token that could be exchanged or
// retried now, without exchanging it (RFC 7662, RFC 7009), or ErrToken or ErrOver.
// A used-up token is ErrOver: looking isn't using, and ends nothing.
func (s *Sessions) Present(ctx context.Context, token string) (State, error) {
	presented, _, err := s.read(token)
	if err != nil {
		return State{}, err
	}
	state, err := s.Live(ctx, presented.Session)
	if err != nil {
		return State{}, err
	}
	if !s.now().Before(presented.NotAfter) || presented.Generation+1 < state.Generation {
		return State{}, ErrOver
	}
	return state, nil
}

// Named returns the session that a refresh token is of, however old the token:
// whoever logs out with one that has been used must not stay logged in.
func (s *Sessions) Named(token string) (id.Session, error) {
	presented, _, err := s.read(token)
	return presented.Session, err
}

// Live returns the state of a session that has not ended, or ErrOver.
func (s *Sessions) Live(ctx context.Context, sid id.Session) (State, error) {
	state, err := s.Generations.Look(ctx, sid)
	if errors.Is(err, ErrNotFound) {
		state, err = s.fromLedger(ctx, sid)
	}
	if err != nil {
		return State{}, err
	}
	now := s.now()
	if state.Ended || state.Person.Disabled || s.Bits.Has(state.Status) || !now.Before(state.Expires) {
		return State{}, ErrOver
	}
	return state, nil
}

// fromLedger is what is known of a session that the generations have lost.
func (s *Sessions) fromLedger(ctx context.Context, sid id.Session) (State, error) {
	found, person, err := s.Ledger.Find(ctx, sid)
	if errors.Is(err, ErrNotFound) {
		return State{}, ErrOver
	}
	if err != nil {
		return State{}, err
	}
	state := begin(found, person, 0, 0, found.Created, s.Absolute)
	state.Ended = !found.Ended.IsZero()
	return state, nil
}

func ended(s State) Ended { return Ended{s.Session, s.Status, s.Expires} }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// now is in whole milliseconds: what every engine keeps.
func (s *Sessions) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

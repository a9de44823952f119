package session

import (
	"context"
	"errors"
	"fmt"

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
	if res.Outcome == Over && res.State.Ended {
		return Grant{}, errors.Join(ErrOver, s.met(ctx, res.State.Session))
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

// met tells the ledger of a family that was ended for reuse by a process that stopped
// before it could: whoever meets such a one does, and needn't wait for Settle, lest
// the mark be lost first.
func (s *Sessions) met(ctx context.Context, sid id.Session) error {
	if s.Settler == nil {
		return nil
	}
	found, person, err := s.Ledger.Find(ctx, sid)
	if errors.Is(err, ErrNotFound) || (err == nil && !found.Ended.IsZero()) {
		return nil // as it nearly always is: it was ended in the ledger first
	}
	if err != nil {
		return fmt.Errorf("find the session: %w", err)
	}
	return s.reused(ctx, State{Session: sid, Client: found.Client, Person: person, Status: found.Status})
}

// reused tells the ledger of a family that a Rotate has just ended. The event is
// written with the end, and only by whoever ends it: once.
func (s *Sessions) reused(ctx context.Context, state State) error {
	s.Bits.Set(state.Status)
	e := audit.New(ctx, audit.SessionReuse, s.now())
	e.User, e.Client, e.Reason = state.Person.User, state.Client, "reuse"
	return s.settle(ctx, state.Session, e)
}

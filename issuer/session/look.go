package session

import (
	"context"
	"errors"

	"github.com/signet-oidc/signet/issuer/id"
)

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

package session

import (
	"context"
	"fmt"

	"github.com/signet-oidc/signet/issuer/audit"
)

// Opener is a Ledger that can begin a session's state in the transaction that opens it,
// where both are kept by one engine: one commit, not two.
type Opener interface {
	// Keeps tells whether generations are the ones that OpenBegun writes.
	Keeps(g Generations) bool
	// OpenBegun is Open and Generations.Begin.
	OpenBegun(ctx context.Context, l Login, s Session, state State, most int, e audit.Event) ([]Ended, error)
}

// openBegun writes a session and its state, in this order where they have two engines.
func (s *Sessions) openBegun(ctx context.Context, l Login, session Session, state State, e audit.Event) error {
	if s.opener != nil {
		ended, err := s.opener.OpenBegun(ctx, l, session, state, MostSessions, e)
		if err != nil {
			return fmt.Errorf("open and begin the session: %w", err)
		}
		return s.opened(ctx, session, ended)
	}
	ended, err := s.Ledger.Open(ctx, l, session, MostSessions, e)
	if err != nil {
		return fmt.Errorf("open the session: %w", err)
	}
	if err := s.opened(ctx, session, ended); err != nil {
		return err
	}
	if err := s.Generations.Begin(ctx, state); err != nil {
		return fmt.Errorf("begin the session: %w", err)
	}
	return nil
}

// opened makes it seen that a session was opened and that others ended for it.
func (s *Sessions) opened(ctx context.Context, session Session, ended []Ended) error {
	if err := s.mark(ctx, ended); err != nil {
		return err
	}
	s.Bits.Publish(session.Status / ListSize)
	return nil
}

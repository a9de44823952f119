package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

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
	if len(sids) == 0 {
		return nil
	}
	gone, err := s.Ledger.Statuses(ctx, sids)
	if err != nil {
		return fmt.Errorf("look up ended sessions: %w", err)
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

func ended(s State) Ended { return Ended{s.Session, s.Status, s.Expires} }

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

// settle ends a family that was ended for reuse in the ledger as well, and says that it knows.
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

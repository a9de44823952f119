package issuer

import (
	"context"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// nudge has a loop do its next step at once. It holds one: who nudges never waits, and what was nudged for while a step
// runs is seen by the next.
type nudge chan struct{}

func (n nudge) now() {
	select {
	case n <- struct{}{}:
	default:
	}
}

// hearing is a ledger that nudges when sessions have ended by a call of this process: a client is told at once and not
// at the next poll. End has ended them; of those that ended with their user, client or consent, the ledger is asked for
// their Statuses next. What is missed here (a crash, another replica's end) the poll finds.
type hearing struct {
	session.Ledger
	ended nudge
}

// heard returns such a ledger, which is a session.Opener if l is one.
func heard(l session.Ledger, ended nudge) session.Ledger {
	if o, is := l.(session.Opener); is {
		return struct {
			hearing
			session.Opener
		}{hearing{l, ended}, o}
	}
	return hearing{l, ended}
}

func (h hearing) End(ctx context.Context, w session.Which, e audit.Event) ([]session.Ended, error) {
	defer h.ended.now()
	return h.Ledger.End(ctx, w, e)
}

func (h hearing) Statuses(ctx context.Context, sids []id.Session) ([]session.Ended, error) {
	defer h.ended.now()
	return h.Ledger.Statuses(ctx, sids)
}

// told counts a try to tell a client that a session has ended. The log hears once that a
// client doesn't answer, once that it does again, and of what it won't hear of any more.
func (i *Issuer) told(t flow.Told) {
	i.metrics.Notices.WithLabelValues(string(t.Outcome)).Inc()
	switch {
	case t.Outcome == flow.OutcomeDropped:
		i.log.Error().Err(t.Err).Str("client", string(t.Notice.Client)).Str("session", string(t.Notice.Session)).
			Msg("back-channel logout: the client could not be told for a day; it isn't tried any more")
	case t.Turned && t.Outcome == flow.OutcomeFailed:
		i.log.Warn().Err(t.Err).Str("client", string(t.Notice.Client)).Msg("back-channel logout: the client doesn't take the logout token; it is tried again for a day")
	case t.Turned:
		i.log.Info().Str("client", string(t.Notice.Client)).Msg("back-channel logout: the client answers again")
	case t.Outcome != flow.OutcomeFailed && t.Err != nil:
		i.log.Error().Err(t.Err).Str("client", string(t.Notice.Client)).Msg("back-channel logout: what was done can't be kept; the client may hear it twice")
	}
}

package issuer

import "github.com/signet-oidc/signet/issuer/flow"

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

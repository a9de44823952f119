package flow

import (
	"context"
	"errors"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// SignOutRefresh ends the session of a refresh token, used or not, of a client's.
// A session that has ended stays ended, and that is no error.
func (f *Flow) SignOutRefresh(ctx context.Context, c client.Client, refresh string) error {
	sid, err := f.Sessions.Named(refresh)
	if err != nil {
		return err
	}
	return f.endFor(ctx, c, sid)
}

// endFor ends a session if it is a client's.
func (f *Flow) endFor(ctx context.Context, c client.Client, sid id.Session) error {
	found, _, err := f.Sessions.Ledger.Find(ctx, sid)
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if found.Client != c.ID {
		return session.ErrWrongClient
	}
	return f.end(ctx, session.Which{ID: sid}, found.User, "logout")
}

func (f *Flow) end(ctx context.Context, w session.Which, user id.User, reason string) error {
	e := audit.New(ctx, audit.SessionEnded, f.now())
	e.User, e.Session, e.Reason = user, w.ID, reason
	if e.Actor == "" {
		e.Actor = string(user)
	}
	return f.Sessions.End(ctx, w, e)
}

// SignOutAccess ends the session of an access token of a client's, expired or not.
func (f *Flow) SignOutAccess(ctx context.Context, c client.Client, access string) error {
	t, err := f.Tokens.UnsafeVerifyOriginOnly(ctx, access)
	if err != nil {
		return notOurs(err)
	}
	switch {
	case t.ClientID != string(c.ID):
		return session.ErrWrongClient
	case t.SessionID == "" && !f.now().Before(t.Expiry): // it is over anyway
		return ErrToken
	case t.SessionID == "":
		return ErrUnsupportedToken
	}
	return f.endFor(ctx, c, id.Session(t.SessionID))
}

// SignOutEverywhere ends all sessions of the bearer of a live access token.
func (f *Flow) SignOutEverywhere(ctx context.Context, access string) error {
	who, err := f.bearer(ctx, access)
	if err != nil {
		return err
	}
	return f.end(ctx, session.Which{User: who.Person.User}, who.Person.User, "logout_everywhere")
}

// Revoke ends the session of a token that a client owns (RFC 7009). A token that
// is nobody's, or already over, is no error (§2.2); another client's is.
func (f *Flow) Revoke(ctx context.Context, c client.Client, raw string) error {
	err := f.SignOutRefresh(ctx, c, raw)
	if errors.Is(err, session.ErrToken) {
		err = f.SignOutAccess(ctx, c, raw)
	}
	if errors.Is(err, ErrToken) {
		return nil
	}
	return err
}

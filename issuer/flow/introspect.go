package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/verifier"
)

// Introspection is what an active token is (RFC 7662 §2.2).
type Introspection struct {
	Subject  string
	Client   id.Client
	Audience []string
	Scope    []string
	Roles    []string
	Session  id.Session
	ID       string // jti; access tokens only
	Issued   time.Time
	Expires  time.Time
	BoundKey string // RFC 7638 thumbprint of the DPoP key (RFC 9449 §6.2); empty: none
	Refresh  bool   // a refresh token, which is no token to present to a resource server
}

// Introspect tells a client what a token is, or nil where it isn't active, isn't
// ours, or isn't the client's to know of: its own tokens, and access tokens for
// an audience it is registered for (§2.1, §4: the answer must not let it guess).
func (f *Flow) Introspect(ctx context.Context, c client.Client, raw string) (*Introspection, error) {
	state, err := f.Sessions.Present(ctx, raw)
	switch {
	case err == nil:
		return refreshInfo(c, state), nil
	case errors.Is(err, session.ErrOver):
		return nil, nil
	case !errors.Is(err, session.ErrToken):
		return nil, err
	}
	return f.introspectAccess(ctx, c, raw)
}

func refreshInfo(c client.Client, s session.State) *Introspection {
	if s.Client != c.ID {
		return nil
	}
	return &Introspection{
		Subject: string(s.Person.User), Client: s.Client, Audience: s.Audience, Scope: s.Scope, Roles: s.Person.Roles,
		Session: s.Session, Expires: s.NotAfter, BoundKey: s.BoundKey, Refresh: true,
	}
}

func (f *Flow) introspectAccess(ctx context.Context, c client.Client, raw string) (*Introspection, error) {
	t, err := f.live(ctx, raw)
	if errors.Is(err, verifier.ErrKeysUnavailable) {
		return nil, err
	}
	if err != nil || !mayKnow(c, t) {
		return nil, nil //nolint:nilerr // a token that fails the check is inactive, which is an answer
	}
	if live, err := f.stillStands(ctx, t); err != nil || !live {
		return nil, err
	}
	return &Introspection{
		Subject: t.Subject, Client: id.Client(t.ClientID), Audience: t.Audience, Scope: t.Scopes, Roles: t.Roles,
		Session: id.Session(t.SessionID), ID: t.ID, Issued: t.IssuedAt, Expires: t.Expiry, BoundKey: t.BoundKey(),
	}, nil
}

func mayKnow(c client.Client, t *verifier.Token) bool {
	return t.ClientID == string(c.ID) || slices.ContainsFunc(t.Audience, func(a string) bool { return slices.Contains(c.Audiences, a) })
}

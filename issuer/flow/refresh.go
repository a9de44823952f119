package flow

import (
	"context"
	"fmt"
	"slices"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/verifier/jws"
)

// Refresh is a refresh token presented by a client that is who it says.
type Refresh struct {
	Token    string
	Client   client.Client
	Scope    []string // asked; nil: the session's (RFC 6749 §6)
	Resource []string // asked; nil: the session's (RFC 8707 §2.2)
	Proof    string   // thumbprint of the DPoP key of the request; empty: none
	Beside   *string  // an access token that has to be of the same session, expired or not; nil: none is needed
}

// Refresh exchanges a refresh token for its successor and a new access token.
func (f *Flow) Refresh(ctx context.Context, in Refresh) (Tokens, error) {
	if in.Beside != nil {
		if err := f.together(in.Token, *in.Beside); err != nil {
			return Tokens{}, err
		}
	}
	g, err := f.Sessions.Rotate(ctx, in.Token, session.Asked{
		Client: in.Client.ID, BoundKey: binding(in.Client, in.Proof), Scope: in.Scope, Audience: in.Resource,
	})
	if err != nil {
		return Tokens{}, err
	}
	t, err := f.tokens(g, in.Client, in.Scope, in.Resource, in.Proof)
	if err == nil && in.Client.ID != client.BuiltinID && slices.Contains(t.Scope, grant.ScopeOpenID) {
		t.ID, err = f.refreshedID(ctx, g, in.Client, t)
	}
	return t, err
}

// together holds a refresh token to the access token that it was given with, or to one
// since: else it is session.ErrToken.
func (f *Flow) together(refresh, access string) error {
	named, err := f.Sessions.Named(refresh)
	if err != nil {
		return err
	}
	beside, err := sessionOf(access)
	if err != nil || beside != named {
		return fmt.Errorf("%w: the access token beside it is of another session, or none", session.ErrToken)
	}
	return nil
}

// sessionOf is the session that an access token names. Its signature isn't looked at: the
// key may be gone by now, and that it came is what counts.
func sessionOf(access string) (sid id.Session, err error) {
	parts, err := jws.Split(access)
	if err != nil {
		return "", err
	}
	text, err := parts.Payload()
	if err != nil {
		return "", err
	}
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		if m.Name == "sid" {
			sid = id.Session(r.String())
		}
	}
	return sid, r.End()
}

package flow

import (
	"context"
	"slices"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/session"
)

// Refresh is a refresh token presented by a client that is who it says.
type Refresh struct {
	Token    string
	Client   client.Client
	Scope    []string // asked; nil: the session's (RFC 6749 §6)
	Resource []string // asked; nil: the session's (RFC 8707 §2.2)
	Proof    string   // thumbprint of the DPoP key of the request; empty: none
}

// Refresh exchanges a refresh token for its successor and a new access token.
func (f *Flow) Refresh(ctx context.Context, in Refresh) (Tokens, error) {
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

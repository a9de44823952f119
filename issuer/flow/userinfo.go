package flow

import (
	"context"
	"errors"
	"slices"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/keys"
)

// ErrScope means that an access token hasn't the scope that is needed (RFC 6750 §3.1
// insufficient_scope).
var ErrScope = errors.New("the token hasn't the scope openid")

// UserInfo is what the bearer of an access token may know of its person (OpenID
// Connect Core §5.3), and the client that it was given to.
func (f *Flow) UserInfo(ctx context.Context, in Presented) (map[string]any, client.Client, error) {
	var none client.Client
	t, err := f.opened(ctx, in)
	if err != nil {
		return nil, none, err
	}
	if t.SessionID == "" || !slices.Contains(t.Scopes, grant.ScopeOpenID) {
		return nil, none, ErrScope
	}
	state, err := f.liveSession(ctx, t)
	if err != nil {
		return nil, none, err
	}
	c, err := f.Clients.Get(ctx, state.Client)
	if err != nil {
		return nil, none, gone(err)
	}
	user, err := f.Users.ByID(ctx, state.Person.User)
	if err != nil {
		return nil, none, gone(err)
	}
	names, err := f.Grants.Claims(ctx, state.Session, f.now())
	if err != nil {
		return nil, none, err
	}
	claims := claimsOf(user, slices.Concat(grant.ClaimsOf(t.Scopes), names))
	claims["sub"] = user.ID
	return claims, c, nil
}

// gone makes ErrToken of a token whose user or client is no more.
func gone(err error) error {
	if errors.Is(err, client.ErrNotFound) || errors.Is(err, account.ErrNotFound) {
		return errors.Join(ErrToken, err)
	}
	return err
}

// SignUserInfo signs an answer of userinfo for a client that is registered for it.
func (f *Flow) SignUserInfo(c client.Client, claims map[string]any) (string, error) {
	return f.Minter.UserInfo(keys.Algorithm(c.UserinfoAlg), c.ID, claims, f.now())
}

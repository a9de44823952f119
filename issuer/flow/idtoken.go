package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
)

// ErrScope means that an access token hasn't the scope that is needed (RFC 6750 §3.1
// insufficient_scope).
var ErrScope = errors.New("the token hasn't the scope openid")

// idFor is what an ID token is made of.
type idFor struct {
	grant  session.Grant
	client client.Client
	user   account.User
	access Tokens // given with it
	nonce  string
	amr    []string
	claims []string // asked for one by one, beside the scopes'
}

// idToken is signed by the client's algorithm and lives as long as the access token
// that it comes with. It has the claims of the scopes, as peers do: many clients never
// ask userinfo.
func (f *Flow) idToken(of idFor) (string, error) {
	names := slices.Concat(grant.ClaimsOf(of.access.Scope), of.claims)
	return f.Minter.ID(f.idAlgorithm(of.client), token.ID{
		Subject: of.user.ID, Client: of.client.ID, Session: of.grant.Session, Nonce: of.nonce, AuthTime: of.grant.AuthTime,
		ACR: ACR, AMR: of.amr, Access: of.access.Access, Claims: claimsOf(of.user, names),
		Issued: of.access.Now, Expires: of.access.AccessExpires,
	})
}

func (f *Flow) idAlgorithm(c client.Client) keys.Algorithm {
	if alg := c.FirstIDTokenAlg(); alg != "" {
		return keys.Algorithm(alg)
	}
	return f.Algorithm()
}

// refreshedID is the ID token of a refresh (OpenID Connect Core §12.2: no nonce, the
// auth_time of the login). A person who has changed since shows.
func (f *Flow) refreshedID(ctx context.Context, g session.Grant, c client.Client, t Tokens) (string, error) {
	user := account.User{ID: g.Person.User, Roles: g.Person.Roles}
	if needsProfile(t.Scope) {
		var err error
		if user, err = f.Users.ByID(ctx, g.Person.User); err != nil {
			return "", fmt.Errorf("read the user: %w", err)
		}
	}
	return f.idToken(idFor{grant: g, client: c, user: user, access: t, amr: passwordAMR()})
}

// needsProfile tells whether scopes stand for more than what a session knows itself.
func needsProfile(scope []string) bool {
	return slices.ContainsFunc(grant.ClaimsOf(scope), func(name string) bool { return name != "roles" })
}

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
	state, err := f.Sessions.Live(ctx, id.Session(t.SessionID))
	if errors.Is(err, session.ErrOver) {
		return nil, none, errors.Join(ErrToken, err)
	}
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

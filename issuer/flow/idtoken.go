package flow

import (
	"context"
	"fmt"
	"slices"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
)

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

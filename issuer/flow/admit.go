package flow

import (
	"context"
	"errors"
	"slices"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/verifier"
)

// Admit tells who an operator is: the bearer of a token that the admin face's
// verifier accepted, whose session lives and whose account or client still has
// the role. Logged out or demoted is refused at once.
func (f *Flow) Admit(ctx context.Context, t *verifier.Token) (actor string, err error) {
	live, err := f.stillStands(ctx, t)
	if err != nil {
		return "", err
	}
	if !live {
		return "", ErrToken
	}
	roles, err := f.rolesNow(ctx, t)
	if err != nil {
		return "", err
	}
	if !slices.Contains(t.Roles, AdminRole) || !slices.Contains(roles, AdminRole) {
		return "", ErrForbidden
	}
	return t.Subject, nil
}

func (f *Flow) rolesNow(ctx context.Context, t *verifier.Token) ([]string, error) {
	if !id.IsUser(t.Subject) {
		c, err := f.Clients.Get(ctx, id.Client(t.Subject))
		if errors.Is(err, client.ErrNotFound) {
			err = ErrToken
		}
		return c.Roles, err
	}
	u, err := f.Users.ByID(ctx, id.User(t.Subject))
	if errors.Is(err, account.ErrNotFound) || (err == nil && u.Disabled) {
		err = ErrToken
	}
	return u.Roles, err
}

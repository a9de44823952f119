package flow

import (
	"context"
	"errors"
	"net/netip"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/session"
)

// PersonOf is a user as sessions and tokens know them.
func PersonOf(u account.User) session.Person {
	return session.Person{User: u.ID, Roles: u.Roles, Disabled: u.Disabled, Version: u.Version}
}

// Register makes an account, open registration given.
func (f *Flow) Register(ctx context.Context, email, password string, from netip.Addr) (account.User, error) {
	if !f.Registration {
		return account.User{}, ErrClosed
	}
	if err := f.Limits.Register(ctx, from, f.now()); err != nil {
		return account.User{}, err
	}
	return f.Accounts.Register(ctx, email, password)
}

// ChangePassword gives the bearer of a live access token another password; all
// the user's other logins end with it.
func (f *Flow) ChangePassword(ctx context.Context, access, old, next string) error {
	who, err := f.bearer(ctx, access)
	if err != nil {
		return err
	}
	if err := f.Limits.Password(ctx, who.Person.User, f.now()); err != nil {
		return err
	}
	ended, err := f.Accounts.ChangePassword(ctx, who.Person.User, old, next, who.Login)
	if errors.Is(err, account.ErrCredentials) { // who stole a token may guess here
		return errors.Join(err, f.failed(ctx, who.Person.User, who.Client, who.Session, "wrong_old_password"))
	}
	if err != nil {
		return err
	}
	return f.Sessions.Mark(ctx, ended)
}

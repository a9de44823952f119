package issuer

import (
	"context"
	"errors"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// apply makes a change seen here. It can be applied any number of times.
func (i *Issuer) apply(ctx context.Context, c store.Change) error {
	switch c.Kind {
	case store.User:
		return i.tell(ctx, id.User(c.ID))
	case store.Client:
		return i.clients.Refresh(ctx, id.Client(c.ID))
	case store.Session:
		i.bits.Set(c.Version)
		return i.remark(ctx, c)
	case store.Ring:
		return i.keeper.Reload(ctx)
	}
	return nil // of a newer version's kind: not for us
}

// tell gives a user's sessions the roles and state that the user has now.
func (i *Issuer) tell(ctx context.Context, user id.User) error {
	u, err := i.backend.Accounts.ByID(ctx, user)
	if errors.Is(err, account.ErrNotFound) {
		return nil // deleted: the sessions ended with the user
	}
	if err != nil {
		return err
	}
	return i.sessions.Learn(ctx, flow.PersonOf(u))
}

// remark ends a session in the generations, where these are a store that whoever
// ended it may not have reached.
func (i *Issuer) remark(ctx context.Context, c store.Change) error {
	if i.backend.Healer == nil {
		return nil
	}
	until := c.At.Add(i.settings.SessionTTL)
	return i.backend.Generations.End(ctx, []session.Ended{{ID: id.Session(c.ID), Status: c.Version, Until: until}})
}

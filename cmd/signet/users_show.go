package main

import (
	"context"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
)

type usersShow struct {
	who
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints what GET /admin/users/ID answers.
func (c *usersShow) Run(a *app) error {
	return withPeople(a, c.Settings, func(ctx context.Context, p people) error {
		u, err := p.find(ctx, c.User)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, u)
		}
		return printMembers(a, u)
	})
}

type usersDelete struct{ who }

// Run deletes a user; that ends their sessions in the same transaction.
func (c *usersDelete) Run(a *app) error {
	return withPeople(a, c.Settings, func(ctx context.Context, p people) error {
		u, err := p.find(ctx, c.User)
		if err != nil {
			return err
		}
		e := audit.New(ctx, audit.UserDeleted, a.now().UTC().Truncate(time.Millisecond))
		e.User = u.ID
		ended, err := p.store.Delete(ctx, u.ID, e)
		if err != nil {
			return fmt.Errorf("%s: %w", u.ID, err)
		}
		_, err = fmt.Fprintf(a.stdout, "%s %s: deleted, sessions ended: %d\n", u.ID, u.Email, len(ended))
		return err
	})
}

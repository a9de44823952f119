package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
)

type clientsShow struct {
	settingsFlags
	ID   string `arg:"" name:"id" help:"The client's id."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run prints what GET /admin/clients/ID answers.
func (c *clientsShow) Run(a *app) error {
	return withClients(a, c.Settings, func(ctx context.Context, store client.Store) error {
		found, err := findClient(ctx, store, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, found.View())
		}
		return printMembers(a, found.View())
	})
}

// clientsSet changes a client as PATCH /admin/clients/ID does.
type clientsSet struct {
	Audience struct{} `kong:"-"` // as in clientsAdd
	ID       string   `arg:"" name:"id" help:"The client's id."`
	Public   *bool    `hidden:"" negatable:"" help:"Whether it is public stays."` // to say so, and not that there is no such flag
	clientFlags
	JSON bool `name:"json" help:"Print JSON: what changed, and the client."`

	settingsFlags
}

// Help is what --help says beside.
func (*clientsSet) Help() string {
	return "What isn't given stays. A list is replaced as a whole: give all of its items. An empty value takes away, as in --contact= or --logo-uri=; " +
		"--no-trusted and the like turn off. The client's id stays, and whether it is public. Running servers know it within a second."
}

// changedClient is what clients set prints. Changed is empty where all was so already.
type changedClient struct {
	Changed []difference `json:"changed"`
	Client  client.View  `json:"client"`
}

// Run changes a client; where all is so already, nothing is written.
func (c *clientsSet) Run(a *app) error {
	if c.Public == nil && reflect.ValueOf(c.clientFlags).IsZero() {
		return usageError("say what to change, as in --redirect-uri https://app.example/cb or --no-trusted (see signet clients set --help)")
	}
	return withClients(a, c.Settings, func(ctx context.Context, store client.Store) error {
		old, err := findClient(ctx, store, c.ID)
		if err != nil {
			return err
		}
		next, err := c.next(old)
		if err != nil {
			return err
		}
		changed, err := differencesOf(old.View(), next.View())
		if err != nil {
			return err
		}
		if len(changed) > 0 {
			if err := save(ctx, store, next, a.now()); err != nil {
				return err
			}
			next.Version++
		}
		return c.print(a, changedClient{changed, next.View()})
	})
}

// next is the client as it is to be, if it can be so.
func (c *clientsSet) next(old client.Client) (client.Client, error) {
	next := old
	if err := c.over(&next); err != nil {
		return next, err
	}
	other := c.Public != nil && *c.Public != old.Public || !old.Public && next.AuthMethod == client.MethodNone
	if other {
		return next, fmt.Errorf("%s: a client's id and kind stay, and this one is %s: delete it, which ends its sessions, and add it again", old.ID, kindOf(old))
	}
	err := checkClient(next, c.Settings)
	if e, ok := errors.AsType[*client.InvalidError](err); ok && e.Field == "jwks" && len(next.JWKS) > 0 && next.JWKSURI != "" {
		err = fmt.Errorf("%w: add --jwks-file= or --jwks-uri= to take the one away", err)
	}
	return next, err
}

func kindOf(c client.Client) string {
	if c.Public {
		return "public"
	}
	return "confidential"
}

func save(ctx context.Context, store client.Store, c client.Client, now time.Time) error {
	err := store.Save(ctx, c, clientEvent(ctx, audit.ClientChanged, c.ID, now.UTC().Truncate(time.Millisecond)))
	if errors.Is(err, client.ErrConflict) {
		err = fmt.Errorf("%w: nothing was changed here; run it again", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.ID, err)
	}
	return nil
}

func (c *clientsSet) print(a *app, out changedClient) error {
	now := out.Client
	if len(now.Secrets) == 0 && !now.Public && now.AuthMethod != client.MethodPrivateKeyJWT {
		_, _ = fmt.Fprintf(a.stderr, "%s has no secret to authenticate with: signet clients secret %s gives it one.\n", now.ID, now.ID)
	}
	if c.JSON {
		return writeJSON(a.stdout, out)
	}
	if len(out.Changed) == 0 {
		_, err := fmt.Fprintf(a.stdout, "%s: nothing to change, it is so already\n", now.ID)
		return err
	}
	_, _ = fmt.Fprintf(a.stdout, "%s: changed\n", now.ID) // the table's Flush has the error
	t := newTable(a.stdout, "FIELD", "WAS", "IS")
	for _, d := range out.Changed {
		field, was, is := d.cells()
		t.row(field, was, is)
	}
	return t.Flush()
}

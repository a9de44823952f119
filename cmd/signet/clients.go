package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/issuer/store/sql"
)

type clientsCmd struct {
	Add    clientsAdd    `cmd:"" help:"Add a client and print its secret, this once."`
	List   clientsList   `cmd:"" help:"List clients."`
	Show   clientsShow   `cmd:"" help:"Print all that is registered of a client, but for its secrets."`
	Set    clientsSet    `cmd:"" help:"Change a client, by the flags of add, and print what changed."`
	Secret clientsSecret `cmd:"" help:"Give a client a new secret and print it, this once."`
	Delete clientsDelete `cmd:"" help:"Delete a client and end its sessions."`
}

func withClients(a *app, s issuer.Settings, f func(context.Context, client.Store) error) error {
	return withDatabase(a, s, func(ctx context.Context, db *sql.DB) error { return f(ctx, db.Backend().Clients) })
}

type clientsAdd struct {
	// Audience hides the setting of this name: here --audience is the client's. (kong leaves out what bears the name.)
	Audience struct{} `kong:"-"`
	ID       string   `name:"id" required:"" help:"The client's id."`
	Public   bool     `help:"It can't keep a secret, and gets none; the same as --auth-method none."`
	clientFlags
	JSON bool `name:"json" help:"Print JSON."`

	settingsFlags
}

// added is what `clients add` and `clients secret` print.
type added struct {
	ID     id.Client `json:"client_id"`
	Secret string    `json:"client_secret,omitempty"`
}

// Run adds a client.
func (c *clientsAdd) Run(a *app) error {
	made, out, err := c.client(a.now())
	if err != nil {
		return err
	}
	if err := checkClient(made, c.Settings); err != nil {
		return err
	}
	return withClients(a, c.Settings, func(ctx context.Context, store client.Store) error {
		if err := store.Create(ctx, made, clientEvent(ctx, audit.ClientCreated, made.ID, made.Created)); err != nil {
			return fmt.Errorf("%s: %w", made.ID, err)
		}
		return printSecret(a, out, c.JSON)
	})
}

// checkClient is what add and set refuse, by the rules of /admin/clients.
func checkClient(c client.Client, s issuer.Settings) error {
	if err := client.Validate(c, oauth.Grants()); err != nil {
		return err
	}
	if err := client.ValidateAlgorithms(c, s.KeyAlgs); err != nil {
		return fmt.Errorf("%w (SIGNET_KEY_ALGS)", err)
	}
	return nil
}

func (c *clientsAdd) client(now time.Time) (made client.Client, out added, err error) {
	if c.RedirectURI.empties() || c.PostLogoutRedirectURI.empties() { // a variable of a script that isn't set
		return made, out, usageError("a redirect URI is empty: give one, or leave the flag out")
	}
	now = now.UTC().Truncate(time.Millisecond)
	made = client.Client{ID: id.Client(c.ID), Created: now}
	if err := c.over(&made); err != nil {
		return made, out, err
	}
	made.Public = c.Public || made.AuthMethod == client.MethodNone
	made.Scopes, made.Audiences, made.Roles = orEmpty(made.Scopes), orEmpty(made.Audiences), orEmpty(made.Roles)
	if len(made.Grants) == 0 {
		made.Grants = client.DefaultGrants(made)
	}
	if len(made.Scopes) == 0 && len(made.RedirectURIs) > 0 {
		made.Scopes = grant.Scopes()
	}
	out.ID = made.ID
	if !made.Public && made.AuthMethod != client.MethodPrivateKeyJWT {
		out.Secret, made = made.Renewed(now, 0)
	}
	return made, out, nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func clientEvent(ctx context.Context, kind audit.Kind, c id.Client, now time.Time) audit.Event {
	e := audit.New(ctx, kind, now)
	e.Client = c
	return e
}

func printSecret(a *app, out added, asJSON bool) error {
	if asJSON {
		return writeJSON(a.stdout, out)
	}
	_, err := fmt.Fprintf(a.stdout, "client_id      %s\n", out.ID)
	if out.Secret != "" {
		_, err = fmt.Fprintf(a.stdout, "client_secret  %s\n", out.Secret)
		_, _ = fmt.Fprintln(a.stderr, "The secret is kept nowhere and can't be shown again.")
	}
	return err
}

type clientsList struct {
	settingsFlags
	page
}

// Run lists clients by id.
func (c *clientsList) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	return withClients(a, c.Settings, func(ctx context.Context, store client.Store) error {
		all, err := collect(c.page, func(c client.Client) id.Client { return c.ID },
			func(after id.Client, limit int) ([]client.Client, error) { return store.List(ctx, after, limit) })
		if err != nil {
			return err
		}
		return c.print(a, all)
	})
}

func (c *clientsList) print(a *app, all []client.Client) error {
	shown := make([]client.View, 0, len(all))
	for _, one := range all {
		shown = append(shown, one.View())
	}
	if c.JSON {
		return writeJSON(a.stdout, shown)
	}
	t := newTable(a.stdout, "ID", "KIND", "GRANTS", "SCOPES", "AUDIENCES", "ROLES", "SECRETS", "CREATED")
	for _, one := range shown {
		kind := kindOf(one.Client)
		if one.Registration != nil {
			kind += ",self-registered"
		}
		t.row(one.ID, kind, joined(one.Grants), joined(one.Scopes), joined(one.Audiences), joined(one.Roles), len(one.Secrets), instant(one.Created))
	}
	return t.Flush()
}

type clientsSecret struct {
	settingsFlags
	ID   string        `arg:"" name:"id" help:"The client's id."`
	Keep time.Duration `default:"24h" help:"How long the old secrets stay good at most; 0s: they end at once."`
	JSON bool          `name:"json" help:"Print JSON."`
}

// Run adds a secret and lets the others end.
func (c *clientsSecret) Run(a *app) error {
	if c.Keep < 0 {
		return usageError("--keep must be a time from now, as in 24h")
	}
	return withClients(a, c.Settings, func(ctx context.Context, store client.Store) error {
		found, err := findClient(ctx, store, c.ID)
		if err != nil {
			return err
		}
		if found.Public {
			return fmt.Errorf("%s is a public client: it has no secret", found.ID)
		}
		now := a.now().UTC().Truncate(time.Millisecond)
		plain, found := found.Renewed(now, c.Keep)
		event := clientEvent(ctx, audit.ClientChanged, found.ID, now)
		event.Reason = "secret"
		if err := client.Validate(found, found.Grants); err != nil {
			return err // too many secrets alive at once
		}
		if err := store.Save(ctx, found, event); err != nil {
			return fmt.Errorf("%s: %w", found.ID, err)
		}
		return printSecret(a, added{found.ID, plain}, c.JSON)
	})
}

type clientsDelete struct {
	settingsFlags
	ID string `arg:"" name:"id" help:"The client's id."`
}

// Run deletes a client; that ends its sessions in the same transaction.
func (c *clientsDelete) Run(a *app) error {
	return withClients(a, c.Settings, func(ctx context.Context, store client.Store) error {
		found, err := findClient(ctx, store, c.ID)
		if err != nil {
			return err
		}
		ended, err := store.Delete(ctx, found.ID, clientEvent(ctx, audit.ClientDeleted, found.ID, a.now()))
		if err != nil {
			return fmt.Errorf("%s: %w", found.ID, err)
		}
		_, err = fmt.Fprintf(a.stdout, "%s: deleted, sessions ended: %d\n", found.ID, len(ended))
		return err
	})
}

func findClient(ctx context.Context, store client.Store, name string) (client.Client, error) {
	found, err := store.ByID(ctx, id.Client(name))
	if errors.Is(err, client.ErrNotFound) {
		return found, fmt.Errorf("%.128q: %w", name, client.ErrNotFound)
	}
	return found, err
}

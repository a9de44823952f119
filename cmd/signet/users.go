package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/issuer/store/sql"
)

type usersCmd struct {
	Add     usersAdd     `cmd:"" help:"Add a user; the password comes on standard input."`
	List    usersList    `cmd:"" help:"List users."`
	Show    usersShow    `cmd:"" help:"Print what is known of a user."`
	Disable usersDisable `cmd:"" help:"Disable a user and end all their sessions."`
	Enable  usersEnable  `cmd:"" help:"Let a disabled user log in again."`
	Set     usersSet     `cmd:"" help:"Change what is known of a user: name, picture, whether the address was checked."`
	Roles   usersRoles   `cmd:"" help:"Print a user's roles, or replace them."`
	Passwd  usersPasswd  `cmd:"" help:"Give a user a new password and end all their sessions."`
	Delete  usersDelete  `cmd:"" help:"Delete a user for good, with consents, and end all their sessions. The address is free again; the audit stays."`
}

// people is what the users commands work with.
type people struct {
	*account.Service
	store store.Accounts
}

// withPeople runs f on the accounts of the settings' database, with the settings' rules for passwords.
func withPeople(a *app, s issuer.Settings, f func(context.Context, people) error) error {
	return withDatabase(a, s, func(ctx context.Context, db *sql.DB) error {
		accounts := db.Backend().Accounts
		// Nobody else waits for this process's pool: its deadline is only there for a stuck machine.
		hasher, err := account.NewHasher(account.HasherConfig{Cost: s.BcryptCost, Workers: 1, Deadline: time.Minute})
		if err != nil {
			return err
		}
		service, err := account.New(account.Config{Store: accounts, Rehasher: accounts, Hasher: hasher, Policy: s.PasswordPolicy(), Now: a.now})
		if err != nil {
			return err
		}
		return f(ctx, people{service, accounts})
	})
}

// find takes an address or an id.
func (p people) find(ctx context.Context, who string) (u account.User, err error) {
	if id.IsUser(who) && !strings.Contains(who, "@") {
		u, err = p.store.ByID(ctx, id.User(who))
	} else {
		u, err = p.store.ByEmail(ctx, account.NormalEmail(who))
	}
	if errors.Is(err, account.ErrNotFound) {
		return u, fmt.Errorf("%.254q: %w", who, account.ErrNotFound)
	}
	return u, err
}

// userID takes an address or an id, as find, and an id also of nobody: whoever was deleted has left sessions and events.
func userID(ctx context.Context, accounts store.Accounts, who string) (id.User, error) {
	if who == "" || id.IsUser(who) && !strings.Contains(who, "@") {
		return id.User(who), nil
	}
	u, err := people{store: accounts}.find(ctx, who)
	if errors.Is(err, account.ErrNotFound) {
		err = fmt.Errorf("%w (of a user who was deleted, give the id)", err)
	}
	return u.ID, err
}

type usersAdd struct {
	settingsFlags
	passwordFlag
	Email string   `required:"" help:"Address, compared without regard to case."`
	Role  []string `help:"A role; may be repeated."`
	JSON  bool     `name:"json" help:"Print JSON."`
}

// Run adds a user and prints the id.
func (c *usersAdd) Run(a *app) error {
	password, err := c.read(a.stdin)
	if err != nil {
		return err
	}
	return withPeople(a, c.Settings, func(ctx context.Context, p people) error {
		u, err := p.CreateWithRoles(ctx, c.Email, password, c.Role)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, u)
		}
		_, err = fmt.Fprintln(a.stdout, u.ID)
		return err
	})
}

type usersList struct {
	settingsFlags
	page
}

// Run lists users by id.
func (c *usersList) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	return withPeople(a, c.Settings, func(ctx context.Context, p people) error {
		users, err := collect(c.page, func(u account.User) id.User { return u.ID },
			func(after id.User, limit int) ([]account.User, error) { return p.store.List(ctx, after, limit) })
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, users)
		}
		return printUsers(a, users)
	})
}

func printUsers(a *app, users []account.User) error {
	t := newTable(a.stdout, "ID", "EMAIL", "ROLES", "STATE", "CREATED")
	for _, u := range users {
		state := "enabled"
		if u.Disabled {
			state = "disabled"
		}
		t.row(u.ID, u.Email, joined(u.Roles), state, instant(u.Created))
	}
	return t.Flush()
}

// who is the user that a command is about.
type who struct {
	settingsFlags
	User string `arg:"" help:"Address or id."`
}

// change finds the user, changes them and prints a line.
func (c *who) change(a *app, done string, f func(context.Context, people, account.User) error) error {
	return withPeople(a, c.Settings, func(ctx context.Context, p people) error {
		u, err := p.find(ctx, c.User)
		if err != nil {
			return err
		}
		if err := f(ctx, p, u); err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s %s: %s\n", u.ID, u.Email, done)
		return err
	})
}

type usersDisable struct{ who }

// Run disables a user; that ends their sessions in the same transaction.
func (c *usersDisable) Run(a *app) error {
	return c.change(a, "disabled, sessions ended", func(ctx context.Context, p people, u account.User) error {
		_, err := p.SetDisabled(ctx, u.ID, true)
		return err
	})
}

type usersEnable struct{ who }

// Run enables a user.
func (c *usersEnable) Run(a *app) error {
	return c.change(a, "enabled", func(ctx context.Context, p people, u account.User) error {
		_, err := p.SetDisabled(ctx, u.ID, false)
		return err
	})
}

type usersPasswd struct {
	who
	passwordFlag
}

// Run replaces a password.
func (c *usersPasswd) Run(a *app) error {
	password, err := c.read(a.stdin)
	if err != nil {
		return err
	}
	return c.change(a, "password changed, sessions ended", func(ctx context.Context, p people, u account.User) error {
		_, err := p.SetPassword(ctx, u.ID, password)
		return err
	})
}

type usersRoles struct {
	who
	Roles []string `arg:"" optional:"" help:"The roles to have from now on; without any, the roles are printed."`
	Role  []string `help:"A role to have from now on; may be repeated."`
	None  bool     `help:"Take all roles away."`
}

// Run prints or replaces roles.
func (c *usersRoles) Run(a *app) error {
	roles := append(c.Roles, c.Role...)
	if c.None && len(roles) > 0 {
		return usageError("name roles, or --none")
	}
	if !c.None && len(roles) == 0 {
		return c.print(a)
	}
	return c.change(a, "roles "+joined(roles), func(ctx context.Context, p people, u account.User) error {
		_, err := p.SetRoles(ctx, u.ID, roles)
		return err
	})
}

func (c *usersRoles) print(a *app) error {
	return withPeople(a, c.Settings, func(ctx context.Context, p people) error {
		u, err := p.find(ctx, c.User)
		if err != nil {
			return err
		}
		for _, role := range u.Roles {
			_, err = fmt.Fprintln(a.stdout, role)
		}
		return err
	})
}

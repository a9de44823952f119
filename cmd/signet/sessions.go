package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/issuer/store/sql"
)

type sessionsCmd struct {
	List sessionsList `cmd:"" help:"List the sessions of a user or of a client."`
	End  sessionsEnd  `cmd:"" help:"End one session, or all of a user or of a client."`
}

// whose names sessions by whom they are of.
type whose struct {
	User   string `placeholder:"USER" help:"Those of this user: address or id."`
	Client string `placeholder:"ID" help:"Those of this client (signet: of POST /login); with --user, those of the user at the client."`
}

func (w whose) which(ctx context.Context, b store.Backend) (session.Which, error) {
	user, err := userID(ctx, b.Accounts, w.User)
	return session.Which{User: user, Client: id.Client(w.Client)}, err
}

type sessionsList struct {
	settingsFlags
	whose
	Ended bool `help:"Also those that are over."`
	page
}

// Run lists sessions by id, as GET /admin/sessions does.
func (c *sessionsList) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.whose == (whose{}) {
		return usageError("name whose: --user or --client")
	}
	return withDatabase(a, c.Settings, func(ctx context.Context, db *sql.DB) error {
		w, err := c.which(ctx, db.Backend())
		if err != nil {
			return err
		}
		all, err := collect(c.page, func(s session.Session) id.Session { return s.ID },
			func(after id.Session, limit int) ([]session.Session, error) {
				return db.Backend().Ledger.List(ctx, w, c.Ended, after, limit)
			})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, all)
		}
		return printSessions(a, all)
	})
}

func printSessions(a *app, all []session.Session) error {
	t := newTable(a.stdout, "SESSION", "USER", "CLIENT", "SCOPE", "CREATED", "EXPIRES", "ENDED", "REASON")
	for _, s := range all {
		t.row(s.ID, s.User, s.Client, joined(s.Scope), instant(s.Created), instant(s.Expires), instant(s.Ended), orDash(s.Reason))
	}
	return t.Flush()
}

type sessionsEnd struct {
	settingsFlags
	whose
	Session string `arg:"" optional:"" name:"sid" help:"The session's id: the sid of its tokens."`
}

// Run ends sessions, as DELETE /admin/sessions does.
func (c *sessionsEnd) Run(a *app) error {
	if (c.Session == "") == (c.whose == whose{}) {
		return usageError("name a session by its id, or whose: --user or --client")
	}
	return withDatabase(a, c.Settings, func(ctx context.Context, db *sql.DB) error {
		e := audit.New(ctx, audit.SessionEnded, a.now().UTC().Truncate(time.Millisecond))
		e.Reason = "admin"
		if c.Session != "" {
			return c.one(ctx, a, db.Backend().Ledger, e)
		}
		w, err := c.which(ctx, db.Backend())
		if err != nil {
			return err
		}
		e.User, e.Client = w.User, w.Client
		ended, err := db.Backend().Ledger.End(ctx, w, e)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "sessions ended: %d\n", len(ended))
		return err
	})
}

func (c *sessionsEnd) one(ctx context.Context, a *app, ledger session.Ledger, e audit.Event) error {
	s, _, err := ledger.Find(ctx, id.Session(c.Session))
	if errors.Is(err, session.ErrNotFound) {
		return fmt.Errorf("%.64q: %w", c.Session, session.ErrNotFound)
	}
	if err != nil {
		return err
	}
	e.User, e.Client, e.Session = s.User, s.Client, s.ID
	ended, err := ledger.End(ctx, session.Which{ID: s.ID}, e)
	if err != nil {
		return err
	}
	done := "ended"
	if len(ended) == 0 {
		done = "was over already"
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s\n", s.ID, done)
	return err
}

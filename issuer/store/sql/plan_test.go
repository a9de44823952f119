package sql

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// heardOf remembers the texts that a runner runs.
type heardOf struct {
	runner
	mu      sync.Mutex
	queries map[string]int // by text: how many arguments
}

func (h *heardOf) note(query string, args []any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queries[query] = len(args)
}

func (h *heardOf) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	h.note(query, args)
	return h.runner.ExecContext(ctx, query, args...)
}

func (h *heardOf) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	h.note(query, args)
	return h.runner.QueryContext(ctx, query, args...)
}

func (h *heardOf) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	h.note(query, args)
	return h.runner.QueryRowContext(ctx, query, args...)
}

// listening is SQLite whose statements are heard.
type listening struct {
	*sqliteEngine
	to *heardOf
}

func (e listening) reader() runner {
	e.to.runner = e.sqliteEngine.reader()
	return e.to
}

func (e listening) transact(ctx context.Context, f func(context.Context, runner) error) error {
	return e.sqliteEngine.transact(ctx, func(ctx context.Context, r runner) error {
		e.to.runner = r
		return f(ctx, e.to)
	})
}

// TestPlans: no statement of a request reads a whole table. (Sweeps may; there are
// none here. SQLite has no statistics here, so what it says holds for any data.)
func TestPlans(t *testing.T) {
	db := opened(t, Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "signet.db"), mostEnded: 1})
	to := &heardOf{queries: map[string]int{}}
	heard := &DB{engine: listening{engineOf[*sqliteEngine](t, db), to}, config: db.config}
	exercise(t, heard.Backend())
	if len(to.queries) < 70 {
		t.Errorf("only %d statements were heard", len(to.queries))
	}
	for query, args := range to.queries {
		plan, err := all(t.Context(), db.reader(), scanPlan, "EXPLAIN QUERY PLAN "+query, make([]any, args)...)
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
		for _, step := range plan {
			if strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "CONSTANT ROW") && !strings.Contains(step, "VALUES CLAUSE") && !strings.Contains(step, "next") {
				t.Errorf("%s\n\treads a whole table: %s", query, step)
			}
		}
	}
}

func scanPlan(row scanner) (detail string, err error) {
	var n int
	err = row.Scan(&n, &n, &n, &detail)
	return detail, err
}

// exercise calls every method once or more.
func exercise(t *testing.T, b store.Backend) {
	ctx, at := t.Context(), time.Now().UTC().Truncate(time.Millisecond)
	e := audit.New(ctx, audit.UserChanged, at)
	u := account.User{ID: id.NewUser(), Email: "a@example.com", Created: at, Version: 1}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(b.Accounts.Create(ctx, u, e))
	var last session.Session
	for i := range 3 {
		l := session.Login{ID: id.NewLogin(), User: u.ID, AuthTime: at, Expires: at.Add(time.Hour)}
		last = session.Session{ID: id.NewSession(), Login: l.ID, User: u.ID, Client: "web", Status: int64(i), AuthTime: at, Created: at, Expires: l.Expires}
		_, err := b.Ledger.Open(ctx, l, last, 2, e)
		check(err)
		_, err = b.Ledger.Open(ctx, l, session.Session{ID: id.NewSession(), Login: l.ID, User: u.ID, Client: "web", AuthTime: at, Created: at, Expires: l.Expires}, 2, e)
		check(err)
	}
	check(b.Generations.Begin(ctx, session.State{Session: last.ID, Generation: 5, NotAfter: last.Expires, Answered: at}))
	_, err := b.Generations.Look(ctx, last.ID)
	check(err)
	check(b.Generations.End(ctx, []session.Ended{{ID: last.ID}}))
	for _, g := range []uint32{5, 6, 1} {
		_, err = b.Generations.Rotate(ctx, session.Rotation{Session: last.ID, Generation: g, Client: "web", Now: at, Idle: time.Hour})
		check(err)
	}
	_, _, err = b.Ledger.Find(ctx, last.ID)
	check(err)
	for _, w := range []session.Which{{ID: last.ID}, {User: u.ID}, {Login: last.Login}, {Client: "web"}, {User: u.ID, But: last.Login}} {
		for _, ended := range []bool{false, true} {
			_, err = b.Ledger.List(ctx, w, ended, "", 10)
			check(err)
		}
		_, err = b.Ledger.End(ctx, w, e)
		check(err)
	}
	_, err = b.Accounts.Save(ctx, u, account.Ending{Logins: true, But: "x"}, e)
	check(err)
	_, err = b.Accounts.ByEmail(ctx, "a@example.com")
	check(err)
	_, err = b.Accounts.List(ctx, "", 10)
	check(err)
	check(b.Accounts.Rehash(ctx, u.ID, "a", "b"))
	_, err = b.Accounts.Delete(ctx, u.ID, e)
	check(err)
	_, err = b.Indices.Lease(ctx, 64)
	check(err)
	check(b.Indices.Set(ctx, time.Time{}, func(int64) bool { return true }))
	for _, q := range []audit.Query{{}, {Kind: "a"}, {User: "a"}, {Kind: "a", User: "a"}} {
		_, err = b.Audit.Events(ctx, q)
		check(err)
	}
	_, err = b.Feed.Since(ctx, 0, time.Minute, 10)
	check(err)
	_, err = b.Feed.Head(ctx)
	check(err)
	check(b.Feed.Prune(ctx, at))
	exerciseLogin(t, b, at)
	_, err = b.Limits.Take(ctx, "k", limit.Rate{Count: 2, Per: time.Minute}, 1, at)
	check(err)
}

// exerciseLogin calls what logging in by a browser needs.
func exerciseLogin(t *testing.T, b store.Backend, at time.Time) {
	ctx, e := t.Context(), audit.New(t.Context(), audit.UserChanged, at)
	u := account.User{ID: id.NewUser(), Email: "b@example.com", Created: at, Version: 1}
	must(t, b.Accounts.Create(ctx, u, e))
	must(t, b.Clients.Create(ctx, client.Client{ID: "shop", Created: at}, e))
	l := session.Login{ID: id.NewLogin(), User: u.ID, AuthTime: at, Expires: at.Add(time.Hour), Cookie: [32]byte{1}}
	must(t, b.Logins.Begin(ctx, l, e))
	_, _, err := b.Logins.ByCookie(ctx, l.Cookie, at)
	must(t, err)
	must(t, b.Logins.Renew(ctx, l, e))
	s := session.Session{ID: id.NewSession(), Login: l.ID, User: u.ID, Client: "shop", AuthTime: at, Created: at, Expires: l.Expires, Notify: true}
	for _, want := range []error{nil, session.ErrUsed} {
		if _, err := b.Ledger.Open(ctx, l, s, 2, e); !errors.Is(err, want) {
			t.Fatal(err, want)
		}
	}
	from, of := l, s
	from.ID, from.Cookie, from.Origin, of.ID = id.NewLogin(), [32]byte{}, l.ID, id.NewSession()
	of.Login = from.ID
	_, err = b.Ledger.Open(ctx, from, of, 2, e)
	must(t, err)
	must(t, b.Consents.Give(ctx, grant.Consent{User: u.ID, Client: "shop", Given: at}, e))
	_, err = b.Consents.Find(ctx, u.ID, "shop")
	must(t, err)
	_, err = b.Consents.Of(ctx, u.ID)
	must(t, err)
	_, err = b.Ledger.End(ctx, session.Which{ID: s.ID}, e)
	must(t, err)
	due, err := b.Notices.Due(ctx, at, at.Add(time.Minute), 10)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	must(t, b.Notices.Later(ctx, s.ID, at))
	must(t, b.Notices.Done(ctx, s.ID))
	_, err = b.Logins.Of(ctx, u.ID, at, 10)
	must(t, err)
	_, err = b.Ledger.End(ctx, session.Which{Login: l.ID}, e)
	must(t, err)
	if due, err = b.Notices.Due(ctx, at, at.Add(time.Minute), 10); err != nil || len(due) != 1 || due[0].Session != of.ID {
		t.Fatal(due, err)
	}
	must(t, b.Consents.Withdraw(ctx, u.ID, "shop", e))
	must(t, b.Waiting.Put(ctx, "n", nil, at, at.Add(time.Minute)))
	_, err = b.Waiting.Get(ctx, "n", at)
	must(t, err)
	_, err = b.Waiting.Take(ctx, "n", at)
	must(t, err)
	_, err = b.Waiting.Once(ctx, "n", at, at.Add(time.Minute))
	must(t, err)
	_, err = b.Clients.Delete(ctx, "shop", e)
	must(t, err)
	s.ID, l.ID, l.Cookie = id.NewSession(), id.NewLogin(), [32]byte{}
	s.Login = l.ID
	_, err = b.Ledger.Open(ctx, l, s, 2, e) // what a broken deletion leaves
	must(t, err)
	must(t, b.Clients.Create(ctx, client.Client{ID: "shop", Created: at}, e))
}

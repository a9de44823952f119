package sql

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// watched is an engine whose transactions are counted, and before each of which
// something may be done, or go wrong.
type watched struct {
	engine
	before func(n int) error
	ended  []int // sessions that are ended after each transaction
}

func (e *watched) transact(ctx context.Context, f func(context.Context, runner) error) error {
	if e.before != nil {
		if err := e.before(len(e.ended)); err != nil {
			return err
		}
	}
	n := 0
	err := e.engine.transact(ctx, func(ctx context.Context, r runner) (err error) {
		if err := f(ctx, r); err != nil {
			return err
		}
		n, err = one[int](ctx, r, `SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL`)
		return err
	})
	e.ended = append(e.ended, n)
	return err
}

// most is the most that one transaction ended.
func (e *watched) most() (most int) {
	for i, n := range e.ended[1:] {
		most = max(most, n-e.ended[i])
	}
	return max(most, e.ended[0])
}

// crowd is a client with many sessions, each in a login of its own but every tenth,
// in whose login another client has one too.
const (
	crowdSize = 2500
	crowdPart = 120 // no divisor, and more than goes into one statement
)

func crowd(t *testing.T, url string) (*DB, *watched) {
	t.Helper()
	db := opened(t, Config{URL: url, mostEnded: crowdPart})
	at := time.Now().UTC().Truncate(time.Millisecond)
	must(t, db.Backend().Clients.Create(t.Context(), client.Client{ID: "many", Created: at}, audit.New(t.Context(), audit.ClientCreated, at)))
	must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
		for i := range crowdSize {
			if err := visit(ctx, r, db, at, i%10 == 0); err != nil {
				return err
			}
		}
		return nil
	}))
	w := &watched{engine: db.engine}
	return &DB{engine: w, config: db.config}, w
}

// visit is a login with a session of the client, and of another if shared.
func visit(ctx context.Context, r runner, db *DB, at time.Time, shared bool) error {
	l := session.Login{ID: id.NewLogin(), User: id.NewUser(), AuthTime: at, Expires: at.Add(time.Hour)}
	s := session.Session{ID: id.NewSession(), Login: l.ID, User: l.User, Client: "many", AuthTime: at, Created: at, Expires: l.Expires}
	err := errors.Join(ledger{db}.login(ctx, r, l, at), insertSession(ctx, r, s))
	if shared {
		s.ID, s.Client = id.NewSession(), "other"
		err = errors.Join(err, insertSession(ctx, r, s))
	}
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want checks what a query counts.
func want(t *testing.T, db *DB, what string, n int, query string, args ...any) {
	t.Helper()
	got, err := one[int](t.Context(), db.reader(), query, args...)
	if err != nil || got != n {
		t.Errorf("%s: %d, %v; want %d", what, got, err, n)
	}
}

const (
	liveOf     = `SELECT count(*) FROM sessions WHERE client_id = $1 AND ended_at IS NULL`
	toldOf     = `SELECT count(*) FROM feed WHERE kind = 'session'`
	eventsOf   = `SELECT count(*) FROM audit WHERE kind = $1`
	liveLogins = `SELECT count(*) FROM logins WHERE ended_at IS NULL`
)

// TestEndVeryMany ends what would be too much for one transaction.
func TestEndVeryMany(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, w := crowd(t, url)
		e := audit.New(t.Context(), audit.SessionEnded, time.Now())
		ended, err := db.Backend().Ledger.End(t.Context(), session.Which{Client: "many"}, e)
		must(t, err)
		if len(ended) != crowdSize || !slices.IsSortedFunc(ended, func(a, b session.Ended) int { return strings.Compare(string(a.ID), string(b.ID)) }) {
			t.Errorf("%d ended, want %d by id", len(ended), crowdSize)
		}
		if most := w.most(); most != crowdPart {
			t.Errorf("a transaction ended %d, want %d at most", most, crowdPart)
		}
		want(t, db, "live", 0, liveOf, "many")
		want(t, db, "live of another client", crowdSize/10, liveOf, "other")
		want(t, db, "logins", crowdSize/10, liveLogins)
		want(t, db, "told", crowdSize, toldOf)
		want(t, db, "events", 1, eventsOf, string(audit.SessionEnded))
		ended, err = db.Backend().Ledger.End(t.Context(), session.Which{Client: "many"}, e)
		if err != nil || len(ended) > 0 {
			t.Errorf("End again: %d, %v", len(ended), err)
		}
		want(t, db, "events of End again", 1, eventsOf, string(audit.SessionEnded))
	})
}

// TestEndBreaksOff: what was ended before a crash has its event and its feed
// entries, and the same call again ends the rest.
func TestEndBreaksOff(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, w := crowd(t, url)
		broken := errors.New("broken")
		w.before = func(n int) error {
			if n == 3 {
				return broken
			}
			return nil
		}
		e := audit.New(t.Context(), audit.SessionEnded, time.Now())
		if _, err := db.Backend().Ledger.End(t.Context(), session.Which{Client: "many"}, e); !errors.Is(err, broken) {
			t.Fatalf("End: %v", err)
		}
		want(t, db, "live", crowdSize-3*crowdPart, liveOf, "many")
		want(t, db, "told", 3*crowdPart, toldOf)
		want(t, db, "events", 1, eventsOf, string(audit.SessionEnded))
		w.before = nil
		ended, err := db.Backend().Ledger.End(t.Context(), session.Which{Client: "many"}, e)
		if err != nil || len(ended) != crowdSize-3*crowdPart {
			t.Errorf("End again: %d, %v", len(ended), err)
		}
		want(t, db, "told", crowdSize, toldOf)
		want(t, db, "events", 2, eventsOf, string(audit.SessionEnded)) // of two calls
	})
}

// TestEndWhileOpening ends also what is opened between its transactions.
func TestEndWhileOpening(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, w := crowd(t, url)
		opens := 0
		w.before = func(int) error {
			opens++
			return w.engine.transact(t.Context(), func(ctx context.Context, r runner) error {
				return visit(ctx, r, db, time.Now(), false)
			})
		}
		e := audit.New(t.Context(), audit.SessionEnded, time.Now())
		ended, err := db.Backend().Ledger.End(t.Context(), session.Which{Client: "many"}, e)
		if err != nil || len(ended) != crowdSize+opens {
			t.Errorf("%d ended, %v; want %d", len(ended), err, crowdSize+opens)
		}
		want(t, db, "live", 0, liveOf, "many")
	})
}

// TestDeleteBusyClient: the client is gone with the first of its sessions, and to
// delete it again after a crash ends the others.
func TestDeleteBusyClient(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, w := crowd(t, url)
		clients := db.Backend().Clients
		broken := errors.New("broken")
		w.before = func(n int) error {
			if n == 2 {
				return broken
			}
			return nil
		}
		e := audit.New(t.Context(), audit.ClientDeleted, time.Now())
		if _, err := clients.Delete(t.Context(), "many", e); !errors.Is(err, broken) {
			t.Fatalf("Delete: %v", err)
		}
		if _, err := clients.ByID(t.Context(), "many"); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("ByID: %v", err)
		}
		want(t, db, "live", crowdSize-2*crowdPart, liveOf, "many")
		want(t, db, "told", 2*crowdPart, toldOf)
		want(t, db, "events", 1, eventsOf, string(audit.ClientDeleted))
		want(t, db, "clients told", 2, `SELECT count(*) FROM feed WHERE kind = $1 AND id = 'many'`, string(store.Client))

		w.before = nil
		gone, err := clients.Delete(t.Context(), "many", e)
		if err != nil || len(gone) != crowdSize-2*crowdPart {
			t.Errorf("Delete again: %d, %v", len(gone), err)
		}
		if most := w.most(); most != crowdPart {
			t.Errorf("a transaction ended %d, want %d at most", most, crowdPart)
		}
		want(t, db, "live", 0, liveOf, "many")
		want(t, db, "live of another client", crowdSize/10, liveOf, "other")
		want(t, db, "told", crowdSize, toldOf)
		if _, err := clients.Delete(t.Context(), "many", e); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("Delete once more: %v", err)
		}
		want(t, db, "events", 2, eventsOf, string(audit.ClientDeleted))
	})
}

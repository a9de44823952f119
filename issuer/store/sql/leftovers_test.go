package sql

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

const (
	consentsTo = `SELECT count(*) FROM consents WHERE client_id = $1`
	noticesTo  = `SELECT count(*) FROM notices WHERE client_id = $1`
)

// attached gives a client more consents and notices than one transaction deletes, and
// another one of each.
func attached(t *testing.T, db *DB) {
	t.Helper()
	must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
		for i := range sweepBatch + 10 {
			c := id.Client("many")
			if i == 0 {
				c = "other"
			}
			_, consent := execute(ctx, r, `INSERT INTO consents (user_id, client_id, scope, given) VALUES ($1, $2, '[]', 1)`, fmt.Sprint(i), c)
			_, notice := execute(ctx, r, `INSERT INTO notices (session, client_id, user_id, ended, due, tries) VALUES ($1, $2, 'u', 1, 1, 0)`, fmt.Sprint(i), c)
			if err := errors.Join(consent, notice); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestClientTakesAll: with a client goes what is kept of it, however much, and
// nothing of another.
func TestClientTakesAll(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, _ := crowd(t, url)
		attached(t, db)
		_, err := db.Backend().Clients.Delete(t.Context(), "many", audit.New(t.Context(), audit.ClientDeleted, time.Now()))
		must(t, err)
		for _, query := range []string{consentsTo, noticesTo} {
			want(t, db, "of the client: "+query, 0, query, "many")
			want(t, db, "of another: "+query, 1, query, "other")
		}
	})
}

// TestCreateAfterBrokenDeletion: a client finds nothing that a deletion which broke
// off has left of another of its id, however much, whether its own creation breaks
// off too or not.
func TestCreateAfterBrokenDeletion(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, w := crowd(t, url)
		clients, at := db.Backend().Clients, time.Now()
		attached(t, db)
		breakAt := func(k int) error {
			k += len(w.ended)
			broken := errors.New("broken")
			w.before = func(n int) error {
				if n == k {
					return broken
				}
				return nil
			}
			return broken
		}
		broken := breakAt(1)
		if _, err := clients.Delete(t.Context(), "many", audit.New(t.Context(), audit.ClientDeleted, at)); !errors.Is(err, broken) {
			t.Fatalf("Delete: %v", err)
		}
		again := client.Client{ID: "many", Created: at}
		e := audit.New(t.Context(), audit.ClientCreated, at)
		broken = breakAt(2)
		if err := clients.Create(t.Context(), again, e); !errors.Is(err, broken) {
			t.Fatalf("Create: %v", err)
		}
		want(t, db, "live", crowdSize-3*crowdPart, liveOf, "many")
		if _, err := clients.ByID(t.Context(), "many"); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("ByID while sessions are left: %v", err)
		}
		w.before = nil
		must(t, clients.Create(t.Context(), again, e))
		if most := w.most(); most != crowdPart {
			t.Errorf("a transaction ended %d, want %d at most", most, crowdPart)
		}
		want(t, db, "live", 0, liveOf, "many")
		want(t, db, "live of another client", crowdSize/10, liveOf, "other")
		want(t, db, "consents", 0, consentsTo, "many")
		want(t, db, "notices", 0, noticesTo, "many")
		want(t, db, "told", crowdSize, toldOf)
		want(t, db, "creations", 2, eventsOf, string(audit.ClientCreated))
	})
}

// TestNoticeWithItsEnd: there is no end without its notice, whatever happens between
// the two.
func TestNoticeWithItsEnd(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db := opened(t, Config{URL: url})
		s := begun(t, db, 1)[0]
		must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
			_, err := execute(ctx, r, `UPDATE sessions SET notify = TRUE`)
			return err
		}))
		broken := errors.New("broken")
		err := db.transact(t.Context(), func(ctx context.Context, r runner) error {
			_, err := db.endWith(ctx, r, session.Which{ID: s.Session}, audit.New(ctx, audit.SessionEnded, s.Answered))
			return errors.Join(broken, err)
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		want(t, db, "live", 1, liveOf, "web")
		want(t, db, "notices", 0, noticesTo, "web")
		_, err = db.Backend().Ledger.End(t.Context(), session.Which{ID: s.Session}, audit.New(t.Context(), audit.SessionEnded, s.Answered))
		must(t, err)
		want(t, db, "live", 0, liveOf, "web")
		want(t, db, "notices", 1, noticesTo, "web")
	})
}

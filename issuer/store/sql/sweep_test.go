package sql

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// TestLedgerEnds: what the ledger says has ended rotates no more, without any
// further call.
func TestLedgerEnds(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db := opened(t, Config{URL: url})
		s := begun(t, db, 1)[0]
		b := db.Backend()
		if _, err := b.Ledger.End(t.Context(), session.Which{ID: s.Session}, audit.New(t.Context(), audit.SessionEnded, s.Answered)); err != nil {
			t.Fatal(err)
		}
		res, err := b.Generations.Rotate(t.Context(), session.Rotation{
			Session: s.Session, Generation: 1, Client: "web", Key: 7, Idle: time.Hour, Window: time.Hour, Now: s.Answered,
		})
		if err != nil || res.Outcome != session.Over || !res.State.Ended {
			t.Errorf("Rotate: %+v, %v; want Over", res, err)
		}
	})
}

// TestSweepLogin: what waits goes when it has expired, a browser's login some time
// after that, and a notice never, as long as nobody has given it up.
func TestSweepLogin(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db := opened(t, Config{URL: url})
		b, at := db.Backend(), begun(t, db, 1)[0].Answered
		u := account.User{ID: id.NewUser(), Email: "a@example.com", Created: at}
		must(t, b.Accounts.Create(t.Context(), u, audit.New(t.Context(), audit.UserRegistered, at)))
		l := session.Login{ID: id.NewLogin(), User: u.ID, AuthTime: at, Expires: at.Add(time.Hour), Cookie: [32]byte{1}}
		must(t, b.Logins.Begin(t.Context(), l, audit.New(t.Context(), audit.LoginSucceeded, at)))
		for i := range sweepBatch + 10 {
			must(t, b.Waiting.Put(t.Context(), fmt.Sprint(i), nil, at, at.Add(time.Hour)))
		}
		must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
			_, err := execute(ctx, r, `INSERT INTO notices (session, client_id, user_id, ended, due, tries) VALUES ('s', 'c', 'u', $1, $2, 0)`,
				millis(at), millis(at.Add(365*24*time.Hour)))
			return err
		}))
		for _, c := range []struct {
			after                    time.Duration
			waiting, logins, notices int
		}{
			{time.Hour - time.Millisecond, sweepBatch + 10, 2, 1},
			{time.Hour, 0, 2, 1},
			{time.Hour + defaultRetention + time.Millisecond, 0, 0, 1},
			{365 * 24 * time.Hour, 0, 0, 1},
		} {
			must(t, db.Sweep(t.Context(), at.Add(c.after)))
			want(t, db, fmt.Sprintf("waiting after %v", c.after), c.waiting, `SELECT count(*) FROM waiting`)
			want(t, db, fmt.Sprintf("logins after %v", c.after), c.logins, `SELECT count(*) FROM logins`)
			want(t, db, fmt.Sprintf("notices after %v", c.after), c.notices, `SELECT count(*) FROM notices`)
		}
	})
}

// TestSweepAudit: events go when their time is over, whatever their kind and however many
// there are, and stay for ever without a setting; what comes after has greater ids.
func TestSweepAudit(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		for _, c := range []struct {
			ttl, after time.Duration
			left       int
		}{
			{0, 100 * 365 * 24 * time.Hour, 2*sweepBatch + 20},
			{time.Hour, time.Hour, 2*sweepBatch + 20},
			{time.Hour, time.Hour + time.Millisecond, 10},
			{time.Hour, 2*time.Hour + time.Millisecond, 0},
		} {
			db := opened(t, Config{URL: url, AuditTTL: c.ttl})
			log, at := db.Backend().Audit, time.Now().UTC().Truncate(time.Millisecond)
			must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
				for i := range 2*sweepBatch + 20 {
					e := audit.Event{At: at, Kind: []audit.Kind{audit.LoginFailed, audit.KeysChanged}[i%2]}
					if i >= 2*sweepBatch+10 {
						e.At = at.Add(time.Hour)
					}
					if err := record(ctx, r, e); err != nil {
						return err
					}
				}
				return nil
			}))
			must(t, db.Sweep(t.Context(), at.Add(c.after)))
			want(t, db, fmt.Sprintf("events kept for %v, %v later", c.ttl, c.after), c.left, `SELECT count(*) FROM audit`)
			before, err := log.Events(t.Context(), audit.Query{Limit: 1})
			must(t, err)
			must(t, log.Append(t.Context(), audit.Event{At: at, Kind: audit.LoginFailed}))
			after, err := log.Events(t.Context(), audit.Query{Limit: 1})
			must(t, err)
			if len(before) > 0 && !longer(after[0].ID, before[0].ID) {
				t.Errorf("event %s comes after %s", after[0].ID, before[0].ID)
			}
			must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
				_, err := execute(ctx, r, `DELETE FROM audit`)
				return err
			}))
		}
	})
}

// longer compares numbers in decimal.
func longer(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// TestSweepLists: bits that are set stay as long as their list may be published
// again, which is until indices come from the second list after it.
func TestSweepLists(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db := opened(t, Config{URL: url})
		s := begun(t, db, 3)[2]
		b := db.Backend()
		if _, err := b.Ledger.End(t.Context(), session.Which{ID: s.Session}, audit.New(t.Context(), audit.SessionEnded, s.Answered)); err != nil {
			t.Fatal(err)
		}
		for lists := range 3 {
			if err := db.Sweep(t.Context(), s.Answered.Add(365*24*time.Hour)); err != nil {
				t.Fatal(err)
			}
			var set, want []int64
			if lists < 2 {
				want = []int64{s.Status}
			}
			err := b.Indices.Set(t.Context(), time.Time{}, func(i int64) bool { set = append(set, i); return true })
			if err != nil || !slices.Equal(set, want) {
				t.Errorf("with %d lists leased: Set gives %v, %v, want %v", lists, set, err, want)
			}
			if _, err := b.Indices.Lease(t.Context(), session.ListSize); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := one[int](t.Context(), db.reader(), `SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM generations) + (SELECT count(*) FROM logins) + (SELECT count(*) FROM feed)`)
		if err != nil || rows != 0 {
			t.Errorf("%d rows are left, %v", rows, err)
		}
	})
}

package sql

import (
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
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

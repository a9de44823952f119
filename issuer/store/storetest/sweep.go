package storetest

import (
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
)

func testSweep(t *testing.T, h Harness) {
	if h.Sweep == nil {
		t.Skip("the engine has nothing to sweep")
	}
	b := h.Backend
	s, r := ordinary(now())
	begin(t, seeded{b}, s)
	ended, _ := ordinary(now())
	begin(t, seeded{b}, ended)
	_, err := b.Ledger.End(t.Context(), session.Which{ID: ended.Session}, event(audit.SessionEnded, ""))
	ok(t, err)
	_, err = b.Limits.Take(t.Context(), "k", limit.Rate{Count: 1, Per: time.Hour}, 1, now())
	ok(t, err)
	ok(t, h.Sweep(t.Context(), now().Add(29*24*time.Hour)))
	if got := rotate(t, b.Generations, r); got.Outcome != session.Rotated {
		t.Errorf("after a sweep before its end: %+v", got)
	}
	var set []int64
	ok(t, b.Indices.Set(t.Context(), now().Add(-time.Hour), func(i int64) bool { set = append(set, i); return true }))
	same(t, "Set after a sweep", set, []int64{ended.Status})
	ok(t, h.Sweep(t.Context(), now().Add(40*24*time.Hour)))
	if got := rotate(t, b.Generations, r); got.Outcome != session.Unknown {
		t.Errorf("after a sweep past its end: %+v", got)
	}
	_, _, err = b.Ledger.Find(t.Context(), s.Session)
	is(t, "Find after a sweep past its end", err, session.ErrNotFound)
	if _, err := b.Accounts.ByID(t.Context(), s.Person.User); err != nil {
		t.Errorf("a sweep took a user: %v", err)
	}
}

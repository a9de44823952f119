package storetest

import (
	"testing"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// testTogether: of many who want the same, one gets it.
func testTogether(t *testing.T, h Harness) {
	b := h.Backend
	u := newUser()
	winners(t, "registrations of one address", atOnce(16, func(int) error {
		mine := newUser()
		mine.Email = u.Email
		return b.Accounts.Create(t.Context(), mine, event(audit.UserRegistered, mine.ID))
	}), account.ErrExists)
	u, err := b.Accounts.ByEmail(t.Context(), account.NormalEmail(u.Email))
	ok(t, err)
	winners(t, "saves of one version", atOnce(16, func(int) error {
		_, err := b.Accounts.Save(t.Context(), u, account.Ending{}, event(audit.UserChanged, u.ID))
		return err
	}), account.ErrConflict)
	s := open(t, b, u.ID, "web")
	ends := atOnce(16, func(int) int {
		ended, err := b.Ledger.End(t.Context(), session.Which{ID: s.ID}, event(audit.SessionEnded, u.ID))
		if err != nil {
			t.Error(err)
		}
		return len(ended)
	})
	total := 0
	for _, n := range ends {
		total += n
	}
	if total != 1 {
		t.Errorf("a session ended %d times", total)
	}
	testCrossing(t, b, u.ID)
}

// testCrossing does at once what takes the same rows in different orders: nothing
// may fail for that.
func testCrossing(t *testing.T, b store.Backend, u id.User) {
	var all []session.Session
	l, s := newSession(u, "web")
	for range 8 {
		_, err := b.Ledger.Open(t.Context(), l, s, 0, event(audit.LoginSucceeded, u))
		ok(t, err)
		all = append(all, s)
		_, s = newSession(u, "web")
		s.Login = l.ID
	}
	errs := atOnce(32, func(i int) error {
		var err error
		switch {
		case i < 8:
			_, err = b.Ledger.End(t.Context(), session.Which{ID: all[i].ID}, event(audit.SessionEnded, u))
		case i%3 == 0:
			_, err = b.Ledger.End(t.Context(), session.Which{User: u}, event(audit.SessionEnded, u))
		case i%3 == 1:
			_, err = b.Ledger.End(t.Context(), session.Which{Client: "web"}, event(audit.SessionEnded, u))
		default:
			l, s := newSession(u, "web")
			_, err = b.Ledger.Open(t.Context(), l, s, 2, event(audit.LoginSucceeded, u))
		}
		return err
	})
	for i, err := range errs {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

func userChange(u id.User, version int64) store.Change {
	return store.Change{Kind: store.User, ID: string(u), Version: version}
}

func sessionChange(s session.Session) store.Change {
	return store.Change{Kind: store.Session, ID: string(s.ID), Version: s.Status}
}

func testAccounts(t *testing.T, h Harness) {
	t.Run("create and find", func(t *testing.T) { testCreateUser(t, h.Backend) })
	t.Run("save", func(t *testing.T) { testSaveUser(t, h.Backend) })
	t.Run("save ends logins", func(t *testing.T) { testSaveEnds(t, h.Backend) })
	t.Run("rehash", func(t *testing.T) { testRehash(t, h.Backend) })
	t.Run("delete", func(t *testing.T) { testDeleteUser(t, h.Backend) })
	t.Run("list", func(t *testing.T) { testListUsers(t, h.Backend) })
}

func testCreateUser(t *testing.T, b store.Backend) {
	u := newUser()
	e := event(audit.UserRegistered, u.ID)
	create := func(u account.User) func() error { return func() error { return b.Accounts.Create(t.Context(), u, e) } }
	changes(t, b, "Create", create(u), nil, e, userChange(u.ID, 1))
	got, err := b.Accounts.ByEmail(t.Context(), account.NormalEmail(u.Email))
	ok(t, err)
	same(t, "ByEmail", got, u)
	got, err = b.Accounts.ByID(t.Context(), u.ID)
	ok(t, err)
	same(t, "ByID", got, u)

	other := newUser()
	other.Email = "  " + strings.ToUpper(u.Email)
	changes(t, b, "Create of a taken address", create(other), account.ErrExists, e)

	plain := newUser()
	plain.Roles, plain.EmailVerified, plain.Disabled, plain.Profile = nil, false, true, account.Profile{}
	ok(t, create(plain)())
	got, err = b.Accounts.ByID(t.Context(), plain.ID)
	ok(t, err)
	same(t, "ByID", got, plain)
	if got.Roles == nil {
		t.Error("Roles is nil outside the store")
	}
	for _, normal := range []string{"", "nobody@example.com", "a\x00b@example.com", "\xff@example.com", u.Email} {
		_, err := b.Accounts.ByEmail(t.Context(), normal)
		is(t, "ByEmail "+normal, err, account.ErrNotFound)
		_, err = b.Accounts.ByID(t.Context(), id.User(normal))
		is(t, "ByID "+normal, err, account.ErrNotFound)
	}
}

func testSaveUser(t *testing.T, b store.Backend) {
	u, other := addUser(t, b), addUser(t, b)
	e := event(audit.UserChanged, u.ID)
	save := func(u account.User) func() error {
		return func() error { _, err := b.Accounts.Save(t.Context(), u, account.Ending{}, e); return err }
	}
	s := open(t, b, u.ID, "web")
	next := u
	next.Profile = account.Profile{Nickname: "ada", Birthdate: "0000-12-10", Picture: "https://example.com/ada.png"}
	next.Email, next.EmailVerified, next.Roles, next.Disabled, next.PasswordHash = "New."+u.Email, false, []string{"x"}, true, "$2a$new"
	changes(t, b, "Save", save(next), nil, e, userChange(u.ID, 2))
	next.Version = 2
	got, err := b.Accounts.ByID(t.Context(), u.ID)
	ok(t, err)
	same(t, "saved", got, next)
	found, _, err := b.Ledger.Find(t.Context(), s.ID)
	ok(t, err)
	same(t, "its session, not to end", found, s)

	changes(t, b, "Save of an old version", save(u), account.ErrConflict, e)
	taken := next
	taken.Email = other.Email
	changes(t, b, "Save of a taken address", save(taken), account.ErrExists, e)
	nobody := newUser()
	changes(t, b, "Save of nobody", save(nobody), account.ErrNotFound, e)
	if _, err := b.Accounts.ByEmail(t.Context(), account.NormalEmail(u.Email)); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("the old address still finds somebody: %v", err)
	}
}

func testSaveEnds(t *testing.T, b store.Backend) {
	for _, c := range []struct {
		name string
		but  bool // the first login stays
	}{{"all", false}, {"all but one", true}} {
		t.Run(c.name, func(t *testing.T) {
			u, other := addUser(t, b), addUser(t, b)
			stays, bystander := open(t, b, u.ID, "web"), open(t, b, other.ID, "web")
			gone := []session.Session{open(t, b, u.ID, "web"), open(t, b, u.ID, "app")}
			end := account.Ending{Logins: true, But: stays.Login, Reason: "password_changed"}
			if !c.but {
				end.But, gone = "", append(gone, stays)
			}
			slices.SortFunc(gone, func(a, b session.Session) int { return strings.Compare(string(a.ID), string(b.ID)) })
			entries := []store.Change{userChange(u.ID, 2)}
			var want []id.Session
			for _, s := range gone {
				entries, want = append(entries, sessionChange(s)), append(want, s.ID)
			}
			e := event(audit.PasswordChanged, u.ID)
			changes(t, b, "Save", func() error {
				got, err := b.Accounts.Save(t.Context(), u, end, e)
				slices.Sort(got)
				same(t, "ended", got, want)
				return err
			}, nil, e, entries...)
			for _, s := range gone {
				s.Ended, s.Reason = e.At, end.Reason
				got, _, err := b.Ledger.Find(t.Context(), s.ID)
				ok(t, err)
				same(t, "ended session", got, s)
			}
			for _, s := range []session.Session{stays, bystander} {
				got, _, err := b.Ledger.Find(t.Context(), s.ID)
				ok(t, err)
				if live := s.User == other.ID || c.but; live != got.Ended.IsZero() {
					t.Errorf("session %+v, want live: %t", got, live)
				}
			}
		})
	}
}

func testRehash(t *testing.T, b store.Backend) {
	u := addUser(t, b)
	for _, c := range []struct{ old, want account.Hash }{{"$2a$other", u.PasswordHash}, {u.PasswordHash, "$2a$costlier"}} {
		var told []store.Change
		events := recorded(t, b, func() {
			told = heard(t, b, func() { ok(t, b.Accounts.Rehash(t.Context(), u.ID, c.old, "$2a$costlier")) })
		})
		if len(events)+len(told) > 0 {
			t.Errorf("Rehash wrote %v, %v", events, told)
		}
		got, err := b.Accounts.ByID(t.Context(), u.ID)
		ok(t, err)
		if string(got.PasswordHash) != string(c.want) || got.Version != u.Version {
			t.Errorf("hash %q of version %d, want %q of %d", string(got.PasswordHash), got.Version, string(c.want), u.Version)
		}
	}
}

func testDeleteUser(t *testing.T, b store.Backend) {
	u := addUser(t, b)
	s := open(t, b, u.ID, "web")
	e := event(audit.UserDeleted, u.ID)
	var gone []id.Session
	remove := func() (err error) { gone, err = b.Accounts.Delete(t.Context(), u.ID, e); return err }
	changes(t, b, "Delete", remove, nil, e, sessionChange(s), userChange(u.ID, 2))
	same(t, "ended", gone, []id.Session{s.ID})
	_, err := b.Accounts.ByID(t.Context(), u.ID)
	is(t, "ByID", err, account.ErrNotFound)
	got, p, err := b.Ledger.Find(t.Context(), s.ID)
	ok(t, err)
	if got.Ended.IsZero() || got.Reason == "" || !p.Disabled || p.User != u.ID {
		t.Errorf("after Delete: %+v of %+v", got, p)
	}
	changes(t, b, "Delete of nobody", remove, account.ErrNotFound, e)
	l, s := newSession(u.ID, "web")
	changes(t, b, "Open for nobody", func() error { _, err := b.Ledger.Open(t.Context(), l, s, 0, e); return err }, session.ErrNotFound, e)
}

func testListUsers(t *testing.T, b store.Backend) {
	var want []account.User
	for range 5 {
		want = append(want, addUser(t, b))
	}
	slices.SortFunc(want, func(a, b account.User) int { return strings.Compare(string(a.ID), string(b.ID)) })
	first := want[0].ID
	var got []account.User
	for after := first[:len(first)-1]; ; after = got[len(got)-1].ID {
		page, err := b.Accounts.List(t.Context(), after, 2)
		ok(t, err)
		if len(page) > 2 {
			t.Fatalf("a page of %d, want 2 at most", len(page))
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	got = slices.DeleteFunc(got, func(u account.User) bool {
		return !slices.ContainsFunc(want, func(w account.User) bool { return w.ID == u.ID })
	})
	same(t, "pages", got, want)
}

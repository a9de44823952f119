package storetest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// testBrowsers: logins of browsers, with sessions and without.
func testBrowsers(t *testing.T, h Harness) {
	for _, g := range []struct {
		name string
		run  func(t *testing.T, b store.Backend, u account.User)
	}{
		{"begin and find", testBeginLogin},
		{"renew", testRenew},
		{"a login stays without sessions", testBrowserStays},
		{"sessions in a browser's login", testOpenInBrowser},
		{"ends", testBrowserEnds},
		{"all of a person", testLoginsOf},
		{"a login of another", testOrigin},
	} {
		t.Run(g.name, func(t *testing.T) { g.run(t, h.Backend, addUser(t, h.Backend)) })
	}
}

// testLoginsOf: those that live, apps' too, the latest first; not other people's.
func testLoginsOf(t *testing.T, b store.Backend, u account.User) {
	first, over := beginLogin(t, b, u.ID), beginLogin(t, b, u.ID)
	_, err := b.Ledger.End(t.Context(), session.Which{Login: over.ID, User: u.ID}, event(audit.SessionEnded, u.ID))
	ok(t, err)
	second := newBrowser(u.ID)
	second.AuthTime = first.AuthTime.Add(time.Second)
	ok(t, b.Logins.Begin(t.Context(), second, event(audit.LoginSucceeded, u.ID)))
	app, s := newSession(u.ID, "web")
	app.Agent, app.Origin, app.AuthTime, app.Expires = "app/1", first.ID, first.AuthTime.Add(-time.Second), first.Expires
	_, err = openIn(t, b, app, s)
	ok(t, err)
	first.Cookie, first.Proved, second.Cookie, second.Proved = [32]byte{}, 0, [32]byte{}, 0
	for _, c := range []struct {
		what  string
		user  id.User
		at    time.Time
		limit int
		want  []session.Login
	}{
		{"all", u.ID, first.AuthTime, 10, []session.Login{second, first, app}},
		{"one", u.ID, first.AuthTime, 1, []session.Login{second}},
		{"later", u.ID, second.Expires, 10, nil},
		{"somebody else's", "usr_another", first.AuthTime, 10, nil},
	} {
		got, err := b.Logins.Of(t.Context(), c.user, c.at, c.limit)
		ok(t, err)
		same(t, c.what, got, c.want)
	}
}

// newBrowser is a login of a browser.
func newBrowser(user id.User) session.Login {
	at := now()
	l := session.Login{ID: id.NewLogin(), User: user, AuthTime: at, AMR: []string{"pwd", "otp"}, Expires: at.Add(time.Hour), Proved: 1,
		Agent: "Mozilla/5.0 (" + rand.Text() + ")"}
	_, _ = rand.Read(l.Cookie[:]) // never fails
	return l
}

func beginLogin(t *testing.T, b store.Backend, user id.User) session.Login {
	t.Helper()
	l := newBrowser(user)
	ok(t, b.Logins.Begin(t.Context(), l, event(audit.LoginSucceeded, user)))
	return l
}

// loggedIn checks whether a cookie is of a login that lives.
func loggedIn(t *testing.T, b store.Backend, what string, l session.Login, at time.Time, want bool) {
	t.Helper()
	got, p, err := b.Logins.ByCookie(t.Context(), l.Cookie, at)
	if !want {
		is(t, what, err, session.ErrNotFound)
		return
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	l.Proved = 0 // isn't kept
	same(t, what, got, l)
	same(t, what+": whose", p.User, l.User)
}

func testBeginLogin(t *testing.T, b store.Backend, u account.User) {
	l := newBrowser(u.ID)
	e := event(audit.LoginSucceeded, u.ID)
	begin := func(l session.Login) func() error { return func() error { return b.Logins.Begin(t.Context(), l, e) } }
	loggedIn(t, b, "before", l, l.AuthTime, false)
	changes(t, b, "Begin", begin(l), nil, e)
	loggedIn(t, b, "ByCookie", l, l.AuthTime, true)
	loggedIn(t, b, "at its last moment", l, l.Expires.Add(-time.Millisecond), true)
	loggedIn(t, b, "expired", l, l.Expires, false)
	other := newBrowser(u.ID)
	loggedIn(t, b, "another cookie", other, l.AuthTime, false)
	_, _, err := b.Logins.ByCookie(t.Context(), [32]byte{}, l.AuthTime)
	is(t, "ByCookie of none", err, session.ErrNotFound)
	_, p, err := b.Logins.ByCookie(t.Context(), l.Cookie, l.AuthTime)
	ok(t, err)
	same(t, "its user", p, session.Person{User: u.ID, Roles: u.Roles, Version: 1})

	u.Roles, u.Disabled = nil, true
	_, err = b.Accounts.Save(t.Context(), u, account.Ending{}, event(audit.UserChanged, u.ID))
	ok(t, err)
	_, p, err = b.Logins.ByCookie(t.Context(), l.Cookie, l.AuthTime)
	ok(t, err)
	same(t, "its user, disabled since", p, session.Person{User: u.ID, Disabled: true, Version: 2})
	changes(t, b, "Begin for a user who has changed", begin(other), session.ErrChanged, e)
	loggedIn(t, b, "one who has changed", other, l.AuthTime, false)
	other.Proved = 0
	changes(t, b, "Begin for a user of any version", begin(other), nil, e)
	nobody := newBrowser("usr_nobody")
	changes(t, b, "Begin for nobody", begin(nobody), session.ErrNotFound, e)
}

func testRenew(t *testing.T, b store.Backend, u account.User) {
	l := beginLogin(t, b, u.ID)
	e := event(audit.LoginSucceeded, u.ID)
	renew := func(l session.Login) func() error { return func() error { return b.Logins.Renew(t.Context(), l, e) } }
	next := newBrowser(u.ID)
	next.ID, next.AuthTime, next.AMR, next.Expires = l.ID, l.AuthTime.Add(time.Minute), []string{"pwd"}, l.Expires.Add(time.Hour)
	changes(t, b, "Renew", renew(next), nil, e)
	loggedIn(t, b, "by the new cookie", next, next.AuthTime, true)
	loggedIn(t, b, "by the old one", l, next.AuthTime, false)

	changed, another, ended, over := next, newBrowser(u.ID), beginLogin(t, b, u.ID), newBrowser(u.ID)
	changed.Proved = 2
	changes(t, b, "Renew of a user who has changed", renew(changed), session.ErrChanged, e)
	changes(t, b, "Renew of no login", renew(another), session.ErrNotFound, e)
	theirs := next
	theirs.User = addUser(t, b).ID
	changes(t, b, "Renew of another's login", renew(theirs), session.ErrNotFound, e)
	_, err := b.Ledger.End(t.Context(), session.Which{Login: ended.ID}, event(audit.SessionEnded, u.ID))
	ok(t, err)
	changes(t, b, "Renew of a login that has ended", renew(ended), session.ErrNotFound, e)
	loggedIn(t, b, "ended", ended, ended.AuthTime, false)
	over.Expires = e.At
	ok(t, b.Logins.Begin(t.Context(), over, e))
	over.Expires = e.At.Add(time.Hour)
	changes(t, b, "Renew of a login that has expired", renew(over), session.ErrNotFound, e)
	loggedIn(t, b, "after all that", next, next.AuthTime, true)
}

// openIn opens a session in a login as it was begun.
func openIn(t *testing.T, b store.Backend, l session.Login, s session.Session) ([]session.Ended, error) {
	t.Helper()
	return b.Ledger.Open(t.Context(), l, s, session.MostSessions, event(audit.LoginSucceeded, l.User))
}

// inLogin is a session in a login.
func inLogin(l session.Login, client id.Client) session.Session {
	_, s := newSession(l.User, client)
	s.Login, s.AuthTime = l.ID, l.AuthTime
	return s
}

// testBrowserStays: a browser's login outlives its last session, an app's doesn't.
func testBrowserStays(t *testing.T, b store.Backend, u account.User) {
	l := beginLogin(t, b, u.ID)
	for _, w := range []func(s session.Session) session.Which{
		func(s session.Session) session.Which { return session.Which{ID: s.ID} },
		func(s session.Session) session.Which { return session.Which{Client: s.Client} },
	} {
		s := inLogin(l, id.Client("c"+string(u.ID)))
		_, err := openIn(t, b, l, s)
		ok(t, err)
		ended, err := b.Ledger.End(t.Context(), w(s), event(audit.SessionEnded, u.ID))
		ok(t, err)
		same(t, "ended", ended, []session.Ended{{ID: s.ID, Status: s.Status, Until: s.Expires}})
		loggedIn(t, b, "after its last session", l, now(), true)
	}
}

// testOpenInBrowser: Open changes nothing of a login that is there, and takes none
// that is over.
func testOpenInBrowser(t *testing.T, b store.Backend, u account.User) {
	l := beginLogin(t, b, u.ID)
	as := l // what a code remembers of it
	as.Cookie, as.AMR, as.AuthTime, as.Expires, as.Agent = [32]byte{}, []string{"x"}, l.AuthTime.Add(-time.Hour), l.Expires.Add(time.Hour), ""
	s := inLogin(l, "web")
	s.Notify = true
	_, err := openIn(t, b, as, s)
	ok(t, err)
	loggedIn(t, b, "after Open", l, now(), true)
	got, _, err := b.Ledger.Find(t.Context(), s.ID)
	ok(t, err)
	same(t, "Find", got, s)
	over := newBrowser(u.ID)
	over.Expires = now()
	ok(t, b.Logins.Begin(t.Context(), over, event(audit.LoginSucceeded, u.ID)))
	over.Expires = over.Expires.Add(time.Hour)
	_, err = openIn(t, b, over, inLogin(over, "web"))
	is(t, "Open in a login that has expired", err, session.ErrNotFound)
	theirs := l
	theirs.User = addUser(t, b).ID
	_, err = openIn(t, b, theirs, inLogin(theirs, "web"))
	is(t, "Open in another's login", err, session.ErrNotFound)
}

// testOrigin: a login that comes from another is begun while that lives, and goes on after
// its end.
func testOrigin(t *testing.T, b store.Backend, u account.User) {
	e := event(audit.SessionOpened, u.ID)
	from := func(origin id.Login) (session.Login, session.Session) {
		l, s := newSession(u.ID, "web")
		l.Origin = origin
		return l, s
	}
	origin, over := beginLogin(t, b, u.ID), newBrowser(u.ID)
	over.Expires = e.At
	ok(t, b.Logins.Begin(t.Context(), over, e))
	for what, o := range map[string]id.Login{
		"nobody's": "nobody", "another's": beginLogin(t, b, addUser(t, b).ID).ID, "expired": over.ID, "no text": "\x00\xff",
	} {
		l, s := from(o)
		changes(t, b, what, func() error { _, err := b.Ledger.Open(t.Context(), l, s, session.MostSessions, e); return err }, session.ErrNotFound, e)
	}
	l, s := from(origin.ID)
	_, err := openIn(t, b, l, s)
	ok(t, err)
	end := event(audit.SessionEnded, u.ID)
	changes(t, b, "End of the origin", func() error { return endIs(t, b, session.Which{Login: origin.ID}, end, nil) }, nil, end)
	same(t, "lives on", pages(t, b, session.Which{User: u.ID}, false), []session.Session{s})
	late, after := from(origin.ID)
	_, err = openIn(t, b, late, after)
	is(t, "Open of one whose origin has ended", err, session.ErrNotFound)
	_, err = openIn(t, b, l, s)
	is(t, "Open again after its origin has ended", err, session.ErrUsed)
}

// testBrowserEnds: to end a login or all of a user ends browsers' logins, those
// without a session too, each time with its event and never twice.
func testBrowserEnds(t *testing.T, b store.Backend, u account.User) {
	first, but := beginLogin(t, b, u.ID), beginLogin(t, b, u.ID)
	e := event(audit.SessionEnded, u.ID)
	end := func(what string, w session.Which) {
		t.Helper()
		changes(t, b, what, func() error { return endIs(t, b, w, e, nil) }, nil, e)
		if events := recorded(t, b, func() { ok(t, endIs(t, b, w, e, nil)) }); len(events) > 0 {
			t.Errorf("%s, again: wrote %v", what, events)
		}
	}
	end("End of a login", session.Which{Login: first.ID})
	loggedIn(t, b, "ended", first, now(), false)
	loggedIn(t, b, "another", but, now(), true)
	_, err := openIn(t, b, first, inLogin(first, "web"))
	is(t, "Open in a login that has ended", err, session.ErrNotFound)
	second := beginLogin(t, b, u.ID)
	end("End of a user but for a login", session.Which{User: u.ID, But: but.ID})
	loggedIn(t, b, "ended", second, now(), false)
	loggedIn(t, b, "the one but which", but, now(), true)
	end("End of a user", session.Which{User: u.ID})
	loggedIn(t, b, "ended", but, now(), false)

	third := beginLogin(t, b, u.ID)
	_, err = b.Accounts.Save(t.Context(), u, account.Ending{Logins: true, Reason: "user_disabled"}, event(audit.UserDisabled, u.ID))
	ok(t, err)
	loggedIn(t, b, "of one disabled", third, now(), false)
	fourth := newBrowser(u.ID)
	fourth.Proved = 0
	ok(t, b.Logins.Begin(t.Context(), fourth, e))
	_, err = b.Accounts.Delete(t.Context(), u.ID, event(audit.UserDeleted, u.ID))
	ok(t, err)
	loggedIn(t, b, "of one deleted", fourth, now(), false)
}

// testUsed: a session's id is taken once, and whoever brings it again hears that,
// whatever else would be wrong.
func testUsed(t *testing.T, h Harness) {
	b := h.Backend
	u := addUser(t, b)
	l := beginLogin(t, b, u.ID)
	s := inLogin(l, "web")
	winners(t, "openings of one session", atOnce(rivals, func(int) error {
		_, err := openIn(t, b, l, s)
		return err
	}), session.ErrUsed)
	same(t, "live", pages(t, b, session.Which{User: u.ID}, false), []session.Session{s})

	e := event(audit.LoginSucceeded, u.ID)
	used := func(what string, l session.Login) {
		t.Helper()
		again := s
		again.User, again.Client, again.Scope = l.User, "other", nil
		changes(t, b, what, func() error { _, err := b.Ledger.Open(t.Context(), l, again, 1, e); return err }, session.ErrUsed, e)
	}
	used("Open again", l)
	app, _ := newSession(u.ID, "web")
	used("Open again in a login that is new", app)
	_, fresh := newSession(u.ID, "web")
	fresh.Login = app.ID
	_, err := b.Ledger.Open(t.Context(), app, fresh, 0, e)
	ok(t, err) // nothing of it was written before
	changed := l
	changed.Proved = 7
	used("Open again by a user who has changed", changed)
	_, err = b.Ledger.End(t.Context(), session.Which{Login: l.ID}, event(audit.SessionEnded, u.ID))
	ok(t, err)
	used("Open again in a login that has ended", l)
	_, err = b.Accounts.Delete(t.Context(), u.ID, event(audit.UserDeleted, u.ID))
	ok(t, err)
	used("Open again by a user who is gone", l)
}

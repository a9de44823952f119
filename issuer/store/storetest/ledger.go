package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

func testLedger(t *testing.T, h Harness) {
	t.Run("open and find", func(t *testing.T) { testOpen(t, h.Backend) })
	t.Run("end", func(t *testing.T) { testLedgerEnd(t, h.Backend) })
	t.Run("logins", func(t *testing.T) { testLogins(t, h.Backend) })
	t.Run("list", func(t *testing.T) { testListSessions(t, h.Backend) })
	t.Run("many", func(t *testing.T) { testEndMany(t, h.Backend) })
}

func testOpen(t *testing.T, b store.Backend) {
	u := addUser(t, b)
	l, s := newSession(u.ID, "web")
	e := event(audit.LoginSucceeded, u.ID)
	changes(t, b, "Open", func() error { _, err := b.Ledger.Open(t.Context(), l, s, 10, e); return err }, nil, e)
	got, p, err := b.Ledger.Find(t.Context(), s.ID)
	ok(t, err)
	same(t, "Find", got, s)
	same(t, "its user", p, session.Person{User: u.ID, Roles: u.Roles, Version: 1})

	_, second := newSession(u.ID, "app")
	second.Login, second.Scope, second.Audience, second.BoundKey = l.ID, nil, nil, ""
	changes(t, b, "Open in the same login", func() error { _, err := b.Ledger.Open(t.Context(), l, second, 10, e); return err }, nil, e)
	got, _, err = b.Ledger.Find(t.Context(), second.ID)
	ok(t, err)
	same(t, "Find", got, second)
	late, third := newSession(u.ID, "web")
	late.Proved = 2 // the user is of version 1
	_, err = b.Ledger.Open(t.Context(), late, third, 10, e)
	is(t, "Open for a user who has changed", err, session.ErrChanged)
	_, _, err = b.Ledger.Find(t.Context(), third.ID)
	is(t, "Find", err, session.ErrNotFound)
	late.Proved = 1
	_, err = b.Ledger.Open(t.Context(), late, third, 10, e)
	ok(t, err)
	for _, none := range []id.Session{"", id.NewSession(), "\x00", "\xff"} {
		_, _, err := b.Ledger.Find(t.Context(), none)
		is(t, "Find", err, session.ErrNotFound)
	}
}

// testLedgerEnd ends by each way of naming sessions.
func testLedgerEnd(t *testing.T, b store.Backend) {
	for _, c := range []struct {
		name  string
		which func(s []session.Session) session.Which
		ends  []int // of the three below
	}{
		{"one", func(s []session.Session) session.Which { return session.Which{ID: s[1].ID} }, []int{1}},
		{"a login's", func(s []session.Session) session.Which { return session.Which{Login: s[0].Login} }, []int{0}},
		{"a user's", func(s []session.Session) session.Which { return session.Which{User: s[0].User} }, []int{0, 1, 2}},
		{"a user's but one", func(s []session.Session) session.Which { return session.Which{User: s[0].User, But: s[1].Login} }, []int{0, 2}},
		{"a client's", func(s []session.Session) session.Which { return session.Which{Client: s[2].Client} }, []int{2}},
		{"one of another", func(s []session.Session) session.Which { return session.Which{ID: s[1].ID, User: "usr_other"} }, nil},
		{"no text", func([]session.Session) session.Which { return session.Which{ID: "\x00\xff"} }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := addUser(t, b)
			all := []session.Session{open(t, b, u.ID, "web"), open(t, b, u.ID, "web"), open(t, b, u.ID, id.Client("c"+string(u.ID)))}
			w := c.which(all)
			var want []session.Ended
			var entries []store.Change
			for _, i := range c.ends {
				want = append(want, session.Ended{ID: all[i].ID, Status: all[i].Status, Until: all[i].Expires})
				entries = append(entries, sessionChange(all[i]))
			}
			slices.SortFunc(entries, func(a, b store.Change) int { return strings.Compare(a.ID, b.ID) })
			e := event(audit.SessionEnded, u.ID)
			e.At = e.At.Add(time.Second)
			if len(c.ends) > 0 {
				changes(t, b, "End", func() error { return endIs(t, b, w, e, want) }, nil, e, entries...)
			}
			if got := recorded(t, b, func() { ok(t, endIs(t, b, w, e, nil)) }); len(got) > 0 {
				t.Errorf("End of what had ended wrote %v", got)
			}
			for i, s := range all {
				if slices.Contains(c.ends, i) {
					s.Ended, s.Reason = e.At, e.Reason
				}
				got, _, err := b.Ledger.Find(t.Context(), s.ID)
				ok(t, err)
				same(t, "after End", got, s)
			}
		})
	}
	if _, err := b.Ledger.End(t.Context(), session.Which{But: "x"}, event(audit.SessionEnded, "")); err == nil {
		t.Error("End of nobody's sessions in particular: no error")
	}
}

func endIs(t *testing.T, b store.Backend, w session.Which, e audit.Event, want []session.Ended) error {
	t.Helper()
	got, err := b.Ledger.End(t.Context(), w, e)
	byID := func(a, b session.Ended) int { return strings.Compare(string(a.ID), string(b.ID)) }
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	same(t, "ended", got, want)
	return err
}

// testLogins: a login ends with its last session, or when it is named; and takes
// no new one then.
func testLogins(t *testing.T, b store.Backend) {
	u := addUser(t, b)
	e := event(audit.SessionEnded, u.ID)
	l, first := newSession(u.ID, "web")
	add := func() (session.Session, error) {
		_, s := newSession(u.ID, "web")
		s.Login = l.ID
		_, err := b.Ledger.Open(t.Context(), l, s, 0, e)
		return s, err
	}
	_, err := b.Ledger.Open(t.Context(), l, first, 0, e)
	ok(t, err)
	second, err := add()
	ok(t, err)
	end := func(w session.Which) {
		t.Helper()
		_, err := b.Ledger.End(t.Context(), w, e)
		ok(t, err)
	}
	end(session.Which{ID: first.ID})
	third, err := add()
	ok(t, err) // the second still lives, and so does the login
	end(session.Which{ID: second.ID})
	end(session.Which{ID: third.ID})
	_, err = add()
	is(t, "Open in a login whose last session ended", err, session.ErrNotFound)

	l, first = newSession(u.ID, "web")
	_, err = b.Ledger.Open(t.Context(), l, first, 0, e)
	ok(t, err)
	end(session.Which{Login: l.ID})
	_, err = add()
	is(t, "Open in a login that ended", err, session.ErrNotFound)
}

func testListSessions(t *testing.T, b store.Backend) {
	u := addUser(t, b)
	var want []session.Session
	for range 5 {
		want = append(want, open(t, b, u.ID, "web"))
	}
	byID := func(a, b session.Session) int { return strings.Compare(string(a.ID), string(b.ID)) }
	slices.SortFunc(want, byID)
	e := event(audit.SessionEnded, u.ID)
	_, err := b.Ledger.End(t.Context(), session.Which{ID: want[2].ID}, e)
	ok(t, err)
	want[2].Ended, want[2].Reason = e.At, e.Reason
	expired := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	l, old := newSession(u.ID, "web")
	l.Expires, old.Expires = expired, expired
	_, err = b.Ledger.Open(t.Context(), l, old, 0, event(audit.LoginSucceeded, u.ID))
	ok(t, err)
	same(t, "live", pages(t, b, session.Which{User: u.ID}, false), slices.Concat(want[:2], want[3:]))
	withOld := append(slices.Clone(want), old)
	slices.SortFunc(withOld, byID)
	same(t, "all", pages(t, b, session.Which{User: u.ID}, true), withOld)
	same(t, "of one login", pages(t, b, session.Which{Login: want[0].Login}, true), want[:1])
	same(t, "of nobody", pages(t, b, session.Which{User: "usr_nobody"}, true), nil)
	_, err = b.Ledger.List(t.Context(), session.Which{User: u.ID}, true, "\x00\xff", 1)
	ok(t, err)
}

func pages(t *testing.T, b store.Backend, w session.Which, ended bool) (all []session.Session) {
	t.Helper()
	for after := id.Session(""); ; after = all[len(all)-1].ID {
		page, err := b.Ledger.List(t.Context(), w, ended, after, 2)
		ok(t, err)
		if len(page) > 2 {
			t.Fatalf("a page of %d, want 2 at most", len(page))
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// testEndMany ends more than goes into one statement of any engine.
func testEndMany(t *testing.T, b store.Backend) {
	const n = 250
	u := addUser(t, b)
	for _, err := range atOnce(n, func(int) error {
		l, s := newSession(u.ID, "web")
		_, err := b.Ledger.Open(t.Context(), l, s, 0, event(audit.LoginSucceeded, u.ID))
		return err
	}) {
		ok(t, err)
	}
	told := heard(t, b, func() {
		ended, err := b.Ledger.End(t.Context(), session.Which{User: u.ID}, event(audit.SessionEnded, u.ID))
		ok(t, err)
		if len(ended) != n {
			t.Errorf("%d ended, want %d", len(ended), n)
		}
	})
	if len(told) != n {
		t.Errorf("%d entries in the feed, want %d", len(told), n)
	}
	testStatuses(t, b, u.ID)
}

// testStatuses looks up a user's sessions, among others that aren't there.
func testStatuses(t *testing.T, b store.Backend, user id.User) {
	sessions, err := b.Ledger.List(t.Context(), session.Which{User: user}, true, "", 1000)
	ok(t, err)
	sids := []id.Session{"", id.NewSession(), "\x00\xff"}
	var want []session.Ended
	for _, s := range sessions {
		sids = append(sids, s.ID)
		want = append(want, session.Ended{ID: s.ID, Status: s.Status, Until: s.Expires})
	}
	got, err := b.Ledger.Statuses(t.Context(), sids)
	ok(t, err)
	slices.SortFunc(got, func(a, b session.Ended) int { return strings.Compare(string(a.ID), string(b.ID)) })
	same(t, "Statuses", got, want)
	none, err := b.Ledger.Statuses(t.Context(), nil)
	ok(t, err)
	same(t, "Statuses of none", none, nil)
}

// testMost: the oldest go when there are too many, also where many come at once.
func testMost(t *testing.T, h Harness) {
	b := h.Backend
	const most = 5
	u := addUser(t, b)
	at := now().Add(-time.Minute)
	add := func(i int, most int) (session.Session, []session.Ended) {
		l, s := newSession(u.ID, "web")
		s.Created = at.Add(time.Duration(i) * time.Second)
		e := event(audit.LoginSucceeded, u.ID)
		e.Session = s.ID
		gone, err := b.Ledger.Open(t.Context(), l, s, most, e)
		if err != nil {
			t.Error(err)
		}
		return s, gone
	}
	var all []session.Session
	for i := range most {
		s, gone := add(i, most)
		all = append(all, s)
		same(t, "ended below the limit", gone, nil)
	}
	var told []store.Change
	events := recorded(t, b, func() {
		told = heard(t, b, func() {
			s, gone := add(most, most-1) // the limit was lowered: two go
			want := []session.Ended{{ID: all[1].ID, Status: all[1].Status, Until: all[1].Expires}, {ID: all[0].ID, Status: all[0].Status, Until: all[0].Expires}}
			same(t, "the oldest", gone, want)
			all = append(all, s)
		})
	})
	same(t, "feed", told, []store.Change{sessionChange(all[1]), sessionChange(all[0])})
	if len(events) != 3 || events[1].Kind != audit.SessionEnded || events[1].Reason != "too_many" || events[1].Session != all[1].ID {
		t.Errorf("events %+v, want the login and one end each", events)
	}
	got, _, err := b.Ledger.Find(t.Context(), all[0].ID)
	ok(t, err)
	if got.Ended.IsZero() || got.Reason != "too_many" {
		t.Errorf("the oldest: %+v", got)
	}
	atOnce(rivals, func(i int) error { add(100+i, most); return nil })
	if live := pages(t, b, session.Which{User: u.ID}, false); len(live) != most {
		t.Errorf("%d live sessions after many logins at once, want %d", len(live), most)
	}
}

// testReuse: where no Settler says otherwise, a Rotate that ends a family has
// told the ledger, the feed and the audit when it returns.
func testReuse(t *testing.T, h Harness) {
	b := h.Backend
	s, r := ordinary(now())
	begin(t, seeded{b}, s)
	r.Generation = 3
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "web", Address: "192.0.2.7", RequestID: "req"})
	var told []store.Change
	events := recorded(t, b, func() {
		told = heard(t, b, func() {
			for _, want := range []session.Outcome{session.Reused, session.Over} {
				res, err := b.Generations.Rotate(ctx, r)
				ok(t, err)
				if res.Outcome != want {
					t.Errorf("outcome %d, want %d", res.Outcome, want)
				}
			}
			if b.Settler != nil {
				return
			}
			ended, err := b.Ledger.End(ctx, session.Which{ID: s.Session}, audit.New(ctx, audit.SessionReuse, r.Now))
			ok(t, err)
			same(t, "ended again", ended, nil)
		})
	})
	if b.Settler != nil {
		left, err := b.Settler.Unsettled(ctx, 10)
		ok(t, err)
		same(t, "Unsettled", left, []id.Session{s.Session})
		return
	}
	e := audit.New(ctx, audit.SessionReuse, r.Now)
	e.User, e.Client, e.Session, e.Reason = s.Person.User, s.Client, s.Session, "reuse"
	same(t, "events", events, []audit.Event{e})
	same(t, "feed", told, []store.Change{{Kind: store.Session, ID: string(s.Session), Version: s.Status}})
	got, _, err := b.Ledger.Find(ctx, s.Session)
	ok(t, err)
	if !got.Ended.Equal(r.Now) || got.Reason != "reuse" {
		t.Errorf("the ledger says %+v", got)
	}
}

// testLivePerson: the next Rotate after a change of the user shows it, once
// Update has been called as well.
func testLivePerson(t *testing.T, h Harness) {
	b := h.Backend
	g := seeded{b}
	s, r := ordinary(now())
	begin(t, g, s)
	_, err := b.Ledger.End(t.Context(), session.Which{User: "usr_nobody"}, audit.New(t.Context(), audit.SessionEnded, r.Now))
	ok(t, err)
	want := session.Person{User: s.Person.User, Roles: []string{"new"}, Disabled: true, Version: s.Person.Version + 1}
	ok(t, g.Update(t.Context(), []id.Session{s.Session}, want))
	same(t, "the person", rotate(t, g, r).State.Person, want)
	_, err = b.Ledger.End(t.Context(), session.Which{Login: s.Login}, audit.New(t.Context(), audit.SessionEnded, r.Now))
	ok(t, err)
	ok(t, b.Generations.End(t.Context(), []session.Ended{{ID: s.Session, Status: s.Status, Until: s.Expires}}))
	if got := rotate(t, g, r); got.Outcome != session.Over {
		t.Errorf("after the ledger's End: %+v", got)
	}
}

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

func testNotices(t *testing.T, h Harness) {
	b := h.Backend
	t.Run("one an end", func(t *testing.T) { testNoticed(t, b) })
	t.Run("leases and retries", func(t *testing.T) { testLeases(t, b) })
	t.Run("claimed once", func(t *testing.T) { testClaims(t, b) })
	t.Run("ways to end", func(t *testing.T) { testEveryEnd(t, b) })
	t.Run("go with their client", func(t *testing.T) { testNoticesOfClient(t, b) })
	t.Run("of an origin's end", func(t *testing.T) { testNoticesOfOrigin(t, b) })
}

// openNotified opens a session whose client is to be told of its end.
func openNotified(t *testing.T, b store.Backend, user id.User, client id.Client) session.Session {
	t.Helper()
	l, s := newSession(user, client)
	s.Notify = true
	_, err := b.Ledger.Open(t.Context(), l, s, 0, event(audit.LoginSucceeded, user))
	ok(t, err)
	return s
}

// due claims until nothing is due at a time.
func due(t *testing.T, b store.Backend, at, lease time.Time) (all []session.Notice) {
	t.Helper()
	for {
		some, err := b.Notices.Due(t.Context(), at, lease, 7)
		ok(t, err)
		if len(some) > 7 {
			t.Fatalf("%d at once, want 7 at most", len(some))
		}
		if len(some) == 0 {
			return all
		}
		all = append(all, some...)
	}
}

// told claims and forgets all that is due.
func told(t *testing.T, b store.Backend) []session.Notice {
	t.Helper()
	all := due(t, b, now().Add(time.Hour), now().Add(2*time.Hour))
	for _, n := range all {
		ok(t, b.Notices.Done(t.Context(), n.Session))
	}
	return all
}

func noticeOf(s session.Session, at time.Time) session.Notice {
	return session.Notice{Session: s.ID, Client: s.Client, User: s.User, Ended: at}
}

// testNoticed: a notice is written with the end of those that asked for one.
func testNoticed(t *testing.T, b store.Backend) {
	told(t, b)
	u := addUser(t, b)
	s, quiet := openNotified(t, b, u.ID, "web"), open(t, b, u.ID, "web")
	same(t, "before the end", due(t, b, now().Add(time.Hour), now()), nil)
	e := event(audit.SessionEnded, u.ID)
	for range 2 { // the second ends nothing
		_, err := b.Ledger.End(t.Context(), session.Which{User: u.ID}, e)
		ok(t, err)
	}
	same(t, "before it is due", due(t, b, e.At.Add(-time.Millisecond), now()), nil)
	same(t, "due at once", due(t, b, e.At, e.At.Add(time.Hour)), []session.Notice{noticeOf(s, e.At)})
	ok(t, b.Notices.Done(t.Context(), s.ID))
	ok(t, b.Notices.Done(t.Context(), s.ID))
	for _, none := range []id.Session{quiet.ID, "", "\x00\xff"} {
		ok(t, b.Notices.Done(t.Context(), none))
		ok(t, b.Notices.Later(t.Context(), none, now()))
	}
	same(t, "after Done", told(t, b), nil)
}

// testLeases: who claims has it until the lease is over; the longest due come first.
func testLeases(t *testing.T, b store.Backend) {
	told(t, b)
	u := addUser(t, b)
	at := now()
	var all []session.Session
	for i := range 3 {
		s := openNotified(t, b, u.ID, "web")
		e := event(audit.SessionEnded, u.ID)
		e.At = at.Add(time.Duration(i) * time.Second)
		_, err := b.Ledger.End(t.Context(), session.Which{ID: s.ID}, e)
		ok(t, err)
		all = append(all, s)
	}
	claim := func(what string, after, lease time.Duration, limit int, want ...session.Notice) {
		t.Helper()
		got, err := b.Notices.Due(t.Context(), at.Add(after), at.Add(after+lease), limit)
		ok(t, err)
		same(t, what, got, want)
	}
	n := make([]session.Notice, 3)
	for i, s := range all {
		n[i] = noticeOf(s, at.Add(time.Duration(i)*time.Second))
	}
	claim("the first", time.Minute, time.Minute, 1, n[0])
	claim("the next", time.Minute, time.Minute+time.Millisecond, 1, n[1])
	claim("the one that is left", time.Minute, 2*time.Minute, 2, n[2])
	claim("none while leased", 2*time.Minute-time.Millisecond, time.Minute, 9)
	claim("what the leases gave back", 2*time.Minute+time.Millisecond, time.Hour, 9, n[0], n[1])
	ok(t, b.Notices.Later(t.Context(), n[1].Session, at.Add(5*time.Minute)))
	ok(t, b.Notices.Later(t.Context(), n[0].Session, at.Add(6*time.Minute)))
	n[0].Tries, n[1].Tries = 1, 1
	claim("by when they are due", 10*time.Minute, time.Minute, 2, n[2], n[1])
	claim("by when they are due", 10*time.Minute, time.Minute, 2, n[0])
	ok(t, b.Notices.Later(t.Context(), n[1].Session, at.Add(20*time.Minute)))
	ok(t, b.Notices.Done(t.Context(), n[0].Session))
	ok(t, b.Notices.Done(t.Context(), n[2].Session))
	n[1].Tries = 2
	claim("not before", 20*time.Minute-time.Millisecond, time.Minute, 9)
	claim("the last", 20*time.Minute, time.Minute, 9, n[1])
	told(t, b)
}

// testClaims: of many claimants at once, no two get the same, and none is left out.
func testClaims(t *testing.T, b store.Backend) {
	told(t, b)
	const n = 40
	u := addUser(t, b)
	for range n {
		openNotified(t, b, u.ID, "web")
	}
	_, err := b.Ledger.End(t.Context(), session.Which{User: u.ID}, event(audit.SessionEnded, u.ID))
	ok(t, err)
	at := now().Add(time.Minute)
	claims := map[id.Session]int{}
	for _, some := range atOnce(16, func(int) (mine []session.Notice) {
		for range n { // an empty answer may mean that others are at it
			got, err := b.Notices.Due(t.Context(), at, at.Add(time.Hour), 3)
			if err != nil {
				t.Error(err)
			}
			mine = append(mine, got...)
		}
		return mine
	}) {
		for _, one := range some {
			claims[one.Session]++
		}
	}
	for sid, times := range claims {
		if times != 1 {
			t.Errorf("%s was claimed %d times", sid, times)
		}
	}
	if len(claims) != n {
		t.Errorf("%d of %d were claimed", len(claims), n)
	}
	for sid := range claims {
		ok(t, b.Notices.Done(t.Context(), sid))
	}
}

// testEveryEnd: whatever ends sessions writes notices.
func testEveryEnd(t *testing.T, b store.Backend) {
	told(t, b)
	var want []string
	add := func(user id.User, client id.Client) session.Session {
		s := openNotified(t, b, user, client)
		want = append(want, string(s.ID))
		return s
	}
	deleted, most := addUser(t, b), addUser(t, b)
	for range 250 { // more than goes into one statement of any engine
		add(deleted.ID, "web")
	}
	_, err := b.Accounts.Delete(t.Context(), deleted.ID, event(audit.UserDeleted, deleted.ID))
	ok(t, err)
	add(most.ID, "web")
	l, s := newSession(most.ID, "web")
	_, err = b.Ledger.Open(t.Context(), l, s, 1, event(audit.LoginSucceeded, most.ID))
	ok(t, err)
	var got []string
	for _, n := range told(t, b) {
		got = append(got, string(n.Session))
	}
	slices.Sort(got)
	slices.Sort(want)
	same(t, "told", strings.Join(got, "\n"), strings.Join(want, "\n"))
}

// testNoticesOfClient: one that is gone is told nothing any more.
func testNoticesOfClient(t *testing.T, b store.Backend) {
	told(t, b)
	c, u := newClient(), addUser(t, b)
	e := event(audit.ClientCreated, "")
	ok(t, b.Clients.Create(t.Context(), c, e))
	before, other := openNotified(t, b, u.ID, c.ID), openNotified(t, b, u.ID, "web")
	_, err := b.Ledger.End(t.Context(), session.Which{ID: before.ID}, e)
	ok(t, err)
	openNotified(t, b, u.ID, c.ID)
	_, err = b.Ledger.End(t.Context(), session.Which{ID: other.ID}, e)
	ok(t, err)
	_, err = b.Clients.Delete(t.Context(), c.ID, e)
	ok(t, err)
	same(t, "left", told(t, b), []session.Notice{noticeOf(other, e.At)})
}

// testNoticesOfOrigin: the end of a browser's login is noticed of the sessions that came
// from it and go on, once; and their own end later, again.
func testNoticesOfOrigin(t *testing.T, b store.Backend) {
	told(t, b)
	u := addUser(t, b)
	origin, other := beginLogin(t, b, u.ID), beginLogin(t, b, u.ID)
	from := func(origin id.Login, notify bool) session.Session {
		l, s := newSession(u.ID, "web")
		l.Origin, s.Notify = origin, notify
		_, err := openIn(t, b, l, s)
		ok(t, err)
		return s
	}
	s, before := from(origin.ID, true), from(origin.ID, true)
	from(origin.ID, false)
	from(other.ID, true)
	end := func(after time.Duration, w session.Which, want ...session.Ended) audit.Event {
		t.Helper()
		e := event(audit.SessionEnded, u.ID)
		e.At = e.At.Add(after)
		ok(t, endIs(t, b, w, e, want))
		return e
	}
	ended := func(s session.Session) session.Ended {
		return session.Ended{ID: s.ID, Status: s.Status, Until: s.Expires}
	}
	end(0, session.Which{ID: before.ID}, ended(before))
	told(t, b) // it needs no other

	e := end(0, session.Which{Login: origin.ID})
	end(0, session.Which{Login: origin.ID})
	same(t, "the origin's end", due(t, b, e.At, e.At.Add(time.Hour)), []session.Notice{noticeOf(s, e.At)})
	ok(t, b.Notices.Later(t.Context(), s.ID, e.At.Add(time.Hour)))
	e = end(time.Second, session.Which{ID: s.ID}, ended(s))
	same(t, "its own end, before the other was told", due(t, b, e.At, e.At.Add(time.Hour)), []session.Notice{noticeOf(s, e.At)})
	told(t, b)

	third := beginLogin(t, b, u.ID)
	s = from(third.ID, true)
	e = end(0, session.Which{Login: third.ID})
	same(t, "another origin's end", told(t, b), []session.Notice{noticeOf(s, e.At)})
	e = end(0, session.Which{Login: s.Login}, ended(s))
	same(t, "its own end, after the other was told", told(t, b), []session.Notice{noticeOf(s, e.At)})
}

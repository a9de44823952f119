package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/keys"
)

func testIndices(t *testing.T, h Harness) {
	b := h.Backend
	t.Run("lease", func(t *testing.T) { testLease(t, b.Indices) })
	t.Run("lists", func(t *testing.T) { testLists(t, b) })
}

// testLease: blocks of any size never overlap nor cross a list.
func testLease(t *testing.T, x session.Indices) {
	type block struct{ first, n int64 }
	sizes := []int64{1, 2, 64, 256, 4096}
	lease := func(n int64) block {
		first, err := x.Lease(t.Context(), n)
		if err != nil {
			t.Error(err)
		}
		return block{first, n}
	}
	blocks := atOnce(rivals, func(i int) block { return lease(sizes[i%len(sizes)]) })
	for blocks = append(blocks, lease(1)); blocks[len(blocks)-1].first < session.ListSize; {
		blocks = append(blocks, lease(4096)) // none of them at the end of the first list
	}
	slices.SortFunc(blocks, func(a, b block) int { return int(a.first - b.first) })
	for i, b := range blocks {
		if b.first < 0 || b.first/session.ListSize != (b.first+b.n-1)/session.ListSize {
			t.Errorf("block %+v crosses a list", b)
		}
		if i > 0 && blocks[i-1].first+blocks[i-1].n > b.first {
			t.Errorf("blocks %+v and %+v overlap", blocks[i-1], b)
		}
	}
	for _, n := range []int64{0, -1, 3, session.ListSize * 2} {
		if first, err := x.Lease(t.Context(), n); err == nil {
			t.Errorf("Lease(%d) = %d, want an error", n, first)
		}
	}
}

// testLists puts sessions into five lists: live, ended lately, ended long ago and
// still published, ended long ago altogether, and ended long ago in the list that is
// being leased from, which stays: its version must not begin anew.
func testLists(t *testing.T, b store.Backend) {
	const l = session.ListSize
	at := now()
	u := addUser(t, b)
	put := func(index int64, expires, ended time.Duration) {
		login, s := newSession(u.ID, "web")
		login.Expires, s.Expires, s.Status = at.Add(expires), at.Add(expires), index
		s.Created = at.Add(-100 * time.Hour)
		_, err := b.Ledger.Open(t.Context(), login, s, 0, event(audit.LoginSucceeded, u.ID))
		ok(t, err)
		if ended == 0 {
			return
		}
		e := event(audit.SessionEnded, u.ID)
		e.At = at.Add(ended)
		_, err = b.Ledger.End(t.Context(), session.Which{ID: s.ID}, e)
		ok(t, err)
	}
	current := int64(0) // the list that is leased from
	for current < 18 {
		first, err := b.Indices.Lease(t.Context(), l)
		ok(t, err)
		current = first/l + 1
	}
	const never = 0
	put(current*l+7, time.Hour, -50*time.Hour)
	put(10*l+1, time.Hour, never)
	put(10*l+2, time.Hour, -50*time.Hour)
	put(12*l+1, time.Hour, -time.Minute)
	put(13*l-1, -50*time.Hour, -60*time.Hour)
	put(14*l+5, time.Hour, -50*time.Hour)
	put(15*l+5, -50*time.Hour, never)
	put(15*l+6, -3*time.Minute, never)
	since := at.Add(-15 * time.Minute)
	lists, err := b.Indices.Lists(t.Context(), since)
	ok(t, err)
	same(t, "Lists", lists, []int64{10, 12, 15, current})
	var set []int64
	ok(t, b.Indices.Set(t.Context(), since, func(i int64) bool { set = append(set, i); return true }))
	slices.Sort(set)
	same(t, "Set", set, []int64{10*l + 2, 12*l + 1, 13*l - 1, current*l + 7})
	calls := 0
	ok(t, b.Indices.Set(t.Context(), since, func(int64) bool { calls++; return false }))
	if calls != 1 {
		t.Errorf("Set called yield %d times after it returned false", calls)
	}
}

func testRing(t *testing.T, h Harness) {
	b := h.Backend
	_, err := b.Keys.LoadRing(t.Context())
	is(t, "LoadRing of none", err, keys.ErrNoRing)
	c := keys.Change{Kind: "rotated", Actor: "ops", Reason: "due", KIDs: []string{"k1", "k2"}, At: now(), Detail: map[string]string{"alg": "ES256"}}
	e := audit.Event{At: c.At, Kind: audit.KeysChanged, Actor: "ops", Reason: "due", Detail: map[string]string{"change": "rotated", "kids": "k1 k2", "alg": "ES256"}}
	swap := func(version int64) func() error {
		return func() error {
			return b.Keys.SwapRing(t.Context(), keys.Sealed{Version: version, Document: []byte(name(`{"n":"\u0000"}`, int(version)))}, c)
		}
	}
	changes(t, b, "swap to 2 of none", swap(2), keys.ErrConflict, e)
	winners(t, "first swaps at once", atOnce(8, func(int) error { return swap(1)() }), keys.ErrConflict)
	changes(t, b, "swap to 2", swap(2), nil, e, store.Change{Kind: store.Ring, Version: 2})
	for _, version := range []int64{1, 2, 4, 0, -1} {
		changes(t, b, "swap out of order", swap(version), keys.ErrConflict, e)
	}
	winners(t, "swaps at once", atOnce(8, func(int) error { return swap(3)() }), keys.ErrConflict)
	got, err := b.Keys.LoadRing(t.Context())
	ok(t, err)
	same(t, "LoadRing", got, keys.Sealed{Version: 3, Document: []byte(`{"n":"\u0000"}0003`)})
}

func testAudit(t *testing.T, h Harness) {
	b := h.Backend
	var want []audit.Event // newest first
	for i := range 7 {
		e := event([]audit.Kind{audit.LoginFailed, audit.UserChanged}[i%2], id.User(name("usr_", i%3)))
		if i == 6 {
			e = audit.Event{At: now(), Kind: audit.LoginFailed, User: "usr_0000"}
		}
		ok(t, b.Audit.Append(t.Context(), e))
		e.Detail = storedDetail(e.Detail)
		want = slices.Insert(want, 0, e)
	}
	for _, c := range []struct {
		name string
		q    audit.Query
		keep func(audit.Event) bool
	}{
		{"all", audit.Query{}, func(audit.Event) bool { return true }},
		{"of a kind", audit.Query{Kind: audit.LoginFailed}, func(e audit.Event) bool { return e.Kind == audit.LoginFailed }},
		{"of a user", audit.Query{User: "usr_0001"}, func(e audit.Event) bool { return e.User == "usr_0001" }},
		{"of both", audit.Query{User: "usr_0000", Kind: audit.UserChanged}, func(e audit.Event) bool { return e.User == "usr_0000" && e.Kind == audit.UserChanged }},
		{"of nobody", audit.Query{User: "\x00"}, func(audit.Event) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := c.q
			q.Limit = 2
			var got []audit.Event
			for {
				page, err := b.Audit.Events(t.Context(), q)
				ok(t, err)
				if len(page) == 0 {
					break
				}
				q.Before = page[len(page)-1].ID
				for _, e := range page {
					e.ID = ""
					got = append(got, e)
				}
			}
			same(t, "events", got, slices.DeleteFunc(slices.Clone(want), func(e audit.Event) bool { return !c.keep(e) }))
		})
	}
	got, err := b.Audit.Events(t.Context(), audit.Query{Before: "what", Limit: 10})
	ok(t, err)
	same(t, "before what is no id", got, nil)
}

func testFeed(t *testing.T, h Harness) {
	b := h.Backend
	head, err := b.Feed.Head(t.Context())
	ok(t, err)
	if head != 0 {
		t.Errorf("Head of an empty feed: %d", head)
	}
	var users []id.User
	for range 5 {
		users = append(users, addUser(t, b).ID)
	}
	since := func(after int64, recent time.Duration, limit int) (ids []id.User, last int64) {
		t.Helper()
		got, err := b.Feed.Since(t.Context(), after, recent, limit)
		ok(t, err)
		for _, c := range got {
			if c.Seq <= last {
				t.Errorf("Since isn't in order: %+v", got)
			}
			ids, last = append(ids, id.User(c.ID)), c.Seq
		}
		return ids, last
	}
	got, second := since(0, 0, 2)
	same(t, "the first two", got, users[:2])
	got, _ = since(second, 0, 2)
	same(t, "the next two", got, users[2:4])
	got, last := since(second, time.Hour, 2)
	same(t, "the next two and all recent", got, users[:4])
	head, err = b.Feed.Head(t.Context())
	ok(t, err)
	got, _ = since(last, 0, 10)
	same(t, "the last", got, users[4:])
	got, _ = since(head, 0, 10)
	same(t, "after the head", got, nil)
	got, _ = since(head, time.Hour, 1)
	same(t, "the recent alone", got, users)
	ok(t, b.Feed.Prune(t.Context(), time.Now().Add(-time.Hour)))
	got, _ = since(0, 0, 10)
	same(t, "after pruning what is older", got, users)
	ok(t, b.Feed.Prune(t.Context(), time.Now().Add(time.Hour)))
	got, _ = since(0, time.Hour, 10)
	same(t, "after pruning all", got, nil)
	u := addUser(t, b).ID
	got, _ = since(head, 0, 10)
	same(t, "a number comes once, pruned or not", got, []id.User{u})
}

func testClock(t *testing.T, h Harness) {
	at, err := h.Backend.Clock.DatabaseTime(t.Context())
	ok(t, err)
	if d := time.Since(at).Abs(); d > time.Minute {
		t.Errorf("the database's time %v is %v off", at, d)
	}
	for name, reachable := range h.Backend.Reachable {
		if err := reachable(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Backend.Clock.DatabaseTime(canceled)
	is(t, "with a context that is canceled", err, context.Canceled)
	if errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a canceled call says that the store is unavailable: %v", err)
	}
	_, err = h.Backend.Generations.Rotate(canceled, session.Rotation{Session: id.NewSession()})
	is(t, "a Rotate that is canceled", err, context.Canceled)
}

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

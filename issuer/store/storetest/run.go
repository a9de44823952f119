package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// Harness is an empty store under test.
type Harness struct {
	Backend store.Backend
	// Sweep deletes what is past as of a time; nil: the engine has none.
	Sweep func(ctx context.Context, now time.Time) error
	// Steps is the length of each random walk. Zero: 2,000.
	Steps int
}

// Run tests every member of a backend that keeps everything. Each call of open
// yields a store of its own.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	groups := []struct {
		name string
		run  func(t *testing.T, h Harness)
	}{
		{"accounts", testAccounts},
		{"clients", testClients},
		{"ledger", testLedger},
		{"most live sessions", testMost},
		{"opened once", testUsed},
		{"opened and begun", testOpener},
		{"browsers", testBrowsers},
		{"notices", testNotices},
		{"consents", testConsents},
		{"indices", testIndices},
		{"ring", testRing},
		{"audit", testAudit},
		{"feed", testFeed},
		{"clock", testClock},
		{"reuse", testReuse},
		{"live person", testLivePerson},
		{"sweep", testSweep},
		{"together", testTogether},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) { g.run(t, open(t)) })
	}
	t.Run("generations", func(t *testing.T) {
		generationsOf(t, open(t).Steps, func(t *testing.T) session.Generations { return seeded{open(t).Backend} })
	})
	t.Run("limits", func(t *testing.T) { limitsOf(t, open(t).Backend.Limits) })
	t.Run("waiting", func(t *testing.T) { waitingOf(t, open(t).Backend.Waiting) })
}

// now is the machine's time as engines keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// same compares; an empty list is as none.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// event is an event with every field set, so that one that is lost shows.
func event(kind audit.Kind, user id.User) audit.Event {
	return audit.Event{
		At: now(), Kind: kind, Actor: "actor", User: user, Client: "web", Session: "sid", Reason: "because",
		Address: "192.0.2.7", RequestID: "req", Detail: map[string]string{"a": "1", "b": "\x00\xff"},
	}
}

func newUser() account.User {
	u := id.NewUser()
	return account.User{
		ID: u, Email: "Ada." + string(u) + "@Example.com", EmailVerified: true, Roles: []string{"admin", "ünï"},
		Version: 1, Created: now(), PasswordHash: account.Hash("$2a$" + string(u)),
		Profile: account.Profile{Name: "Ada Lövelace", PhoneVerified: true, Address: &account.Address{Locality: "London\x00"}, Updated: now()},
	}
}

func addUser(t *testing.T, b store.Backend) account.User {
	t.Helper()
	u := newUser()
	ok(t, b.Accounts.Create(t.Context(), u, event(audit.UserRegistered, u.ID)))
	return u
}

var statuses struct {
	sync.Mutex
	next int64
}

// status is an index that no other session of the process has.
func status() int64 {
	statuses.Lock()
	defer statuses.Unlock()
	statuses.next++
	return statuses.next
}

// newSession is a login of a user and a session in it.
func newSession(user id.User, client id.Client) (session.Login, session.Session) {
	at := now()
	l := session.Login{ID: id.NewLogin(), User: user, AuthTime: at, AMR: []string{"pwd"}, Expires: at.Add(time.Hour)}
	return l, session.Session{
		ID: id.NewSession(), Login: l.ID, User: user, Client: client, Scope: []string{"openid", "a"}, Audience: []string{"https://api.example"},
		BoundKey: "thumb", Status: status(), AuthTime: at, Created: at, Expires: l.Expires,
	}
}

// open opens a session for a user in a login of its own.
func open(t *testing.T, b store.Backend, user id.User, client id.Client) session.Session {
	t.Helper()
	l, s := newSession(user, client)
	e := event(audit.LoginSucceeded, user)
	_, err := b.Ledger.Open(t.Context(), l, s, 0, e)
	ok(t, err)
	return s
}

// heard returns the feed's entries that were written while do ran, without Seq and
// At, after checking these.
func heard(t *testing.T, b store.Backend, do func()) []store.Change {
	t.Helper()
	head, err := b.Feed.Head(t.Context())
	ok(t, err)
	do()
	got, err := b.Feed.Since(t.Context(), head, 0, 1000)
	ok(t, err)
	for i := range got {
		if got[i].Seq <= head || got[i].At.IsZero() {
			t.Errorf("feed entry %+v after %d", got[i], head)
		}
		head = got[i].Seq
		got[i].Seq, got[i].At = 0, time.Time{}
	}
	return got
}

// recorded returns the events that were written while do ran, oldest first,
// without their ids.
func recorded(t *testing.T, b store.Backend, do func()) []audit.Event {
	t.Helper()
	last := func() string {
		es, err := b.Audit.Events(t.Context(), audit.Query{Limit: 1})
		ok(t, err)
		if len(es) == 0 {
			return ""
		}
		return es[0].ID
	}
	before := last()
	do()
	es, err := b.Audit.Events(t.Context(), audit.Query{Limit: 500})
	ok(t, err)
	if i := slices.IndexFunc(es, func(e audit.Event) bool { return e.ID == before }); i >= 0 {
		es = es[:i]
	}
	slices.Reverse(es)
	for i := range es {
		es[i].ID = ""
	}
	return es
}

// changes checks a change: that it returns want, and that its event and feed
// entries are written with it; or, where it fails, neither.
func changes(t *testing.T, b store.Backend, what string, do func() error, want error, e audit.Event, entries ...store.Change) {
	t.Helper()
	var told []store.Change
	events := recorded(t, b, func() {
		told = heard(t, b, func() {
			if err := do(); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s: error %v, want %v", what, err, want)
			}
		})
	})
	if want != nil {
		same(t, what+": events", events, []audit.Event(nil))
		same(t, what+": feed", told, []store.Change(nil))
		return
	}
	e.Detail = storedDetail(e.Detail)
	same(t, what+": events", events, []audit.Event{e})
	same(t, what+": feed", told, entries)
}

// storedDetail is a detail as it comes back: bytes that are no UTF-8 are replaced.
func storedDetail(d map[string]string) map[string]string {
	out := make(map[string]string, len(d))
	for k, v := range d {
		out[k] = string([]rune(v))
	}
	return out
}

// atOnce runs n calls at once and returns what each returned.
func atOnce[T any](n int, call func(i int) T) []T {
	out := make([]T, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			out[i] = call(i)
		})
	}
	close(start)
	wg.Wait()
	return out
}

// winners counts the calls that returned nil; the others must have returned
// want.
func winners(t *testing.T, what string, errs []error, want error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, want):
			t.Errorf("%s: error %v, want %v", what, err, want)
		}
	}
	if won != 1 {
		t.Errorf("%s: %d won, want 1", what, won)
	}
}

func name(prefix string, i int) string { return fmt.Sprintf("%s%04d", prefix, i) }

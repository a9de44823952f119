package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
)

// board is session.Notices in memory.
type board struct {
	mu   sync.Mutex
	due  map[id.Session]time.Time
	all  map[id.Session]session.Notice
	fail error
}

var _ session.Notices = (*board)(nil)

func newBoard(notices ...session.Notice) *board {
	b := &board{due: map[id.Session]time.Time{}, all: map[id.Session]session.Notice{}}
	for _, n := range notices {
		b.due[n.Session], b.all[n.Session] = n.Ended, n
	}
	return b
}

func (b *board) Due(_ context.Context, now, lease time.Time, limit int) (out []session.Notice, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s, due := range b.due {
		if !due.After(now) {
			out = append(out, b.all[s])
		}
	}
	slices.SortFunc(out, func(x, y session.Notice) int {
		return cmp.Or(b.due[x.Session].Compare(b.due[y.Session]), cmp.Compare(x.Session, y.Session))
	})
	out = out[:min(limit, len(out))]
	for _, n := range out {
		b.due[n.Session] = lease
	}
	return out, b.fail
}

func (b *board) Later(_ context.Context, s id.Session, next time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.all[s]
	n.Tries++
	b.all[s], b.due[s] = n, next
	return b.fail
}

func (b *board) Done(_ context.Context, s id.Session) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, s)
	delete(b.due, s)
	return b.fail
}

// next is when a notice is due; zero: it is done.
func (b *board) next(s id.Session) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.due[s]
}

// clients is a client.Reader of these.
type clients []client.Client

func (c clients) ByID(_ context.Context, name id.Client) (client.Client, error) {
	for _, one := range c {
		if one.ID == name {
			return one, nil
		}
	}
	return client.Client{}, client.ErrNotFound
}

func (c clients) List(context.Context, id.Client, int) ([]client.Client, error) { return c, nil }

// post is a Poster.
type post func(ctx context.Context, address string, form url.Values) (int, error)

func (p post) PostForm(ctx context.Context, address string, form url.Values) (int, error) {
	return p(ctx, address, form)
}

// reports are what a notifier reported.
type reports struct {
	mu  sync.Mutex
	all []Told
}

func (r *reports) add(t Told) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, t)
}

func (r *reports) count(o Outcome) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.all {
		if t.Outcome == o {
			n++
		}
	}
	return n
}

// listening is a client that wants to be told.
func listening(name string) client.Client {
	c := client.Client{ID: id.Client(name)}
	c.BackchannelLogoutURI = "https://" + name + ".example/logout"
	return c
}

func noticeFor(c, s string) session.Notice {
	return session.Notice{Session: id.Session(s), Client: id.Client(c), User: "usr_ada", Ended: testNow}
}

// notifier is one whose clock is at *now, with keys that it shares with no clock.
func notifier(t *testing.T, k *keys.Keeper, now func() time.Time, b *board, p post, registered ...client.Client) (*Notifier, *reports) {
	t.Helper()
	r := &reports{}
	return &Notifier{
		Flow: New(Config{
			Clients: client.NewRegistry(clients(registered)), Issuer: testIssuer, Now: now, Algorithm: func() keys.Algorithm { return keys.ES256 },
			Minter: token.NewMinter(testIssuer, func() token.Ring { return still{k.Ring()} }),
		}),
		Notices: b, Poster: p, Report: r.add,
	}, r
}

// still is a ring whose clock stands.
type still struct{ ring *keys.Ring }

func (s still) Signer(alg keys.Algorithm, _ time.Time) (*keys.Key, error) {
	return s.ring.Signer(alg, testNow)
}

func step(t *testing.T, n *Notifier) {
	t.Helper()
	if err := n.Tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.Wait()
}

func TestNoticeOutcomes(t *testing.T) {
	k := newRing(t)
	quiet := client.Client{ID: "quiet"}
	strange := listening("strange")
	strange.IDTokenAlg = "ES384"
	for name, c := range map[string]struct {
		client string
		status int
		err    error
		want   Outcome
		calls  int
	}{
		"200":                      {"app", 200, nil, OutcomeDelivered, 1},
		"204":                      {"app", 204, nil, OutcomeDelivered, 1},
		"a redirect":               {"app", 302, nil, OutcomeFailed, 1},
		"400":                      {"app", 400, nil, OutcomeFailed, 1},
		"404":                      {"app", 404, nil, OutcomeFailed, 1},
		"500":                      {"app", 500, nil, OutcomeFailed, 1},
		"unreachable":              {"app", 0, errors.New("refused"), OutcomeFailed, 1},
		"client deleted":           {"nobody", 200, nil, OutcomeUnneeded, 0},
		"wants to hear no more":    {"quiet", 200, nil, OutcomeUnneeded, 0},
		"no key of its algorithm":  {"strange", 200, nil, OutcomeFailed, 0},
		"status that is no status": {"app", 0, nil, OutcomeFailed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, calls := newBoard(noticeFor(c.client, "s1")), 0
			n, told := notifier(t, k, func() time.Time { return testNow }, b, func(_ context.Context, address string, form url.Values) (int, error) {
				calls++
				if address != "https://app.example/logout" || len(form) != 1 || strings.Count(form.Get("logout_token"), ".") != 2 {
					t.Errorf("%s with %v", address, form)
				}
				return c.status, c.err
			}, listening("app"), quiet, strange)
			step(t, n)
			if told.count(c.want) != 1 || len(told.all) != 1 || calls != c.calls {
				t.Errorf("%+v after %d calls, want %s after %d", told.all, calls, c.want, c.calls)
			}
			if next := b.next("s1"); next.IsZero() != (c.want != OutcomeFailed) || !next.IsZero() && !next.Equal(testNow.Add(time.Second)) {
				t.Errorf("due next at %s", next)
			}
		})
	}
}

// A client that never answers is tried with growing pauses, each time with a fresh token,
// for a day, and an operator can see since when.
func TestNoticePauses(t *testing.T) {
	now, seen := testNow, map[string]bool{}
	b := newBoard(noticeFor("app", "s1"))
	n, told := notifier(t, newRing(t), func() time.Time { return now }, b, func(_ context.Context, _ string, form url.Values) (int, error) {
		if raw := form.Get("logout_token"); seen[raw] {
			t.Error("a token twice")
		} else {
			seen[raw] = true
		}
		return 500, nil
	}, listening("app"))
	var pauses []time.Duration
	for next := testNow; !next.IsZero(); next = b.next("s1") {
		pauses = append(pauses, next.Sub(now))
		now = next
		step(t, n)
		if got := n.Overdue(); got != now.Sub(testNow) {
			t.Errorf("overdue for %s, want %s", got, now.Sub(testNow))
		}
	}
	want := []time.Duration{0, time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	for range 24 {
		want = append(want, time.Hour)
	}
	if !slices.Equal(pauses, want) {
		t.Errorf("pauses %v\nwant %v", pauses, want)
	}
	if told.count(OutcomeFailed) != len(want)-1 || told.count(OutcomeDropped) != 1 {
		t.Errorf("%d failed, %d dropped", told.count(OutcomeFailed), told.count(OutcomeDropped))
	}
	for i, one := range told.all {
		if one.Turned != (i == 0) {
			t.Errorf("try %d: turned %v", i, one.Turned)
		}
	}
}

// Another replica reached it, or all gave up: what this one remembers isn't an alert for
// ever.
func TestNoticeFailsNoLonger(t *testing.T) {
	now := testNow
	n, _ := notifier(t, newRing(t), func() time.Time { return now }, newBoard(noticeFor("app", "s1")),
		func(context.Context, string, url.Values) (int, error) { return 503, nil }, listening("app"))
	step(t, n)
	now = testNow.Add(3*time.Hour - time.Millisecond)
	if got := n.Overdue(); got != now.Sub(testNow) {
		t.Errorf("still tried, and overdue for %s", got)
	}
	now = now.Add(time.Millisecond)
	if got := n.Overdue(); got != 0 {
		t.Errorf("no longer tried, and overdue for %s", got)
	}
}

// It answers again: that is news, and nothing is overdue.
func TestNoticeRecovers(t *testing.T) {
	now, status := testNow, 503
	b := newBoard(noticeFor("app", "s1"))
	n, told := notifier(t, newRing(t), func() time.Time { return now }, b, func(context.Context, string, url.Values) (int, error) { return status, nil }, listening("app"))
	step(t, n)
	step(t, n) // not due yet
	now, status = now.Add(time.Second), 200
	step(t, n)
	if len(told.all) != 2 || told.all[1].Outcome != OutcomeDelivered || !told.all[1].Turned || n.Overdue() != 0 {
		t.Errorf("%+v, overdue for %s", told.all, n.Overdue())
	}
}

// A process that was killed, or can't write what it did, leaves a notice that comes back.
func TestNoticeOfTheKilled(t *testing.T) {
	now, calls := testNow, 0
	b := newBoard(noticeFor("app", "s1"))
	if _, err := b.Due(t.Context(), now, now.Add(noticeLease), 1); err != nil { // and then it is killed
		t.Fatal(err)
	}
	n, told := notifier(t, newRing(t), func() time.Time { return now }, b, func(context.Context, string, url.Values) (int, error) {
		calls++
		return 200, nil
	}, listening("app"))
	step(t, n)
	if calls != 0 {
		t.Error("another's notice was taken")
	}
	now = now.Add(noticeLease)
	step(t, n)
	if calls != 1 || told.count(OutcomeDelivered) != 1 {
		t.Errorf("%d calls, %+v", calls, told.all)
	}
	b.fail = errors.New("the database is away")
	if err := n.Tell(t.Context()); !errors.Is(err, b.fail) {
		t.Errorf("%v, want that it is away", err)
	}
}

// Two replicas and many notices: each is told once.
func TestNoticeReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []session.Notice
		for i := range 500 {
			all = append(all, noticeFor("app", fmt.Sprint("s", i)))
		}
		k, b := newRing(t), newBoard(all...)
		p := func(context.Context, string, url.Values) (int, error) {
			time.Sleep(10 * time.Millisecond)
			return 200, nil
		}
		one, r1 := notifier(t, k, func() time.Time { return testNow }, b, p, listening("app"))
		two, r2 := notifier(t, k, func() time.Time { return testNow }, b, p, listening("app"))
		var both sync.WaitGroup
		for _, n := range []*Notifier{one, two} {
			both.Go(func() { step(t, n) })
		}
		both.Wait()
		if a, c := r1.count(OutcomeDelivered), r2.count(OutcomeDelivered); a+c != 500 || a == 0 || c == 0 {
			t.Errorf("%d and %d delivered", a, c)
		}
	})
}

// A client that keeps everybody waiting is told one at a time, once it is known: others
// hear at once.
func TestNoticeSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []session.Notice
		for i := range 100 {
			all = append(all, noticeFor("slow", fmt.Sprint("a", i)), noticeFor("fast", fmt.Sprint("b", i)))
		}
		begun := time.Now()
		clock := func() time.Time { return testNow.Add(time.Since(begun)) }
		var mu sync.Mutex
		under, most, fast := 0, 0, time.Duration(0)
		n, told := notifier(t, newRing(t), clock, newBoard(all...), func(_ context.Context, address string, _ url.Values) (int, error) {
			if strings.Contains(address, "fast") {
				mu.Lock()
				defer mu.Unlock()
				fast = time.Since(begun)
				return 200, nil
			}
			mu.Lock()
			if under++; time.Since(begun) > 5*time.Second {
				most = max(most, under)
			}
			mu.Unlock()
			time.Sleep(5 * time.Second)
			mu.Lock()
			defer mu.Unlock()
			under--
			return 0, context.DeadlineExceeded
		}, listening("slow"), listening("fast"))
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			if err := n.Tell(ctx); err != nil {
				t.Fatal(err)
			}
			cancel()
			time.Sleep(time.Second)
		}
		n.Wait()
		if told.count(OutcomeDelivered) != 100 || fast > 6*time.Second {
			t.Errorf("%d delivered, the last after %s", told.count(OutcomeDelivered), fast)
		}
		if most != 1 || told.count(OutcomeFailed) < 20 {
			t.Errorf("%d calls of the slow one at once, %d in all", most, told.count(OutcomeFailed))
		}
	})
}

// Strangers' clients, each slow and none the same, keep nobody waiting but themselves, and no
// more of them than there is room for; nobody's notice is lost.
func TestNoticeStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registered := []client.Client{listening("fast")}
		var all []session.Notice
		for i := range 400 {
			stranger := listening(fmt.Sprint("slow", i))
			stranger.Registration = &client.Secret{}
			registered = append(registered, stranger)
			all = append(all, noticeFor(string(stranger.ID), fmt.Sprint("a", i)))
		}
		for i := range 50 {
			all = append(all, noticeFor("fast", fmt.Sprint("b", i))) // due after all of those
		}
		begun := time.Now()
		clock := func() time.Time { return testNow.Add(time.Since(begun)) }
		var mu sync.Mutex
		under, most, fast := 0, 0, time.Duration(0)
		n, told := notifier(t, newRing(t), clock, newBoard(all...), func(_ context.Context, address string, _ url.Values) (int, error) {
			if !strings.Contains(address, "fast") {
				t.Errorf("%s by the operators' client", address)
			}
			mu.Lock()
			defer mu.Unlock()
			fast = time.Since(begun)
			return 200, nil
		}, registered...)
		n.Registered = post(func(context.Context, string, url.Values) (int, error) {
			mu.Lock()
			under++
			most = max(most, under)
			mu.Unlock()
			time.Sleep(5 * time.Second)
			mu.Lock()
			defer mu.Unlock()
			under--
			return 200, nil
		})
		for range 600 {
			if err := n.Tell(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		n.Wait()
		if told.count(OutcomeDelivered) != 450 || most != noticeTurns {
			t.Errorf("%d delivered, %d strangers at once", told.count(OutcomeDelivered), most)
		}
		if fast > time.Second {
			t.Errorf("the operators' client was told after %s", fast)
		}
	})
}

// Who waits for a turn doesn't keep a process from its end: their notices come back.
func TestNoticeClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stranger := listening("slow")
		stranger.Registration = &client.Secret{}
		var all []session.Notice
		for i := range 100 {
			all = append(all, noticeFor("slow", fmt.Sprint("a", i)))
		}
		n, told := notifier(t, newRing(t), func() time.Time { return testNow }, newBoard(all...), func(context.Context, string, url.Values) (int, error) {
			time.Sleep(5 * time.Second)
			return 200, nil
		}, stranger)
		if err := n.Tell(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		begun := time.Now()
		n.Close()
		if took := time.Since(begun); took != 5*time.Second || told.count(OutcomeDelivered) != noticeTurns {
			t.Errorf("%d delivered, closed after %s", told.count(OutcomeDelivered), took)
		}
	})
}

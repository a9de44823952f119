package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// Generations tests an engine that keeps generations by themselves. Each call of
// open yields an empty one.
func Generations(t *testing.T, open func(t *testing.T) session.Generations) {
	generationsOf(t, 0, open)
}

const defaultSteps = 2000

func generationsOf(t *testing.T, steps int, open func(t *testing.T) session.Generations) {
	g := open(t)
	t.Run("rules", func(t *testing.T) { testRules(t, g) })
	t.Run("walks", func(t *testing.T) { testWalks(t, g, cmp.Or(steps, defaultSteps)) })
	t.Run("begin", func(t *testing.T) { testBegin(t, g) })
	t.Run("unknown", func(t *testing.T) { testUnknown(t, g) })
	t.Run("end", func(t *testing.T) { testEnd(t, g) })
	t.Run("update", func(t *testing.T) { testUpdate(t, g) })
	t.Run("one token at once", func(t *testing.T) { testOneToken(t, g) })
	t.Run("reuse at once", func(t *testing.T) { testReuseAtOnce(t, g) })
	t.Run("end at once", func(t *testing.T) { testEndAtOnce(t, g) })
}

// seeder is a store of generations that must know a session before it begins.
type seeder interface {
	seed(ctx context.Context, s session.State) error
}

func seed(t *testing.T, g session.Generations, s session.State) {
	t.Helper()
	if s2, is := g.(seeder); is {
		ok(t, s2.seed(t.Context(), s))
	}
}

func begin(t *testing.T, g session.Generations, s session.State) {
	t.Helper()
	seed(t, g, s)
	ok(t, g.Begin(t.Context(), s))
}

func rotate(t *testing.T, g session.Generations, r session.Rotation) session.Result {
	t.Helper()
	res, err := g.Rotate(t.Context(), r)
	ok(t, err)
	return res
}

// tryRotate is rotate for goroutines that aren't the test's own.
func tryRotate(t *testing.T, g session.Generations, r session.Rotation) session.Result {
	res, err := g.Rotate(t.Context(), r)
	if err != nil {
		t.Error(err)
	}
	return res
}

func look(t *testing.T, g session.Generations, s id.Session) session.State {
	t.Helper()
	state, err := g.Look(t.Context(), s)
	ok(t, err)
	return state
}

// testRules runs the table on an engine, and on session.Decide.
func testRules(t *testing.T, g session.Generations) {
	at := now()
	for _, c := range rules(at) {
		t.Run(c.name, func(t *testing.T) {
			s, r := ordinary(at)
			apply(c.start, &s)
			apply(c.ask, &r)
			want := s
			apply(c.after, &want)
			same(t, "Decide", session.Decide(s, r), session.Result{Outcome: c.want, State: want})
			begin(t, g, s)
			same(t, "Rotate", rotate(t, g, r), session.Result{Outcome: c.want, State: want})
			same(t, "the state after", look(t, g, s.Session), want)
		})
	}
}

func apply[T any](f func(*T), v *T) {
	if f != nil {
		f(v)
	}
}

// testWalks does at random what clients do, right and wrong, and compares each
// step with session.Decide.
func testWalks(t *testing.T, g session.Generations, steps int) {
	if testing.Short() {
		steps /= 10
	}
	const seed = 20261101
	rng := rand.New(rand.NewPCG(seed, 1))
	outcomes := map[session.Outcome]int{}
	var model session.State
	clock := now()
	for step := range steps {
		over := model.Ended || !clock.Before(model.NotAfter)
		if model.Session == "" || over && rng.IntN(3) > 0 {
			model, _ = ordinary(clock)
			model.Generation, model.BoundKey = 1, []string{"", "k"}[rng.IntN(2)]
			begin(t, g, model)
		}
		clock = clock.Add(jump(rng))
		r := anyRotation(rng, model, clock)
		want := session.Decide(model, r)
		got := rotate(t, g, r)
		if same(t, fmt.Sprintf("step %d of seed %d: %+v on %+v", step, seed, r, model), got, want); t.Failed() {
			return
		}
		model = want.State
		outcomes[want.Outcome]++
		if step%16 == 0 {
			same(t, "Look", look(t, g, model.Session), model)
		}
	}
	for o := session.Rotated; o <= session.Reused; o++ {
		if outcomes[o] == 0 && steps >= defaultSteps {
			t.Errorf("a walk of %d steps never came to outcome %d: %v", steps, o, outcomes)
		}
	}
}

// jump is how long a client waits: seconds mostly, sometimes long.
func jump(rng *rand.Rand) time.Duration {
	longest := []time.Duration{3 * time.Second, 10 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Hour, 4 * 24 * time.Hour}
	i := min(rng.IntN(len(longest)), rng.IntN(len(longest))) // the short ones more often
	return time.Duration(rng.Int64N(longest[i].Milliseconds()+1)) * time.Millisecond
}

func anyRotation(rng *rand.Rand, s session.State, at time.Time) session.Rotation {
	r := session.Rotation{
		Session: s.Session, Generation: s.Generation, Client: s.Client, BoundKey: s.BoundKey,
		Key: 1 + rng.Uint32N(3), Idle: idle, Window: window, Now: at,
	}
	switch p := rng.IntN(100); {
	case p < 45:
	case p < 85:
		r.Generation--
	case p < 88:
		r.Generation -= min(r.Generation, 2+rng.Uint32N(3))
	case p < 91:
		r.Generation += 1 + rng.Uint32N(3)
	case p < 93:
		r.Client = "other"
	case p < 95:
		r.BoundKey += "x"
	case p < 96:
		r.Scope = []string{"openid", "nope"}
	case p < 97:
		r.Audience = []string{"https://nope.example"}
	default:
		r.Scope, r.Audience = s.Scope[:1+rng.IntN(len(s.Scope))], s.Audience[:1]
	}
	return r
}

func testBegin(t *testing.T, g session.Generations) {
	s, r := ordinary(now())
	begin(t, g, s)
	same(t, "begun", look(t, g, s.Session), s)
	res := rotate(t, g, r)
	again := s
	again.Generation = 1
	begin(t, g, again)
	same(t, "begun again", look(t, g, s.Session), res.State)
}

func testUnknown(t *testing.T, g session.Generations) {
	s, r := ordinary(now())
	same(t, "Rotate of no state", rotate(t, g, r), session.Result{})
	r.Session = "\x00\xff"
	same(t, "Rotate of no id", rotate(t, g, r), session.Result{})
	for _, sid := range []id.Session{s.Session, "", "\x00\xff"} {
		_, err := g.Look(t.Context(), sid)
		is(t, fmt.Sprintf("Look(%q)", sid), err, session.ErrNotFound)
	}
	ok(t, g.End(t.Context(), []session.Ended{{ID: id.NewSession(), Status: 1, Until: now().Add(time.Hour)}}))
	ok(t, g.End(t.Context(), nil))
}

func testEnd(t *testing.T, g session.Generations) {
	t.Run("of states", func(t *testing.T) {
		var all []session.Ended
		var asks []session.Rotation
		for range 3 {
			s, r := ordinary(now())
			begin(t, g, s)
			all = append(all, session.Ended{ID: s.Session, Status: s.Status, Until: s.Expires})
			asks = append(asks, r)
		}
		ok(t, g.End(t.Context(), all[:2]))
		ok(t, g.End(t.Context(), all[:1])) // again
		for i, want := range []session.Outcome{session.Over, session.Over, session.Rotated} {
			if got := rotate(t, g, asks[i]); got.Outcome != want || got.State.Ended == (want == session.Rotated) {
				t.Errorf("session %d: %+v, want outcome %d", i, got, want)
			}
		}
	})
	t.Run("before it begins", func(t *testing.T) {
		s, r := ordinary(now())
		seed(t, g, s)
		ok(t, g.End(t.Context(), []session.Ended{{ID: s.Session, Status: s.Status, Until: s.Expires}}))
		ok(t, g.Begin(t.Context(), s))
		if got := rotate(t, g, r); got.Outcome.Gives() {
			t.Errorf("an ended session came back by Begin: %+v", got)
		}
	})
}

func testUpdate(t *testing.T, g session.Generations) {
	s, r := ordinary(now())
	begin(t, g, s)
	newer := session.Person{User: s.Person.User, Roles: []string{"reader"}, Disabled: true, Version: s.Person.Version + 2}
	older := session.Person{User: s.Person.User, Roles: []string{"root"}, Version: s.Person.Version + 1}
	ok(t, g.Update(t.Context(), []id.Session{s.Session, id.NewSession()}, newer))
	same(t, "the person", look(t, g, s.Session).Person, newer)
	ok(t, g.Update(t.Context(), []id.Session{s.Session}, older))
	same(t, "the person after an older update", rotate(t, g, r).State.Person, newer)
	ok(t, g.Update(t.Context(), nil, newer))
}

// rivals is how many clients present a token at once.
const rivals = 64

// testOneToken: of one token presented many times at once comes one successor.
func testOneToken(t *testing.T, g session.Generations) {
	s, r := ordinary(now())
	begin(t, g, s)
	for round := range uint32(3) {
		r.Generation, r.Now = s.Generation+round, s.Answered.Add(time.Duration(round)*time.Second)
		got := atOnce(rivals, func(int) session.Result { return tryRotate(t, g, r) })
		count := map[session.Outcome]int{}
		for _, res := range got {
			count[res.Outcome]++
			if res.State.Generation != r.Generation+1 || !res.State.NotAfter.Equal(got[0].State.NotAfter) || res.State.Key != got[0].State.Key {
				t.Errorf("another successor: %+v", res)
			}
		}
		if count[session.Rotated] != 1 || count[session.Replayed] != rivals-1 {
			t.Errorf("round %d: outcomes %v, want one rotated and all others replayed", round, count)
		}
	}
}

// testReuseAtOnce: a family ends once.
func testReuseAtOnce(t *testing.T, g session.Generations) {
	s, r := ordinary(now())
	begin(t, g, s)
	r.Generation = 2
	count := map[session.Outcome]int{}
	for _, res := range atOnce(rivals, func(int) session.Result { return tryRotate(t, g, r) }) {
		count[res.Outcome]++
	}
	if count[session.Reused] != 1 || count[session.Over] != rivals-1 {
		t.Errorf("outcomes %v, want one reused and all others over", count)
	}
}

// testEndAtOnce: whatever was going on while a session ended, nothing is given
// afterwards.
func testEndAtOnce(t *testing.T, g session.Generations) {
	s, r := ordinary(now())
	begin(t, g, s)
	for _, err := range atOnce(16, func(i int) error {
		if i == 8 {
			return g.End(t.Context(), []session.Ended{{ID: s.Session, Status: s.Status, Until: s.Expires}})
		}
		_, err := g.Rotate(t.Context(), r)
		return err
	}) {
		ok(t, err)
	}
	if got := rotate(t, g, r); got.Outcome != session.Over {
		t.Errorf("after End: %+v", got)
	}
}

// seeded are generations of a backend whose states have rows in the ledger and of
// people: it makes these first.
type seeded struct{ b store.Backend }

var (
	_ session.Generations = seeded{}
	_ seeder              = seeded{}
)

func (g seeded) seed(ctx context.Context, s session.State) error {
	if _, _, err := g.b.Ledger.Find(ctx, s.Session); !errors.Is(err, session.ErrNotFound) {
		return err
	}
	p := s.Person
	u := account.User{ID: p.User, Email: string(p.User) + "@example.com", Roles: p.Roles, Disabled: p.Disabled, Version: p.Version, Created: s.AuthTime}
	if err := g.b.Accounts.Create(ctx, u, audit.New(ctx, audit.UserRegistered, s.AuthTime)); err != nil {
		return err
	}
	login := session.Login{ID: s.Login, User: p.User, AuthTime: s.AuthTime, AMR: []string{"pwd"}, Expires: s.Expires}
	share := session.Session{
		ID: s.Session, Login: s.Login, User: p.User, Client: s.Client, Scope: s.Scope, Audience: s.Audience, BoundKey: s.BoundKey,
		Status: s.Status, AuthTime: s.AuthTime, Created: s.AuthTime, Expires: s.Expires,
	}
	_, err := g.b.Ledger.Open(ctx, login, share, 0, audit.New(ctx, audit.LoginSucceeded, s.AuthTime))
	return err
}

func (g seeded) Begin(ctx context.Context, s session.State) error {
	return g.b.Generations.Begin(ctx, s)
}

func (g seeded) Rotate(ctx context.Context, r session.Rotation) (session.Result, error) {
	return g.b.Generations.Rotate(ctx, r)
}

func (g seeded) Look(ctx context.Context, s id.Session) (session.State, error) {
	return g.b.Generations.Look(ctx, s)
}

func (g seeded) End(ctx context.Context, ended []session.Ended) error {
	return g.b.Generations.End(ctx, ended)
}

// Update saves the person as of each version up to p's, and tells the engine.
func (g seeded) Update(ctx context.Context, sessions []id.Session, p session.Person) error {
	u, err := g.b.Accounts.ByID(ctx, p.User)
	for err == nil && u.Version < p.Version {
		u.Roles, u.Disabled = p.Roles, p.Disabled
		_, err = g.b.Accounts.Save(ctx, u, account.Ending{}, audit.New(ctx, audit.UserChanged, u.Created))
		u.Version++
	}
	return errors.Join(err, g.b.Generations.Update(ctx, sessions, p))
}

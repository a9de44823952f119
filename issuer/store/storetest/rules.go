package storetest

import (
	"time"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// rule is one line of the refresh rules: a state, a token presented, and what
// comes of it. It is told by how it differs from the ordinary.
type rule struct {
	name  string
	start func(*session.State)    // nil: ordinary
	ask   func(*session.Rotation) // nil: the current token, a minute later
	want  session.Outcome
	after func(*session.State) // what has changed since start; nil: nothing
}

const (
	idle   = 7 * 24 * time.Hour
	window = time.Minute
	newKey = 8
)

// ordinary is a session of generation 20 that was last given a token at t.
func ordinary(t time.Time) (session.State, session.Rotation) {
	sid := id.NewSession()
	s := session.State{
		Session: sid, Login: id.NewLogin(), Client: "web",
		Person:     session.Person{User: id.NewUser(), Roles: []string{"admin"}, Version: 3},
		Generation: 20, Key: 7, NotAfter: t.Add(idle), Answered: t, Late: 0,
		Scope: []string{"openid", "a b", `q"`}, Audience: []string{"https://a.example", "https://b.example"},
		Status: status(), AuthTime: t.Add(-time.Hour), Expires: t.Add(30 * 24 * time.Hour),
	}
	return s, session.Rotation{
		Session: sid, Generation: 20, Client: "web", Key: newKey, Idle: idle, Window: window, Now: t.Add(time.Minute),
	}
}

// rotated is what an ordinary rotation does, at a time after t.
func rotated(t time.Time, d time.Duration) func(*session.State) {
	return func(s *session.State) {
		s.Generation, s.Key, s.Answered, s.NotAfter = s.Generation+1, newKey, t.Add(d), t.Add(d+idle)
	}
}

func ended(s *session.State) { s.Ended = true }

// rules are the design's table, line by line and limit by limit; t is when the
// current token was last given out.
func rules(t time.Time) []rule {
	ask := func(g uint32, d time.Duration) func(*session.Rotation) {
		return func(r *session.Rotation) { r.Generation, r.Now = g, t.Add(d) }
	}
	answered := func(d time.Duration) func(*session.State) {
		return func(s *session.State) { s.Answered = t.Add(d) }
	}
	return []rule{
		// Ended, or idle or absolute time over.
		{name: "ended", start: ended, want: session.Over},
		{name: "ended, by another client", start: ended, ask: func(r *session.Rotation) { r.Client = "other" }, want: session.Over},
		{name: "ended, reused", start: ended, ask: ask(3, time.Minute), want: session.Over},
		{name: "idle time over", start: func(s *session.State) { s.NotAfter = t.Add(time.Minute) }, want: session.Over},
		{name: "idle time nearly over", start: func(s *session.State) { s.NotAfter = t.Add(time.Minute + time.Millisecond) },
			want: session.Rotated, after: rotated(t, time.Minute)},
		{name: "absolute time over", start: func(s *session.State) { s.Expires = t.Add(time.Minute) }, want: session.Over},
		{name: "absolute time nearly over", start: func(s *session.State) { s.Expires = t.Add(time.Minute + time.Millisecond) },
			want: session.Rotated, after: func(s *session.State) { rotated(t, time.Minute)(s); s.NotAfter = s.Expires }},

		// Who asks, and for what.
		{name: "another client", ask: func(r *session.Rotation) { r.Client = "other" }, want: session.WrongClient},
		{name: "another client, reused", ask: func(r *session.Rotation) { r.Client, r.Generation = "other", 3 }, want: session.WrongClient},
		{name: "no client", ask: func(r *session.Rotation) { r.Client = "" }, want: session.WrongClient},
		{name: "client that is no text", ask: func(r *session.Rotation) { r.Client = "we\x00b\xff" }, want: session.WrongClient},
		{name: "bound, without proof", start: func(s *session.State) { s.BoundKey = "k" }, want: session.WrongKey},
		{name: "bound, another key", start: func(s *session.State) { s.BoundKey = "k" },
			ask: func(r *session.Rotation) { r.BoundKey = "j" }, want: session.WrongKey},
		{name: "bound, its key", start: func(s *session.State) { s.BoundKey = "k" },
			ask: func(r *session.Rotation) { r.BoundKey = "k" }, want: session.Rotated, after: rotated(t, time.Minute)},
		{name: "unbound, with proof", ask: func(r *session.Rotation) { r.BoundKey = "k" }, want: session.WrongKey},
		{name: "narrower scope", ask: func(r *session.Rotation) { r.Scope = []string{`q"`} }, want: session.Rotated, after: rotated(t, time.Minute)},
		{name: "all scope, in another order", ask: func(r *session.Rotation) { r.Scope = []string{"a b", `q"`, "openid"} },
			want: session.Rotated, after: rotated(t, time.Minute)},
		{name: "wider scope", ask: func(r *session.Rotation) { r.Scope = []string{"openid", "b"} }, want: session.WiderScope},
		{name: "scope that begins like one", ask: func(r *session.Rotation) { r.Scope = []string{"a"} }, want: session.WiderScope},
		{name: "scope that is no text", ask: func(r *session.Rotation) { r.Scope = []string{"openid\x00"} }, want: session.WiderScope},
		{name: "empty scope value", ask: func(r *session.Rotation) { r.Scope = []string{""} }, want: session.WiderScope},
		{name: "scope asked of none", start: func(s *session.State) { s.Scope = nil },
			ask: func(r *session.Rotation) { r.Scope = []string{"openid"} }, want: session.WiderScope},
		{name: "wider scope, reused", ask: func(r *session.Rotation) { r.Scope, r.Generation = []string{"b"}, 3 }, want: session.WiderScope},
		{name: "its audience", ask: func(r *session.Rotation) { r.Audience = []string{"https://b.example"} },
			want: session.Rotated, after: rotated(t, time.Minute)},
		{name: "another audience", ask: func(r *session.Rotation) { r.Audience = []string{"https://c.example"} }, want: session.WiderAudience},
		{name: "wider scope and audience", ask: func(r *session.Rotation) { r.Scope, r.Audience = []string{"b"}, []string{"c"} }, want: session.WiderScope},

		// p = c.
		{name: "current", want: session.Rotated, after: rotated(t, time.Minute)},
		{name: "current, at once", ask: ask(20, 0), want: session.Rotated, after: rotated(t, 0)},
		{name: "current, days later", ask: ask(20, 100*time.Hour), want: session.Rotated, after: rotated(t, 100*time.Hour)},
		{name: "current, one that was retried", start: func(s *session.State) { s.Streak, s.Counted = 4, true },
			want: session.Rotated, after: rotated2(t, time.Minute, 4)},
		{name: "current, one that was not", start: func(s *session.State) { s.Streak = 4 },
			want: session.Rotated, after: rotated2(t, time.Minute, 0)},
		{name: "the first", start: func(s *session.State) { s.Generation = 1 }, ask: ask(1, time.Second),
			want: session.Rotated, after: rotated(t, time.Second)},

		// p = c-1, soon.
		{name: "retry at once", ask: ask(19, 0), want: session.Replayed},
		{name: "retry by a clock behind", ask: ask(19, -2*time.Second), want: session.Replayed, after: answered(-2 * time.Second)},
		{name: "retry after 5 s", ask: ask(19, session.FreeRetry), want: session.Replayed, after: answered(session.FreeRetry)},
		{name: "free retry of a counted one", start: func(s *session.State) { s.Streak, s.Counted = 9, true }, ask: ask(19, time.Second),
			want: session.Replayed, after: answered(time.Second)},
		{name: "free retry after nine", start: func(s *session.State) { s.Streak = 9 }, ask: ask(19, time.Second),
			want: session.Replayed, after: answered(time.Second)},

		// p = c-1, within the window.
		{name: "retry after 5.001 s", ask: ask(19, session.FreeRetry+time.Millisecond), want: session.Replayed,
			after: func(s *session.State) {
				s.Answered, s.Streak, s.Counted = t.Add(session.FreeRetry+time.Millisecond), 1, true
			}},
		{name: "retry at the end of the window", ask: ask(19, window), want: session.Replayed,
			after: func(s *session.State) { s.Answered, s.Streak, s.Counted = t.Add(window), 1, true }},
		{name: "counted once a generation", start: func(s *session.State) { s.Streak, s.Counted = 3, true }, ask: ask(19, 30*time.Second),
			want: session.Replayed, after: answered(30 * time.Second)},
		{name: "the ninth in a row", start: func(s *session.State) { s.Streak = 8 }, ask: ask(19, 30*time.Second), want: session.Replayed,
			after: func(s *session.State) { s.Answered, s.Streak, s.Counted = t.Add(30*time.Second), 9, true }},
		{name: "the tenth in a row", start: func(s *session.State) { s.Streak = 9 }, ask: ask(19, 30*time.Second),
			want: session.Reused, after: ended},

		// p = c-1, later.
		{name: "late, for the first time", ask: ask(19, window+time.Millisecond), want: session.Replayed,
			after: func(s *session.State) { s.Answered, s.Late = t.Add(window+time.Millisecond), 20 }},
		{name: "late, seven generations after one", start: func(s *session.State) { s.Late = 13 }, ask: ask(19, time.Hour),
			want: session.Reused, after: ended},
		{name: "late, eight generations after one", start: func(s *session.State) { s.Late = 12 }, ask: ask(19, time.Hour),
			want: session.Replayed, after: func(s *session.State) { s.Answered, s.Late = t.Add(time.Hour), 20 }},
		{name: "late twice in one generation", start: func(s *session.State) { s.Late = 20 }, ask: ask(19, time.Hour),
			want: session.Reused, after: ended},
		{name: "retry soon after a late one", start: func(s *session.State) { s.Late = 20 }, ask: ask(19, time.Second),
			want: session.Replayed, after: answered(time.Second)},
		{name: "late with a streak", start: func(s *session.State) { s.Streak, s.Counted = 9, true }, ask: ask(19, time.Hour),
			want: session.Replayed, after: func(s *session.State) { s.Answered, s.Late = t.Add(time.Hour), 20 }},

		// p < c-1.
		{name: "reuse, two behind", ask: ask(18, 0), want: session.Reused, after: ended},
		{name: "reuse, the first", ask: ask(1, time.Minute), want: session.Reused, after: ended},
		{name: "reuse, none", ask: ask(0, time.Minute), want: session.Reused, after: ended},
		{name: "zero before the first", start: func(s *session.State) { s.Generation = 1 }, ask: ask(0, time.Second),
			want: session.Replayed, after: answered(time.Second)},

		// p > c.
		{name: "one ahead", ask: ask(21, time.Minute), want: session.Adopted, after: adopted(t, 22)},
		{name: "far ahead", ask: ask(1<<31, time.Minute), want: session.Adopted, after: adopted(t, 1<<31+1)},
		{name: "ahead of one that was retried", start: func(s *session.State) { s.Streak, s.Counted = 4, true }, ask: ask(25, time.Minute),
			want: session.Adopted, after: adopted(t, 26)},
	}
}

func rotated2(t time.Time, d time.Duration, streak uint32) func(*session.State) {
	return func(s *session.State) {
		rotated(t, d)(s)
		s.Streak, s.Counted = streak, false
	}
}

func adopted(t time.Time, generation uint32) func(*session.State) {
	return func(s *session.State) {
		rotated2(t, time.Minute, 0)(s)
		s.Generation = generation
	}
}

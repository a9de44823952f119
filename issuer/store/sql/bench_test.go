package sql

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// BenchmarkRotate rotates tokens of many sessions: one client after the other, and
// 64 at once. rotations/s is what the README may state.
func BenchmarkRotate(b *testing.B) {
	for _, d := range databases {
		for _, waiting := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/waiting=%d", d.name, waiting), func(b *testing.B) {
				db := opened(b, Config{URL: d.fresh(b)})
				rotations(b, db, begun(b, db, 256), waiting)
			})
		}
	}
}

// begun opens n sessions of one user and returns their states.
func begun(tb testing.TB, db *DB, n int) []session.State {
	tb.Helper()
	at := time.Now().UTC().Truncate(time.Millisecond)
	back, user := db.Backend(), id.NewUser()
	u := account.User{ID: user, Email: string(user) + "@example.com", Roles: []string{"admin"}, Created: at}
	if err := back.Accounts.Create(tb.Context(), u, audit.New(tb.Context(), audit.UserRegistered, at)); err != nil {
		tb.Fatal(err)
	}
	states := make([]session.State, n)
	for i := range states {
		states[i] = beginOne(tb, db, user, int64(i), at)
	}
	return states
}

func beginOne(tb testing.TB, db *DB, user id.User, status int64, at time.Time) session.State {
	tb.Helper()
	l := session.Login{ID: id.NewLogin(), User: user, AuthTime: at, AMR: []string{"pwd"}, Expires: at.Add(time.Hour)}
	s := session.Session{
		ID: id.NewSession(), Login: l.ID, User: user, Client: "web", Scope: []string{"openid"}, Audience: []string{"https://api.example.com"},
		Status: status, AuthTime: at, Created: at, Expires: l.Expires,
	}
	state := session.State{
		Session: s.ID, Login: l.ID, Client: s.Client, Person: session.Person{User: user, Roles: []string{"admin"}, Version: 1},
		Generation: 1, Key: 7, NotAfter: s.Expires, Answered: at, Scope: s.Scope, Audience: s.Audience,
		Status: status, AuthTime: at, Expires: s.Expires,
	}
	back := db.Backend()
	if _, err := back.Ledger.Open(tb.Context(), l, s, 0, audit.New(tb.Context(), audit.LoginSucceeded, at)); err != nil {
		tb.Fatal(err)
	}
	if err := back.Generations.Begin(tb.Context(), state); err != nil {
		tb.Fatal(err)
	}
	return state
}

func rotations(b *testing.B, db *DB, states []session.State, waiting int) {
	g := db.Backend().Generations
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(max(waiting/2, 1)) // times GOMAXPROCS, which is 2 where this was measured
	if waiting == 1 {
		b.SetParallelism(1)
	}
	run := func(pb *testing.PB) {
		state := states[next.Add(1)-1]
		for pb.Next() {
			r := session.Rotation{Session: state.Session, Generation: state.Generation, Client: "web", Key: 7, Idle: time.Hour, Window: time.Minute, Now: state.Answered}
			res, err := g.Rotate(b.Context(), r)
			if err != nil || res.Outcome != session.Rotated {
				b.Errorf("%+v, %v", res, err)
				return
			}
			state = res.State
		}
	}
	cpu := ownCPU(b)
	b.ResetTimer()
	b.RunParallel(run)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rotations/s")
	b.ReportMetric(float64((ownCPU(b)-cpu).Nanoseconds())/float64(b.N)/1000, "own-µs/op")
}

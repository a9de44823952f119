package sql

import (
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// BenchmarkCode does what the exchange of a code asks of the database: it looks at the
// code, opens a session in the browser's login and begins its generations. own-µs/op is
// this process's CPU, SQLite's included; both cores are busy where 64 wait.
func BenchmarkCode(b *testing.B) {
	for _, d := range databases {
		for _, waiting := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/waiting=%d", d.name, waiting), func(b *testing.B) {
				db := opened(b, Config{URL: d.fresh(b)})
				exchanges(b, db, browsers(b, db, 512), waiting)
			})
		}
	}
}

// browsers logs people in by a browser, each with a code that waits.
func browsers(tb testing.TB, db *DB, n int) []session.Login {
	tb.Helper()
	at, back := time.Now().UTC().Truncate(time.Millisecond), db.Backend()
	logins := make([]session.Login, n)
	for i := range logins {
		u := account.User{ID: id.NewUser(), Roles: []string{"admin"}, Created: at}
		u.Email = string(u.ID) + "@example.com"
		logins[i] = session.Login{ID: id.NewLogin(), User: u.ID, AuthTime: at, AMR: []string{"pwd"}, Expires: at.Add(time.Hour)}
		_, _ = rand.Read(logins[i].Cookie[:]) // never fails
		for _, err := range []error{
			back.Accounts.Create(tb.Context(), u, audit.New(tb.Context(), audit.UserRegistered, at)),
			back.Logins.Begin(tb.Context(), logins[i], audit.New(tb.Context(), audit.LoginSucceeded, at)),
			back.Waiting.Put(tb.Context(), string(logins[i].ID), make([]byte, 700), at, at.Add(time.Hour)),
		} {
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	return logins
}

func exchanges(b *testing.B, db *DB, logins []session.Login, waiting int) {
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(max(waiting/2, 1)) // times GOMAXPROCS, which is 2 where this was measured
	cpu := ownCPU(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1)
			if err := exchange(b, db, logins[int(i)%len(logins)], i); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "codes/s")
	b.ReportMetric(float64((ownCPU(b)-cpu).Nanoseconds())/float64(b.N)/1000, "own-µs/op")
}

func exchange(b *testing.B, db *DB, l session.Login, status int64) error {
	back, at, key := db.Backend(), l.AuthTime, id.NewSession()
	if _, err := back.Waiting.Get(b.Context(), string(l.ID), at); err != nil {
		return err
	}
	s := session.Session{
		ID: key, Login: l.ID, User: l.User, Client: "web", Scope: []string{"openid"}, Audience: []string{"https://api.example.com"},
		Status: status, AuthTime: at, Created: at, Expires: l.Expires,
	}
	if _, err := back.Ledger.Open(b.Context(), l, s, session.MostSessions, audit.New(b.Context(), audit.LoginSucceeded, at)); err != nil {
		return err
	}
	return back.Generations.Begin(b.Context(), session.State{
		Session: s.ID, Login: l.ID, Client: s.Client, Person: session.Person{User: l.User, Version: 1}, Generation: 1, Key: 7,
		NotAfter: s.Expires, Answered: at, Scope: s.Scope, Audience: s.Audience, Status: status, AuthTime: at, Expires: s.Expires,
	})
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

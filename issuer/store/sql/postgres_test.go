package sql

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// TestLateCommit: an entry of the feed that is committed after a later one is
// seen, though its number is below what was read.
func TestLateCommit(t *testing.T) {
	db := opened(t, Config{URL: servers.Postgres(t)})
	f := db.Backend().Feed
	told, commit, late := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	tell := func(id string, before func()) error {
		_, err := change(t.Context(), db, "test", func(ctx context.Context, r runner) (int, error) {
			err := db.tell(ctx, r, store.Change{Kind: store.User, ID: id})
			before()
			return 0, err
		})
		return err
	}
	go func() { late <- tell("late", func() { close(told); <-commit }) }()
	<-told
	if err := tell("early", func() {}); err != nil {
		t.Fatal(err)
	}
	seen := read1(t, f, 0, "early")
	close(commit)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	read1(t, f, seen, "late", "early")
}

func read1(t *testing.T, f store.Feed, after int64, want ...string) (last int64) {
	t.Helper()
	got, err := f.Since(t.Context(), after, 30*time.Second, 10)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range got {
		ids, last = append(ids, c.ID), c.Seq
	}
	if len(ids) != len(want) || ids[0] != want[0] || ids[len(ids)-1] != want[len(want)-1] {
		t.Errorf("Since(%d): %q, want %q", after, ids, want)
	}
	return last
}

// TestRetries: a transaction that others get in the way of is tried again, and
// not for ever.
func TestRetries(t *testing.T) {
	db := opened(t, Config{URL: servers.Postgres(t)})
	for _, c := range []struct {
		name, code string
		fails      int
		tries      int
		want       error
	}{
		{"a deadlock once", "40P01", 1, 2, nil},
		{"a serialization failure often", "40001", mostAttempts - 1, mostAttempts, nil},
		{"for ever", "40001", 1000, mostAttempts, store.ErrUnavailable},
		{"a standby", "25006", 1000, 1, store.ErrUnavailable},
		{"shutting down", "57P01", 1000, 1, store.ErrUnavailable},
		{"a mistake of ours", "42601", 1000, 1, errors.ErrUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			tries := 0
			_, err := change(t.Context(), db, "test", func(context.Context, runner) (int, error) {
				if tries++; tries <= c.fails {
					return 0, errors.Join(&pgconn.PgError{Code: c.code}, errors.ErrUnsupported)
				}
				return 0, nil
			})
			if tries != c.tries || !errors.Is(err, c.want) {
				t.Errorf("%d tries, error %v; want %d, %v", tries, err, c.tries, c.want)
			}
			if c.code == "42601" && errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%v is no outage", err)
			}
		})
	}
}

// TestPoolIsFull: who finds no connection in time is told, and holds nothing up.
func TestPoolIsFull(t *testing.T) {
	db := opened(t, Config{URL: servers.Postgres(t), Conns: 1, Timeout: 200 * time.Millisecond})
	pool := engineOf[*postgresEngine](t, db).pool
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, "Reachable with a full pool", db.Reachable(t.Context()))
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Reachable(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOpenWhileEnding: a session that is opened in a login while that is being ended
// doesn't outlive it; one that comes from it does, and its client is told.
func TestOpenWhileEnding(t *testing.T) {
	db := opened(t, Config{URL: servers.Postgres(t)})
	l := browsers(t, db, 2)
	s := sessionIn(l[0])
	if ended := endWhileOpening(t, db, l[0], l[0], s); len(ended) != 1 || ended[0].ID != s.ID {
		t.Errorf("ended %+v, want %s", ended, s.ID)
	}
	want(t, db, "live", 0, liveOf, "web")

	from := l[1]
	from.ID, from.Cookie, from.Origin = id.NewLogin(), [32]byte{}, l[1].ID
	s = sessionIn(from)
	s.Notify = true
	if ended := endWhileOpening(t, db, l[1], from, s); len(ended) != 0 {
		t.Errorf("ended %+v", ended)
	}
	want(t, db, "live", 1, liveOf, "web")
	want(t, db, "notices", 1, `SELECT count(*) FROM notices WHERE session = $1`, s.ID)
}

// sessionIn is a session in a login.
func sessionIn(l session.Login) session.Session {
	return session.Session{ID: id.NewSession(), Login: l.ID, User: l.User, Client: "web", AuthTime: l.AuthTime, Created: l.AuthTime, Expires: l.Expires}
}

// endWhileOpening ends a login while a session is opened in one.
func endWhileOpening(t *testing.T, db *DB, ends, l session.Login, s session.Session) (ended []session.Ended) {
	t.Helper()
	opening, commit, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		_, err := change(t.Context(), db, "open", func(ctx context.Context, r runner) (int, error) {
			err := ledger{db}.admit(ctx, r, l, s, l.AuthTime)
			close(opening)
			<-commit
			return 0, err
		})
		done <- err
	}()
	<-opening
	go func() {
		var err error
		ended, err = db.Backend().Ledger.End(t.Context(), session.Which{Login: ends.ID}, audit.New(t.Context(), audit.SessionEnded, l.AuthTime))
		done <- err
	}()
	awaitLock(t, db)
	close(commit)
	must(t, errors.Join(<-done, <-done))
	return ended
}

// awaitLock waits until some transaction waits for another.
func awaitLock(t *testing.T, db *DB) {
	t.Helper()
	for waits := 0; waits == 0; {
		var err error
		waits, err = one[int](t.Context(), db.reader(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		must(t, err)
	}
}

// TestOpenMeanwhile: a session that is being opened waits for what changes its user or
// login, and then goes by what they have become.
func TestOpenMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name, change string
		from         bool // the login is new, and comes from the one there
		want         error
	}{
		{"user changed", `UPDATE users SET version = version + 1`, false, session.ErrChanged},
		{"user deleted", `DELETE FROM users`, false, session.ErrNotFound},
		{"login ended", `UPDATE logins SET ended_at = 1`, false, session.ErrNotFound},
		{"login renewed", `UPDATE logins SET auth_time = auth_time + 1`, false, nil},
		{"nothing changed", `UPDATE users SET disabled = TRUE`, false, nil},
		{"origin ended", `UPDATE logins SET ended_at = 1`, true, session.ErrNotFound},
		{"origin renewed", `UPDATE logins SET auth_time = auth_time + 1`, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := opened(t, Config{URL: servers.Postgres(t)})
			l := browsers(t, db, 1)[0]
			l.Proved = 1
			if c.from {
				l.ID, l.Cookie, l.Origin = id.NewLogin(), [32]byte{}, l.ID
			}
			s := sessionIn(l)
			done := make(chan error, 1)
			must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
				_, err := execute(ctx, r, c.change)
				go func() {
					_, err := db.Backend().Ledger.Open(t.Context(), l, s, session.MostSessions, audit.New(t.Context(), audit.LoginSucceeded, l.AuthTime))
					done <- err
				}()
				awaitLock(t, db)
				return err
			}))
			if err := <-done; !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			n := 0
			if c.want == nil {
				n = 1
			}
			want(t, db, "sessions", n, `SELECT count(*) FROM sessions`)
			want(t, db, "events", 1+n, eventsOf, string(audit.LoginSucceeded))
		})
	}
}

// TestOpenPlans: what opens a session at once, and what a logout looks for, reads no whole
// table either, though there are no statistics.
func TestOpenPlans(t *testing.T) {
	db := opened(t, Config{URL: servers.Postgres(t)})
	l, s := session.Login{ID: "l", User: "u"}, session.Session{ID: "s", Login: "l", User: "u"}
	args, err := openArgs(l, s, audit.Event{}, 50)
	must(t, err)
	wantIndexes(t, db, openAtOnce, args...)
	wantIndexes(t, db, openFrom, args...)
	places, ids := among(2, []id.Login{"l"}) // as at every logout
	wantIndexes(t, db, outlivingLogins+places, append([]any{int64(1)}, ids...)...)
	wantIndexes(t, db, outlivingSessions+places, append([]any{int64(1)}, ids...)...)
}

// wantIndexes checks that a statement reads no whole table.
func wantIndexes(t *testing.T, db *DB, query string, args ...any) {
	t.Helper()
	lines, err := all(t.Context(), db.reader(), scanID[string], "EXPLAIN "+query, args...)
	must(t, err)
	for _, line := range lines {
		if strings.Contains(line, "Seq Scan") {
			t.Errorf("reads a whole table:\n%s", strings.Join(lines, "\n"))
		}
	}
}

package sql

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/signet-oidc/signet/issuer/store"
)

// breakable is a DB without a database, whose calls fail as they are told.
func breakable() *DB {
	return &DB{engine: &postgresEngine{}, config: Config{Timeout: defaultTimeout}, breaker: newBreaker()}
}

func (db *DB) try(ctx context.Context, err error) (called bool, _ error) {
	_, got := bounded(ctx, db, "try", func(context.Context) (int, error) {
		called = true
		return 0, err
	})
	return called, got
}

var noAnswer = &net.OpError{Op: "dial", Err: errors.New("connection refused")}

// TestBreaker trips, stays open for a while, probes and closes.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := breakable()
		for i := range tripAfter {
			if called, err := db.try(t.Context(), noAnswer); !called || !errors.Is(err, store.ErrUnavailable) {
				t.Fatalf("call %d: %t, %v", i, called, err)
			}
		}
		if called, err := db.try(t.Context(), nil); called || !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), errOpen.Error()) {
			t.Fatalf("open: %t, %v; want ErrUnavailable at once", called, err)
		}
		time.Sleep(openFor + time.Millisecond)
		if called, _ := db.try(t.Context(), noAnswer); !called {
			t.Fatal("no probe")
		}
		if called, _ := db.try(t.Context(), nil); called {
			t.Fatal("closed by a probe that failed")
		}
		time.Sleep(openFor + time.Millisecond)
		for i := range 2 {
			if called, err := db.try(t.Context(), nil); !called || err != nil {
				t.Fatalf("after the end, call %d: %t, %v", i, called, err)
			}
		}
	})
}

// TestBreakerStaysClosed: nobody is refused for what was answered, or given up.
func TestBreakerStaysClosed(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx context.Context
		err error
	}{
		"read-only":       {t.Context(), &pgconn.PgError{Code: "25006"}},
		"disk full":       {t.Context(), &pgconn.PgError{Code: "53100"}},
		"lock timeout":    {t.Context(), &pgconn.PgError{Code: "55P03"}},
		"conflict":        {t.Context(), &pgconn.PgError{Code: "40001"}},
		"a rule":          {t.Context(), errors.New("no such user")},
		"the caller left": {gone, context.Canceled},
	} {
		db := breakable()
		for range 3 * tripAfter {
			_, _ = db.try(c.ctx, c.err)
		}
		if called, err := db.try(t.Context(), nil); !called || err != nil {
			t.Errorf("%s: %t, %v", name, called, err)
		}
	}
}

// TestBreakerNeedsARow: one answer among many failures is enough.
func TestBreakerNeedsARow(t *testing.T) {
	db := breakable()
	for range 3 {
		for range tripAfter - 1 {
			_, _ = db.try(t.Context(), context.DeadlineExceeded)
		}
		if called, err := db.try(t.Context(), nil); !called || err != nil {
			t.Fatalf("%t, %v", called, err)
		}
	}
}

// TestBreakerSurvivesAPanic, in a probe too.
func TestBreakerSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := breakable()
		for range tripAfter {
			_, _ = db.try(t.Context(), noAnswer)
		}
		time.Sleep(openFor + time.Millisecond)
		func() {
			defer func() { _ = recover() }()
			_, _ = bounded(t.Context(), db, "panic", func(context.Context) (int, error) { panic("here") })
		}()
		time.Sleep(openFor + time.Millisecond)
		if called, err := db.try(t.Context(), nil); !called || err != nil {
			t.Errorf("%t, %v", called, err)
		}
	})
}

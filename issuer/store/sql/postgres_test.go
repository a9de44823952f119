package sql

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/signet-oidc/signet/integration/servers"
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

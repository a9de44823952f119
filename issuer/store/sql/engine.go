package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/signet-oidc/signet/issuer/store"
)

// runner runs statements with $1, $2, … on a connection of a pool, or in a
// transaction.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	name() string
	// reader runs single statements outside any transaction.
	reader() runner
	// transact runs f in a transaction, commits it if f returned nil and rolls it
	// back if not. f may be run with another context than ctx, and by another
	// goroutine, but never after transact has returned.
	transact(ctx context.Context, f func(context.Context, runner) error) error
	// clock is an expression for the database's time in milliseconds.
	clock() string
	// forUpdate ends a SELECT whose rows must not change before the commit.
	forUpdate(table string) string
	classify(err error) class
	// admin opens a connection pool for migrations, which the caller closes.
	admin() (*sql.DB, error)
	// lockMigration lets one process at a time migrate.
	lockMigration(ctx context.Context, admin *sql.DB) (release func(), err error)
	close() error
}

// class is what an error of a driver means to a caller.
type class uint8

const (
	other       class = iota
	unavailable       // unreachable, out of resources, read-only, too slow
	again             // a conflict of transactions: the same may succeed now
	duplicate         // a unique index has it already
)

// errClosed is what calls after Close get.
var errClosed = errors.New("the database is closed")

// mostAttempts is how often a transaction is tried that others get in the way of.
const mostAttempts = 8

// read runs f outside any transaction, bounded by the configured time.
func read[T any](ctx context.Context, db *DB, op string, f func(context.Context, runner) (T, error)) (T, error) {
	return bounded(ctx, db, op, func(ctx context.Context) (T, error) { return f(ctx, db.reader()) })
}

// change runs f in a transaction, bounded by the configured time, and again
// where another transaction got in the way; so f has no other effect than what it
// returns.
func change[T any](ctx context.Context, db *DB, op string, f func(context.Context, runner) (T, error)) (T, error) {
	return bounded(ctx, db, op, func(ctx context.Context) (out T, err error) {
		for attempt := 1; ; attempt++ {
			err := db.transact(ctx, func(ctx context.Context, r runner) (err error) {
				out, err = f(ctx, r)
				return err
			})
			if err == nil || db.classify(err) != again || attempt == mostAttempts || !pause(ctx, attempt) {
				return out, err
			}
		}
	})
}

// bounded runs f within the configured time, unless the breaker is open, and gives its
// error its meaning. Every call of the database goes through it, and none through it
// twice.
func bounded[T any](ctx context.Context, db *DB, op string, f func(context.Context) (T, error)) (out T, err error) {
	err = db.guard(ctx, func() error {
		short, cancel := context.WithTimeout(ctx, db.config.Timeout)
		defer cancel()
		out, err = f(short)
		return err
	})
	if err != nil {
		var none T
		return none, db.failed(ctx, op, err)
	}
	return out, nil
}

// pause waits a little longer each time, with chance so that rivals part.
func pause(ctx context.Context, attempt int) bool {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(attempt) * int64(4*time.Millisecond))))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// failed gives an error its meaning: the caller's own cancellation stays that, all
// that isn't an answer is store.ErrUnavailable, and the rest is wrapped as it is.
func (db *DB) failed(ctx context.Context, op string, err error) error {
	switch {
	case !db.lost(err):
		return fmt.Errorf("%s: %w", op, err)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", op, context.Canceled)
	}
	return fmt.Errorf("%s: %w: %w", op, store.ErrUnavailable, err)
}

// lost tells that an error is no answer of the database to what was asked.
func (db *DB) lost(err error) bool {
	for _, e := range []error{context.Canceled, context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, errClosed, errOpen} {
		if errors.Is(err, e) {
			return true
		}
	}
	c := db.classify(err)
	return c == unavailable || c == again
}

// one returns the only column of the only row.
func one[T any](ctx context.Context, r runner, query string, args ...any) (T, error) {
	var v T
	err := r.QueryRowContext(ctx, query, args...).Scan(&v)
	return v, err
}

// all returns what scan makes of each row.
func all[T any](ctx context.Context, r runner, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err says what there is to say
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// scanner is a row: *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// execute runs a statement and returns how many rows it changed.
func execute(ctx context.Context, r runner, query string, args ...any) (int64, error) {
	res, err := r.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

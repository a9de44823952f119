package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/session"
)

type indices struct{ db *DB }

var _ session.Indices = indices{}

// Lease takes n successive indices, aligned to n so that no block crosses a list
// whatever sizes are asked for.
func (x indices) Lease(ctx context.Context, n int64) (int64, error) {
	if n < 1 || session.ListSize%n != 0 {
		return 0, fmt.Errorf("lease status indices: %d is no divisor of %d", n, session.ListSize)
	}
	return change(ctx, x.db, "lease status indices", func(ctx context.Context, r runner) (int64, error) {
		next, err := one[int64](ctx, r, `UPDATE counters SET value = (value + $1 - 1) / $1 * $1 + $1 WHERE name = 'status' RETURNING value`, n)
		return next - n, err
	})
}

// current is the list that indices are leased from.
func (x indices) current(ctx context.Context) (int64, error) {
	return read(ctx, x.db, "find the current status list", func(ctx context.Context, r runner) (int64, error) {
		next, err := one[int64](ctx, r, `SELECT value FROM counters WHERE name = 'status'`)
		return next / session.ListSize, err
	})
}

// Set yields the indices of ended sessions, list by list. Each list is read whole
// before it is given, so that no connection is held while yield does what it does.
func (x indices) Set(ctx context.Context, since time.Time, yield func(int64) bool) error {
	lists, err := x.Lists(ctx, since)
	if err != nil {
		return err
	}
	for _, n := range lists {
		set, err := read(ctx, x.db, "read a status list", func(ctx context.Context, r runner) ([]int64, error) {
			return all(ctx, r, scanInt, `SELECT status FROM sessions WHERE status >= $1 AND status < $2 AND ended_at IS NOT NULL`,
				n*session.ListSize, (n+1)*session.ListSize)
		})
		if err != nil {
			return err
		}
		for _, index := range set {
			if !yield(index) {
				return nil
			}
		}
	}
	return nil
}

// Lists returns the published lists, in order.
func (x indices) Lists(ctx context.Context, since time.Time) ([]int64, error) {
	current, err := x.current(ctx)
	if err != nil {
		return nil, err
	}
	var lists []int64
	for next := int64(0); ; next++ {
		n, err := x.listFrom(ctx, next)
		if errors.Is(err, sql.ErrNoRows) {
			return lists, nil
		}
		if err != nil {
			return nil, err
		}
		published, err := x.published(ctx, n, since)
		if err != nil {
			return nil, err
		}
		if published || n >= current-1 { // its version must not begin anew: more sessions are to come
			lists = append(lists, n)
		}
		next = n
	}
}

// listFrom is the first list, from a number on, that has any session; or
// sql.ErrNoRows.
func (x indices) listFrom(ctx context.Context, n int64) (int64, error) {
	return read(ctx, x.db, "find a status list", func(ctx context.Context, r runner) (int64, error) {
		status, err := one[int64](ctx, r, `SELECT status FROM sessions WHERE status >= $1 ORDER BY status LIMIT 1`, n*session.ListSize)
		return status / session.ListSize, err
	})
}

// published tells whether a session of a list ends later than since.
func (x indices) published(ctx context.Context, n int64, since time.Time) (bool, error) {
	return read(ctx, x.db, "look at a status list", func(ctx context.Context, r runner) (bool, error) {
		rows, err := all(ctx, r, scanInt, `SELECT status FROM sessions WHERE status >= $1 AND status < $2 AND coalesce(ended_at, expires) > $3 LIMIT 1`,
			n*session.ListSize, (n+1)*session.ListSize, millis(since))
		return len(rows) > 0, err
	})
}

func scanInt(row scanner) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}

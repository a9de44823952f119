package sql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/limit"
)

// limits keeps one theoretical arrival time a key, in microseconds. A key is
// stored as bytes: it may hold what came from outside.
type limits struct{ db *DB }

var _ limit.Store = limits{}

// attempt is one Take in whole microseconds.
type attempt struct{ now, cost, burst int64 }

// retry is how long until the attempt would be allowed after a stored time.
func (a attempt) retry(tat int64) time.Duration {
	return time.Duration(max(tat, a.now)+a.cost-a.now-a.burst) * time.Microsecond
}

// Take looks first: a flood of refused attempts must not queue for the writer.
func (l limits) Take(ctx context.Context, key string, rate limit.Rate, cost int, now time.Time) (limit.Decision, error) {
	every := rate.Interval().Microseconds()
	a := attempt{now: now.UnixMicro(), cost: every * int64(max(cost, 1)), burst: every * int64(rate.Count)}
	d, err := l.look(ctx, key, a)
	if err != nil || !d.Allowed || cost == 0 {
		return d, err
	}
	allowed, err := l.take(ctx, key, a)
	if err != nil || allowed {
		return limit.Decision{Allowed: allowed}, err
	}
	d, err = l.look(ctx, key, a) // others were quicker
	d.Allowed = false
	return d, err
}

func (l limits) look(ctx context.Context, key string, a attempt) (limit.Decision, error) {
	return read(ctx, l.db, "look at a limit", func(ctx context.Context, r runner) (limit.Decision, error) {
		tat, err := one[int64](ctx, r, `SELECT tat FROM limits WHERE name = $1`, []byte(key))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return limit.Decision{}, err
		}
		wait := a.retry(tat)
		return limit.Decision{Allowed: wait <= 0, RetryAfter: max(wait, 0)}, nil
	})
}

func (l limits) take(ctx context.Context, key string, a attempt) (bool, error) {
	return single(ctx, l.db, "take from a limit", func(ctx context.Context, r runner) (bool, error) {
		n, err := execute(ctx, r, `INSERT INTO limits (name, tat) VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT))
			ON CONFLICT (name) DO UPDATE SET tat = CASE WHEN limits.tat > $2 THEN limits.tat ELSE $2 END + $3
			WHERE CASE WHEN limits.tat > $2 THEN limits.tat ELSE $2 END + $3 - $2 <= $4`, []byte(key), a.now, a.cost, a.burst)
		return n == 1, err
	})
}

package limit

import (
	"context"
	"time"
)

// Decision is what a store says to an attempt.
type Decision struct {
	Allowed bool
	// RetryAfter is how long until the next attempt would be allowed; zero when
	// this one was.
	RetryAfter time.Duration
}

// Store counts attempts by the generic cell rate algorithm (GCRA): of each key
// it keeps one time, the theoretical arrival time of the next attempt, in whole
// microseconds. With T = rate.Per/rate.Count, cut to microseconds as now is, and a
// burst of rate.Count:
//
//	tat' = max(stored, now) + cost*T
//	allowed, and tat' stored, if tat' - now <= rate.Count*T
//
// A cost of zero looks without counting (allowed when one more would be). GCRA is
// this rule in Go. Take is atomic. A record may be dropped once its time has passed.
type Store interface {
	Take(ctx context.Context, key string, rate Rate, cost int, now time.Time) (Decision, error)
}

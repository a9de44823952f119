package limit

import "time"

// GCRA is the rule of Store as a pure function of the stored time and now, for
// engines written in Go and as the measure of those that aren't. It returns the
// time to store, and whether to store it: only of an attempt that is counted and
// allowed. stored is zero where there is no record.
func GCRA(stored time.Time, rate Rate, cost int, now time.Time) (tat time.Time, d Decision) {
	now = now.Truncate(time.Microsecond)
	if tat = stored; tat.Before(now) {
		tat = now
	}
	step := rate.Interval().Truncate(time.Microsecond)
	next := tat.Add(time.Duration(max(cost, 1)) * step)
	if wait := next.Sub(now) - time.Duration(rate.Count)*step; wait > 0 {
		return stored, Decision{RetryAfter: wait}
	}
	if cost == 0 {
		return stored, Decision{Allowed: true}
	}
	return next, Decision{Allowed: true}
}

package verifier

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// flight is one fetch that any number of callers wait for.
type flight struct {
	done chan struct{}
	err  error // readable once done is closed
}

// flights lets one fetch be under way at a time.
type flights struct {
	mu      sync.Mutex
	current *flight
}

// join returns the fetch under way. If there is none and may says so, it starts
// one, in a goroutine of its own so that no caller's context ends it for others.
func (f *flights) join(may func() bool, fetch func() error) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != nil || !may() {
		return f.current
	}
	fl := &flight{done: make(chan struct{})}
	f.current = fl
	go func() {
		fl.err = fetch()
		f.mu.Lock()
		f.current = nil
		f.mu.Unlock()
		close(fl.done)
	}()
	return fl
}

// wait waits for the fetch, but no longer than ctx or limit. It says whether the
// fetch ended, and how.
func (fl *flight) wait(ctx context.Context, limit time.Duration) (ended bool, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-fl.done:
		return true, fl.err
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer.C:
		return false, nil
	}
}

func always() bool { return true }

// backOff is how long to wait after failures in a row: from first, doubling, to last.
func backOff(failures int, first, last time.Duration) time.Duration {
	d := first << min(failures-1, 16)
	if d > last || d <= 0 {
		d = last
	}
	return jitter(d)
}

// jitter shortens d by up to a tenth, so that a fleet started at once spreads.
func jitter(d time.Duration) time.Duration {
	return d - rand.N(d/10+1)
}

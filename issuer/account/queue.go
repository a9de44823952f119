package account

import (
	"context"
	"fmt"
	"time"
)

// tryAcquire takes a slot if one is free now. It never overtakes: while anybody
// waits the slots are full, because a slot given back goes to who waits first.
func (h *Hasher) tryAcquire() bool {
	select {
	case h.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// acquire takes a slot, and waits for it if need be: a turn of its own, nine
// tenths of the deadline (the rest is for the answer), or ctx.
func (h *Hasher) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return gone(err)
	}
	if h.tryAcquire() {
		h.waited(0)
		return nil
	}
	place := h.waiting.Add(1)
	patience := h.deadline / 10 * 9
	if place <= h.queue && h.soonest(place) <= patience {
		defer h.waiting.Add(-1)
		return h.await(ctx, patience)
	}
	h.waiting.Add(-1)
	if place > h.queue {
		return h.refuse()
	}
	return h.hold(ctx)
}

// hold refuses who can't be served in time, after half the deadline. Told at once,
// those who come back immediately, as floods do, would take more of the machine than
// the pool may: of 64 at once each came back 15 times a second, and refreshes took
// 8 times as long. No more are held than may wait; the others are told at once.
func (h *Hasher) hold(ctx context.Context) error {
	defer h.held.Add(-1)
	if h.held.Add(1) > h.queue {
		return h.refuse()
	}
	timer := time.NewTimer(h.deadline / 2)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return gone(ctx.Err())
	case <-timer.C:
		return h.refuse()
	}
}

func (h *Hasher) await(ctx context.Context, patience time.Duration) error {
	start := time.Now()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return gone(ctx.Err())
	case <-timer.C:
		return h.refuse()
	case h.slots <- struct{}{}:
	}
	// When both were ready the choice was by chance.
	if err := ctx.Err(); err != nil {
		<-h.slots
		return gone(err)
	}
	h.waited(time.Since(start))
	return nil
}

// release gives the slot back, and learns from how long it was held.
func (h *Hasher) release(since time.Time) {
	took := int64(time.Since(since))
	if old := h.mean.Load(); old != 0 {
		took = old + (took-old)/8 // of two at once one may be lost: it is an estimate
	}
	h.mean.Store(took)
	<-h.slots
}

// soonest is the shortest wait of who is at a place of the queue, as far as is
// known. Who can't be served in time takes no place in the queue.
func (h *Hasher) soonest(place int64) time.Duration {
	return time.Duration((place - 1) * h.mean.Load() / int64(cap(h.slots)))
}

// refuse counts a refusal. After one deadline everybody who waits now has been
// served or refused.
func (h *Hasher) refuse() error {
	h.rejected.Add(1)
	return &BusyError{RetryAfter: h.deadline}
}

func gone(err error) error { return fmt.Errorf("wait for the password pool: %w", err) }

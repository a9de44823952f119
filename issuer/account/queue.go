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
	defer h.waiting.Add(-1)
	patience := h.deadline / 10 * 9
	if place > h.queue || h.soonest(place) > patience {
		return h.refuse()
	}
	return h.await(ctx, patience)
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
// known. Who can't be served in time is told at once: that is kinder than to be
// told later, and costs a slot in the queue to nobody.
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

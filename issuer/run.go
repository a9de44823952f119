package issuer

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

// loop is one thing that is done again and again in the background.
type loop struct {
	name  string
	every time.Duration
	step  func(context.Context) error
	ahead nudge // does the next step at once; nil: nothing does
}

// stepTimeout bounds one step of a loop: one that hangs must not stop it for good.
const stepTimeout = 30 * time.Second

func (i *Issuer) loops() []loop {
	return []loop{
		{name: "feed", every: time.Second, step: i.follow.look},
		{name: "heal", every: time.Second, step: i.heal},
		{name: "clock", every: 10 * time.Second, step: i.compareClock},
		{name: "notices", every: time.Second, step: i.notifier.Tell, ahead: i.ended},
		{name: "settle", every: 30 * time.Second, step: i.sessions.Settle},
		{name: "lists", every: time.Minute, step: i.keepLists},
		{name: "sweep", every: 10 * time.Minute, step: i.sweep},
	}
}

// Run runs the loops until ctx ends. A step that fails is logged and tried again
// at its time: readiness says what that means for requests.
func (i *Issuer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return i.keeper.Run(ctx) })
	for _, l := range i.loops() {
		g.Go(func() error { return i.repeat(ctx, l) })
	}
	err := g.Wait()
	i.notifier.Close() // it makes calls
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (i *Issuer) repeat(ctx context.Context, l loop) error {
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	failing := false
	for {
		err := i.once(ctx, l)
		if err != nil && ctx.Err() == nil {
			i.metrics.Failures.WithLabelValues(l.name).Inc()
			if !failing { // once, not every second of an outage
				i.log.Error().Err(err).Str("loop", l.name).Msg("a background step failed; it is tried again")
			}
		} else if failing && ctx.Err() == nil {
			i.log.Info().Str("loop", l.name).Msg("the background step works again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case <-l.ahead:
		}
	}
}

func (i *Issuer) once(ctx context.Context, l loop) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	return l.step(ctx)
}

// compareClock tells the keeper how far this machine's clock is off the database's. One
// that is off too far is an error: for the log, as readiness says it too.
func (i *Issuer) compareClock(ctx context.Context) error {
	before := i.now()
	there, err := i.backend.Clock.DatabaseTime(ctx)
	if err != nil {
		return err
	}
	after := i.now()
	i.keeper.ObserveClock(before.Add(after.Sub(before) / 2).Sub(there))
	return i.keeper.Ring().Clock()
}

// sweep drops what nobody needs any more.
func (i *Issuer) sweep(ctx context.Context) error {
	if i.backend.Sweep == nil {
		return nil
	}
	return i.backend.Sweep(ctx, i.now())
}

package keys

import (
	"context"
	"strconv"
	"time"
)

// Run reloads the ring every second and takes the steps that are due, until the context ends, whose error it returns.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(k.poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			k.beat(ctx)
		}
	}
}

// beat is one turn of Run. A ring that couldn't be read is no ground for a step.
func (k *Keeper) beat(ctx context.Context) {
	if err := k.Reload(ctx); err != nil {
		k.failed("reload", err)
		return
	}
	if _, err := k.Step(ctx); err != nil {
		k.failed("step", err)
	}
}

func (k *Keeper) failed(op string, err error) {
	if k.hooks.Failed != nil {
		k.hooks.Failed(op, err)
	}
}

// Step makes the one move that is due by itself, if any: a rotation, or the wiping of what is over. It reports whether
// there was one. Of many replicas one makes it; the others find that it is done.
func (k *Keeper) Step(ctx context.Context) (bool, error) {
	r, now := k.Ring(), k.now()
	if k.visit || r == nil || r.age(now) > FreshFor {
		return false, nil
	}
	p := k.nextPlan(r.doc, now)
	if p == nil {
		return false, nil // by the snapshot there is nothing to do, and the store isn't asked
	}
	done := false
	err := k.change(ctx, func(d *document, now time.Time, m *maker) (*Change, error) {
		c, err := p(d, now, m)
		done = c != nil
		return c, err
	})
	return done && err == nil, err
}

// nextPlan returns what is due by itself, or nil.
func (k *Keeper) nextPlan(d *document, now time.Time) plan {
	for _, alg := range k.policy.Algs {
		if d.due(alg, k.policy.RotateEvery, now) {
			return k.planDue
		}
	}
	if d.dusty(now) {
		return k.planSweep
	}
	return nil
}

// planDue rotates the first algorithm whose time has come.
func (k *Keeper) planDue(d *document, now time.Time, m *maker) (*Change, error) {
	for _, alg := range k.policy.Algs {
		if d.due(alg, k.policy.RotateEvery, now) {
			_, c, err := d.rotate(RotateRequest{Alg: alg, Actor: SystemActor, Reason: "scheduled"}, now, m)
			return c, err
		}
	}
	return nil, nil
}

// planSweep wipes and forgets what is over.
func (k *Keeper) planSweep(d *document, now time.Time, _ *maker) (*Change, error) {
	wiped, forgotten := d.sweep(now)
	if len(wiped)+len(forgotten) == 0 {
		return nil, nil
	}
	return &Change{
		Kind: Swept, Actor: SystemActor, KIDs: append(wiped, forgotten...),
		Detail: map[string]string{"wiped": strconv.Itoa(len(wiped)), "forgotten": strconv.Itoa(len(forgotten))},
	}, nil
}

package keys

import (
	"context"
	"slices"
	"strings"
	"time"
)

// planCreate makes the first ring. It was never served, so that its keys sign at once.
func (k *Keeper) planCreate(d *document, now time.Time, m *maker) (*Change, error) {
	if len(d.Keys) > 0 {
		return nil, nil // another replica was first; current has read it, and Open reloads
	}
	d.Marks, d.Algs = k.policy.marks(), slices.Clone(k.policy.Algs)
	c := &Change{Kind: Created, Actor: SystemActor}
	for _, alg := range k.policy.Algs {
		first, standby := m.take(alg, now), m.take(alg, now)
		first.Activate, first.AtOnce = now, true
		d.Keys = append(d.Keys, first, standby)
		c.KIDs = append(c.KIDs, first.KID, standby.KID)
	}
	d.advanceRefresh(k.seal, now)
	return c, nil
}

// reconcile fits the ring to the policy, one write for all of it.
func (k *Keeper) reconcile(ctx context.Context) error {
	if err := k.Reload(ctx); err != nil {
		return err
	}
	for _, p := range []plan{k.planRaise, k.planAdd, k.planDrop} {
		if err := k.change(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// planRaise takes in what this replica is going to promise, before it promises it.
func (k *Keeper) planRaise(d *document, now time.Time, _ *maker) (*Change, error) {
	if !d.raiseMarks(k.policy.marks(), now) {
		return nil, nil
	}
	return &Change{Kind: Raised, Actor: SystemActor, Detail: map[string]string{
		"token": time.Duration(d.Marks.Token).String(), "max_age": time.Duration(d.Marks.MaxAge).String(),
		"session": time.Duration(d.Marks.Session).String(),
	}}, nil
}

// planAdd gives each algorithm that came both its keys. They are published at once and sign after the publish wait.
func (k *Keeper) planAdd(d *document, now time.Time, m *maker) (*Change, error) {
	c := &Change{Kind: Added, Actor: SystemActor, Detail: map[string]string{}}
	var added []string
	for _, alg := range k.policy.Algs {
		if d.live(alg) {
			continue
		}
		first, standby := m.take(alg, now), m.take(alg, now)
		first.Activate = first.knownAt(d.Marks)
		c.Detail["activate"] = first.Activate.Format(time.RFC3339)
		d.Keys = append(d.Keys, first, standby)
		c.KIDs = append(c.KIDs, first.KID, standby.KID)
		added = append(added, string(alg))
	}
	if len(added) == 0 {
		return nil, nil
	}
	d.Algs = d.liveAlgs(k.policy.Algs)
	c.Detail["algs"] = strings.Join(added, ",")
	return c, nil
}

// planDrop ends each algorithm that the settings no longer name.
//
// It is done at a start, never by a running replica: while a deployment rolls, the old replicas would otherwise take out
// what the new ones have just brought.
func (k *Keeper) planDrop(d *document, now time.Time, _ *maker) (*Change, error) {
	c := &Change{Kind: Dropped, Actor: SystemActor, Detail: map[string]string{}}
	var dropped []string
	for _, alg := range Algorithms() {
		if slices.Contains(k.policy.Algs, alg) || !d.live(alg) {
			continue
		}
		l := d.lane(alg)
		c.KIDs = append(c.KIDs, l.current.KID)
		d.drop(alg, k.policy.Algs, now)
		dropped = append(dropped, string(alg))
	}
	if len(dropped) == 0 {
		return nil, nil
	}
	d.Algs = d.liveAlgs(k.policy.Algs)
	c.Detail["algs"] = strings.Join(dropped, ",")
	return c, nil
}

// liveAlgs lists the algorithms with a line, in the order of the settings; those that they don't name come last.
func (d *document) liveAlgs(order []Algorithm) []Algorithm {
	var out []Algorithm
	for _, alg := range slices.Concat(order, d.Algs) {
		if d.live(alg) && !slices.Contains(out, alg) {
			out = append(out, alg)
		}
	}
	return out
}

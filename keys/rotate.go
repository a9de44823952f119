package keys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RotateRequest asks for a rotation.
type RotateRequest struct {
	Alg    Algorithm // empty: all of the ring
	Force  bool      // also where some verifier can't know the next key yet
	DryRun bool      // compute the timeline and change nothing
	Reason string
	Actor  string // who asks: "admin:usr_…", "cli:root"
}

// Timeline says what a rotation does, or would do.
type Timeline struct {
	At     time.Time    `json:"at"`
	DryRun bool         `json:"dry_run,omitempty"`
	Steps  []RotateStep `json:"keys"`
}

// RotateStep is one algorithm's part of a Timeline.
type RotateStep struct {
	Alg      Algorithm `json:"alg"`
	KID      string    `json:"kid"`                // signs from Activate on
	Activate time.Time `json:"activate"`           //
	Old      string    `json:"retires,omitempty"`  // signs until then
	Remove   time.Time `json:"remove,omitzero"`    // and is published until then
	Standby  string    `json:"standby,omitempty"`  // made by the same write; empty in a dry run
	NextSafe time.Time `json:"next_safe,omitzero"` // from when on the next rotation needs no force
	// Forced: verifiers may not know the new key until Known, and refuse what it signs.
	Forced bool      `json:"forced,omitempty"`
	Known  time.Time `json:"known,omitzero"`
}

// errDryRun ends a plan without a write.
var errDryRun = errors.New("dry run")

// Rotate lets the standby of one algorithm, or of all, sign from two polls ahead, and makes and publishes the next
// standby in the same write. It is all or nothing. A *TooEarlyError tells from when on it would be safe.
func (k *Keeper) Rotate(ctx context.Context, q RotateRequest) (Timeline, error) {
	var t Timeline
	err := k.change(ctx, func(d *document, now time.Time, m *maker) (c *Change, err error) {
		t, c, err = d.rotate(q, now, m)
		return c, err
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	if err != nil {
		return Timeline{}, fmt.Errorf("rotate: %w", err)
	}
	return t, nil
}

// rotate is Rotate's plan.
func (d *document) rotate(q RotateRequest, now time.Time, m *maker) (Timeline, *Change, error) {
	rotations, err := d.rotations(q, now)
	if err != nil {
		return Timeline{}, nil, err
	}
	t := Timeline{At: now, DryRun: q.DryRun}
	c := &Change{Kind: Rotated, Actor: q.Actor, Reason: q.Reason, Detail: map[string]string{}}
	var standbys []record // appended at the end: rotations point into d.Keys
	for _, r := range rotations {
		s := d.rotateOne(r, now)
		if !r.hasten && !q.DryRun {
			standby := m.take(r.alg, now)
			s.Standby = standby.KID
			standbys = append(standbys, standby)
		}
		t.Steps = append(t.Steps, s)
		c.KIDs = append(c.KIDs, s.kids()...)
		c.Detail["activate"] = s.Activate.Format(time.RFC3339Nano)
		if s.Forced {
			c.Detail["forced"] = "true"
		}
	}
	d.Keys = append(d.Keys, standbys...)
	if q.DryRun {
		return t, nil, errDryRun
	}
	return t, c, nil
}

// rotations plans all that were asked for, and refuses if one of them is too early: with the time when all are safe.
func (d *document) rotations(q RotateRequest, now time.Time) ([]rotation, error) {
	algs := []Algorithm{q.Alg}
	if q.Alg == "" {
		algs = d.Algs
	}
	var (
		out   []rotation
		early error
		safe  time.Time
	)
	for _, alg := range algs {
		r, err := d.planRotation(alg, now)
		if err != nil {
			return nil, err
		}
		if r.hasten && q.Alg == "" && !q.Force {
			continue // nothing of it signs yet that could be rotated
		}
		if err := r.tooEarly(now); err != nil && r.safe.After(safe) {
			early, safe = err, r.safe
		}
		out = append(out, r)
	}
	if early != nil && !q.Force {
		return nil, early
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: of any algorithm", ErrNoKey)
	}
	return out, nil
}

// rotateOne applies one rotation and describes it.
func (d *document) rotateOne(r rotation, now time.Time) RotateStep {
	forced := r.tooEarly(now) != nil
	r.apply(d.Marks)
	s := RotateStep{Alg: r.alg, KID: r.next.KID, Activate: r.at, Forced: forced}
	if r.old != nil {
		s.Old, s.Remove = r.old.KID, r.old.Remove
	}
	if forced {
		s.Known = r.next.knownAt(d.Marks)
	}
	s.NextSafe = now.Add(d.Marks.publishWait())
	return s
}

func (s RotateStep) kids() []string {
	var out []string
	for _, kid := range []string{s.KID, s.Old, s.Standby} {
		if kid != "" {
			out = append(out, kid)
		}
	}
	return out
}

package keys

import (
	"fmt"
	"time"
)

// This file is the rotation policy: pure functions of records and a time. Nothing here reads a clock, makes a key or
// touches a store.

// publishWait is how long a key is published before it may sign, so that no verifier can still hold a key set without
// it. A verifier may have fetched the set from a replica that hadn't read the new ring for as long as its answers may be
// cached (FreshFor), and keep it for the whole max-age; Poll covers the write and the answer on their way; the writer's
// clock may be behind by one Leeway and the signer's ahead by another.
//
// It is at least max-age + poll + leeway.
func (m marks) publishWait() time.Duration {
	return time.Duration(m.MaxAge) + FreshFor + Poll + 2*Leeway
}

// retain is how long a key stays published after it was to sign last. A replica cut off from the store goes on signing
// with it until its ring is StaleFor old; the token then lives as long as tokens do, by the signer's clock, and a verifier
// grants it its own leeway. Writer, signer, verifier and the replica that takes the key out may each be off by a Leeway.
// The max-age is in it for caches between issuer and verifier.
//
// It is at least longest token + 10 min + leeway.
func (m marks) retain() time.Duration {
	return time.Duration(m.Token) + StaleFor + time.Duration(m.MaxAge) + 4*Leeway + VerifierLeeway
}

// raise returns the higher of each mark.
func (m marks) raise(o marks) marks {
	return marks{Token: max(m.Token, o.Token), MaxAge: max(m.MaxAge, o.MaxAge), Session: max(m.Session, o.Session)}
}

// State is what a key is at a moment.
type State string

// The states of a key.
const (
	Standby State = "standby" // published, not signing
	Pending State = "pending" // published, and the time from which it signs is set
	Active  State = "active"  // published and signing
	Retired State = "retired" // published, not signing any more
	Removed State = "removed" // not published; its public part is kept for id_token_hint
	Revoked State = "revoked" // trusted for nothing
)

// state computes what the key is at a time.
func (r *record) state(now time.Time) State {
	switch {
	case !r.Revoked.IsZero():
		return Revoked
	case passed(r.Remove, now):
		return Removed
	case passed(r.Retire, now):
		return Retired
	case r.AtOnce, passed(r.Activate, now):
		return Active
	case !r.Activate.IsZero():
		return Pending
	}
	return Standby
}

// passed reports whether a time that may be unset has come.
func passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// published reports whether the key is in the JWKS at a time.
func (r *record) published(now time.Time) bool {
	return r.Revoked.IsZero() && !passed(r.Remove, now)
}

// isStandby: it waits behind the current key of its algorithm, with no time set.
func (r *record) isStandby() bool {
	return r.Revoked.IsZero() && r.Activate.IsZero() && r.Retire.IsZero()
}

// isCurrent: it is the last of its algorithm that signs or will sign, with no end set.
func (r *record) isCurrent() bool {
	return r.Revoked.IsZero() && !r.Activate.IsZero() && r.Retire.IsZero()
}

// signs reports whether the key may be the signer of its algorithm at a time. Of several the one that was activated last
// is.
func (r *record) signs(now time.Time) bool { return r.state(now) == Active }

// knownAt is when the last verifier knows the key.
func (r *record) knownAt(m marks) time.Time { return r.Created.Add(m.publishWait()) }

// end sets when the key stops signing and when it leaves the JWKS.
func (r *record) end(at time.Time, m marks) {
	r.Retire, r.Remove = at, at.Add(m.retain())
}

// forgetAt is when the record itself may go: the public part of a removed key is kept for as long as a session may still
// present an ID token of it; a revoked one as a memory that it mustn't come back by import. Zero: not yet known.
func (r *record) forgetAt(m marks) time.Time {
	switch {
	case !r.Revoked.IsZero():
		return r.Revoked.Add(max(revokedMemory, time.Duration(m.Session)))
	case !r.Remove.IsZero():
		return r.Remove.Add(time.Duration(m.Session))
	}
	return time.Time{}
}

// revokedMemory is how long a revoked key's record is kept at least.
const revokedMemory = 366 * 24 * time.Hour

// forgetAt is when a refresh key's record may go: no session that it minted a token for is alive any more. A clock may be
// off to both sides.
func (r *refreshRecord) forgetAt(m marks) time.Time {
	switch {
	case !r.Revoked.IsZero():
		return r.Revoked.Add(time.Duration(m.Session))
	case !r.Superseded.IsZero():
		return r.Superseded.Add(time.Duration(m.Session) + StaleFor + 2*Leeway)
	}
	return time.Time{}
}

// lane is one algorithm's line of keys. Its pointers reach into the document.
type lane struct {
	alg     Algorithm
	current *record // the last that signs or will; nil where the algorithm was dropped
	standby *record
}

func (d *document) lane(alg Algorithm) lane {
	l := lane{alg: alg}
	for i := range d.Keys {
		switch r := &d.Keys[i]; {
		case r.Alg != alg:
		case r.isStandby():
			l.standby = r
		case r.isCurrent():
			l.current = r
		}
	}
	return l
}

// signer returns the key of an algorithm that signs at a time, or nil.
func (d *document) signer(alg Algorithm, now time.Time) *record {
	var best *record
	for i := range d.Keys {
		r := &d.Keys[i]
		if r.Alg == alg && r.signs(now) && (best == nil || r.Activate.After(best.Activate)) {
			best = r
		}
	}
	return best
}

// live reports whether the ring signs, or will, with an algorithm.
func (d *document) live(alg Algorithm) bool { return d.lane(alg).current != nil }

// rotation is the move that ends one key and lets the next one sign. Its times are all it decides; the caller adds the new
// standby.
type rotation struct {
	alg    Algorithm
	old    *record // nil where nothing signed before
	next   *record
	at     time.Time
	safe   time.Time // from when on it needs no force
	hasten bool      // next was to sign anyhow, later: the standby stays
}

// planRotation computes the rotation of one algorithm.
func (d *document) planRotation(alg Algorithm, now time.Time) (rotation, error) {
	l := d.lane(alg)
	if l.current == nil || l.standby == nil {
		return rotation{}, fmt.Errorf("%w: %.20q", ErrAlgorithm, alg)
	}
	at := now.Add(ActivateAhead)
	if l.current.state(now) == Pending && l.current.Activate.After(at) {
		// A key that waits to become known (an algorithm added, a key imported) is next; there is no other to rotate to.
		return rotation{alg, d.predecessor(l.current), l.current, at, l.current.Activate, true}, nil
	}
	// The clock may have gone back, or another replica's may be ahead.
	at = later(at, l.current.Activate)
	return rotation{alg, l.current, l.standby, at, l.standby.knownAt(d.Marks), false}, nil
}

// predecessor returns the key that ends when r begins, or nil.
func (d *document) predecessor(r *record) *record {
	for i := range d.Keys {
		p := &d.Keys[i]
		if p != r && p.Alg == r.Alg && p.Revoked.IsZero() && p.Retire.Equal(r.Activate) {
			return p
		}
	}
	return nil
}

// tooEarly returns the refusal that the rotation deserves at a time, or nil.
func (r rotation) tooEarly(now time.Time) error {
	if now.Before(r.safe) {
		return &TooEarlyError{Alg: r.alg, KID: r.next.KID, Safe: r.safe}
	}
	return nil
}

// apply sets the times.
func (r rotation) apply(m marks) {
	if r.old != nil {
		r.old.end(r.at, m)
	}
	r.next.Activate = r.at
}

// due reports whether a rotation is due by itself: the active key has signed for as long as it should, and every
// verifier knows the next one.
func (d *document) due(alg Algorithm, every time.Duration, now time.Time) bool {
	l := d.lane(alg)
	if every < 0 || l.current == nil || l.standby == nil {
		return false
	}
	return passed(d.dueAt(l, every), now)
}

// dueAt is when the lane rotates by itself.
func (d *document) dueAt(l lane, every time.Duration) time.Time {
	return later(l.current.Activate.Add(every), l.standby.knownAt(d.Marks))
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// succession is what a revocation does to the rest of the key's line.
type succession struct {
	next     *record // the key that signs in its stead; nil where nothing changes
	restored bool    // next is the old key, which goes on: the revoked one hadn't signed yet
	supply   bool    // a new standby must be made in the same write
}

// revoke takes a key out and lets its line go on. The record stays, as revoked.
func (d *document) revoke(r *record, now time.Time) succession {
	l, state := d.lane(r.Alg), r.state(now)
	wasStandby, wasCurrent := l.standby == r, l.current == r
	r.Revoked, r.Private = now, ""
	switch {
	case wasStandby:
		return succession{supply: true}
	case state == Active:
		return d.succeed(r, l, now)
	case wasCurrent:
		return d.unschedule(l)
	}
	return succession{}
}

// succeed puts the key that verifiers have known longest in the place of an active one that was revoked.
func (d *document) succeed(revoked *record, l lane, now time.Time) succession {
	d.cutShort(revoked.Alg, now)
	next, pending := l.standby, (*record)(nil)
	if l.current != nil && l.current != revoked {
		pending = l.current // a rotation under way, or a key that waits to become known
	}
	if pending != nil && (next == nil || !next.Created.Before(pending.Created)) {
		next, pending = pending, nil
	}
	if next == nil { // the algorithm was dropped: nobody signs in its stead
		return succession{}
	}
	supply := next == l.standby
	next.AtOnce, next.Activate = true, now
	if pending != nil {
		pending.Activate = later(pending.Activate, now)
		next.end(pending.Activate, d.Marks)
	}
	return succession{next: next, supply: supply}
}

// cutShort ends whatever a replica with a slow clock might still take for active.
func (d *document) cutShort(alg Algorithm, now time.Time) {
	for i := range d.Keys {
		if r := &d.Keys[i]; r.Alg == alg && r.Retire.After(now) && r.Revoked.IsZero() {
			r.Retire = now
		}
	}
}

// unschedule undoes the rotation to a key that was revoked before it signed: the old one goes on. Where there is none
// (an algorithm that was just added) the standby takes the place, when verifiers know it.
func (d *document) unschedule(l lane) succession {
	if old := d.predecessor(l.current); old != nil {
		old.Retire, old.Remove = time.Time{}, time.Time{}
		return succession{next: old, restored: true}
	}
	if l.standby == nil {
		return succession{}
	}
	l.standby.Activate = later(l.current.Activate, l.standby.knownAt(d.Marks))
	return succession{next: l.standby, supply: true}
}

// raiseMarks takes higher settings in, and lengthens what is already retired by them. It reports whether anything
// changed.
func (d *document) raiseMarks(m marks, now time.Time) bool {
	raised := d.Marks.raise(m)
	if raised == d.Marks {
		return false
	}
	d.Marks = raised
	for i := range d.Keys {
		r := &d.Keys[i]
		if !r.Retire.IsZero() && r.published(now) {
			r.Remove = later(r.Remove, r.Retire.Add(raised.retain()))
		}
	}
	return true
}

// drop ends an algorithm: its key stops signing two polls ahead, or when the first of those that stay signs, and stays
// published as any retired one; the standby goes at once, since it never signed.
func (d *document) drop(alg Algorithm, staying []Algorithm, now time.Time) {
	l := d.lane(alg)
	if l.current != nil {
		at := later(now.Add(ActivateAhead), l.current.Activate)
		l.current.end(later(at, d.relief(staying, now)), d.Marks)
	}
	if l.standby != nil {
		l.standby.Retire, l.standby.Remove = now, now
	}
}

// relief is when the first of some algorithms signs: where all that stay were just added, the one that goes is needed
// until then, or nothing would sign. Zero: one does already.
func (d *document) relief(algs []Algorithm, now time.Time) (first time.Time) {
	for _, alg := range algs {
		if d.signer(alg, now) != nil {
			return time.Time{}
		}
		if l := d.lane(alg); l.current != nil && (first.IsZero() || l.current.Activate.Before(first)) {
			first = l.current.Activate
		}
	}
	return first
}

// dusty reports whether sweep would find something.
func (d *document) dusty(now time.Time) bool {
	for i := range d.Keys {
		r := &d.Keys[i]
		if passed(r.Remove, now) && r.Private != "" || passed(r.forgetAt(d.Marks), now) {
			return true
		}
	}
	for i := range d.Refresh {
		if passed(d.Refresh[i].forgetAt(d.Marks), now) {
			return true
		}
	}
	return false
}

// sweep wipes private parts that can't sign any more and forgets records whose time is over. It reports the kids that it
// touched.
func (d *document) sweep(now time.Time) (wiped, forgotten []string) {
	kept := d.Keys[:0:0]
	for _, r := range d.Keys {
		if passed(r.forgetAt(d.Marks), now) {
			forgotten = append(forgotten, r.KID)
			continue
		}
		if passed(r.Remove, now) && r.Private != "" {
			r.Private = ""
			wiped = append(wiped, r.KID)
		}
		kept = append(kept, r)
	}
	d.Keys = kept
	return wiped, append(forgotten, d.sweepRefresh(now)...)
}

func (d *document) sweepRefresh(now time.Time) (forgotten []string) {
	kept := d.Refresh[:0:0]
	for _, r := range d.Refresh {
		if passed(r.forgetAt(d.Marks), now) {
			forgotten = append(forgotten, refreshName(r.ID))
			continue
		}
		kept = append(kept, r)
	}
	d.Refresh = kept
	return forgotten
}

package rotate

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/keys"
)

const (
	look     = 300 * time.Millisecond // between two looks at the keys
	warmUp   = 5 * time.Second        // of load before anything happens
	absence  = 5 * time.Second        // between a replica's death and its successor
	margin   = 3 * time.Second        // in which a key that signs has signed, and in which one that is due is left alone
	maxFails = 20                     // looks in a row that may fail
)

// story is what happened so far.
type story struct {
	began   time.Time
	first   map[string]bool // kids that signed when it began
	rotated map[keys.Algorithm]int
	refused int // rotations by hand that were too early
	byHand  int
	killed  time.Time
	added   time.Time
	revoked keys.RevokeResult
	took    time.Duration
	signed  []string // kids that had signed for a while when it ended
}

func (s *story) rotations() (n int) {
	for _, of := range s.rotated {
		n += of
	}
	return n
}

// String is the table's first lines.
func (s *story) String() string {
	var each []string
	for _, alg := range slices.Sorted(maps.Keys(s.rotated)) {
		each = append(each, fmt.Sprintf("%s %d", alg, s.rotated[alg]))
	}
	return fmt.Sprintf("%d rotations in %s (%s), %d of them by hand; %d by hand refused as too early; key revoked: %s of %s; replicas: 3, 1 killed, 1 added",
		s.rotations(), s.took.Round(time.Second), strings.Join(each, ", "), s.byHand, s.refused, s.revoked.Was, s.revoked.Alg)
}

// play runs the script: load, and what happens under it.
func (r *rig) play() *story {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), r.plan.Limit)
	defer cancel()
	s := &story{began: time.Now(), first: map[string]bool{}, rotated: map[keys.Algorithm]int{}}
	defer r.load()()
	for _, k := range r.keys(ctx) {
		s.first[k.KID] = k.State == keys.Active
	}
	for !s.over(r.plan) {
		if !pause(ctx, look) {
			r.t.Fatalf("the run isn't over after %s: %s", r.plan.Limit, s)
		}
		r.next(ctx, s)
	}
	// What was cached meanwhile is let go, and asked for anew.
	pause(ctx, r.plan.MaxAge+5*time.Second+margin)
	r.end(ctx, s)
	return s
}

// end counts what rotated meanwhile too.
func (r *rig) end(ctx context.Context, s *story) {
	r.t.Helper()
	list := r.keys(ctx)
	r.count(s, list)
	s.took = time.Since(s.began)
	for _, k := range list {
		if !k.Activate.IsZero() && time.Since(k.Activate) > margin {
			s.signed = append(s.signed, k.KID)
		}
	}
}

func (s *story) over(p Plan) bool {
	return s.rotations() >= p.Rotations && !s.added.IsZero() && s.revoked.KID != ""
}

// next looks at the keys and does what is due.
func (r *rig) next(ctx context.Context, s *story) {
	r.t.Helper()
	list := r.keys(ctx)
	r.count(s, list)
	n, now := s.rotations(), time.Now()
	if s.killed.IsZero() && n >= r.plan.KillAfter && now.Sub(s.began) > warmUp {
		r.say("kill -9 of a replica")
		r.replicas[0].Kill()
		s.killed = time.Now()
	}
	if !s.killed.IsZero() && s.added.IsZero() && now.Sub(s.killed) > absence {
		r.addReplica()
		s.added = time.Now()
		r.say("a replica added")
	}
	if s.revoked.KID == "" && n >= r.plan.RevokeAfter {
		r.revoke(ctx, s, list)
	}
	if r.plan.ByHand && s.byHand < r.plan.Rotations {
		r.rotate(ctx, s)
	}
}

// keys asks for the list; a replica or the proxy may be in trouble just now.
func (r *rig) keys(ctx context.Context) []keys.Info {
	r.t.Helper()
	for fails := 0; ; fails++ {
		list, err := r.operator.list(ctx)
		if err == nil {
			return list
		}
		if fails == maxFails || !pause(ctx, look) {
			r.t.Fatalf("list the keys: %v", err)
		}
		r.operator.forget() // the token's own key may have been revoked
	}
}

// count takes every key that began to sign for a rotation, but for those that
// signed from the start and the one that took a revoked one's place.
func (r *rig) count(s *story, list []keys.Info) {
	rotated := map[keys.Algorithm]int{}
	for _, k := range list {
		if !k.Activate.IsZero() && !k.Activate.After(time.Now()) && !s.first[k.KID] && k.KID != s.revoked.Successor {
			rotated[k.Alg]++
		}
	}
	for alg, n := range rotated {
		if n > s.rotated[alg] {
			r.say("%s signs with its next key", alg)
		}
	}
	s.rotated = rotated
}

// rotate asks for a rotation of the last algorithm. It is refused while some
// verifier couldn't know the next key.
func (r *rig) rotate(ctx context.Context, s *story) {
	r.t.Helper()
	alg := keys.Algorithm(r.plan.Algs[len(r.plan.Algs)-1])
	a, err := r.operator.rotate(ctx, alg)
	switch {
	case err != nil:
		r.say("rotate by hand: %v", err)
	case a.status == http.StatusConflict && strings.Contains(string(a.body), "too_early"):
		s.refused++
	case a.status == http.StatusOK:
		s.byHand++
		r.say("%s rotated by hand", alg)
		r.rotateAgain(ctx, s, alg)
	case a.status == http.StatusUnauthorized:
		r.operator.forget()
	default:
		r.t.Fatalf("rotate by hand: %s", a)
	}
}

// rotateAgain asks for the next rotation at once: the standby that the last one made
// is known to nobody yet.
func (r *rig) rotateAgain(ctx context.Context, s *story, alg keys.Algorithm) {
	r.t.Helper()
	a, err := r.operator.rotate(ctx, alg)
	if err != nil || a.status != http.StatusConflict {
		r.t.Errorf("rotated twice in a row: %v %s, want a refusal", err, a)
		return
	}
	s.refused++
}

// revoke revokes an active key whose successor every verifier knows: then only
// its own tokens are lost.
func (r *rig) revoke(ctx context.Context, s *story, list []keys.Info) {
	r.t.Helper()
	victim, ok := revocable(list, keys.Algorithm(r.plan.Algs[0]), time.Now())
	if !ok {
		return
	}
	r.tally.Revoke(victim.KID, time.Now().Add(r.plan.Limit))
	res, err := r.operator.revoke(ctx, victim.KID)
	if err != nil {
		r.t.Fatalf("revoke %s: %v", victim.KID, err)
	}
	if !res.SuccessorKnown.IsZero() {
		r.t.Fatalf("the run is no proof: the successor of the revoked key was not known to all: %+v", res)
	}
	r.tally.Revoke(victim.KID, res.TrustedUntil)
	s.revoked = res
	r.say("the active key of %s revoked; verifiers may trust it for %s", res.Alg, time.Until(res.TrustedUntil).Round(time.Second))
}

// revocable finds the active key of an algorithm, unless it is about to rotate
// or its successor isn't known yet.
func revocable(list []keys.Info, alg keys.Algorithm, now time.Time) (victim keys.Info, ok bool) {
	known := false
	for _, k := range list {
		switch {
		case k.Alg != alg:
		case k.State == keys.Active && k.Retire.IsZero() && (k.NextAt.IsZero() || k.NextAt.Sub(now) > margin):
			victim, ok = k, true
		case k.State == keys.Standby:
			known = now.After(k.Known)
		case k.State == keys.Pending:
			return keys.Info{}, false
		}
	}
	return victim, ok && known
}

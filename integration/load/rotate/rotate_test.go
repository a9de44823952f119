package rotate

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "rotate twenty times, which takes four minutes")

// short: as soon as the standby keys are known, one key is rotated by hand and
// one revoked, after a replica died and another came.
var short = Plan{
	Algs: []string{"ES256", "RS256"}, MaxAge: time.Second, RotateEvery: time.Hour, ByHand: true,
	Rotations: 1, Apps: 3, Pace: 250 * time.Millisecond, Limit: 2 * time.Minute,
}

// whole: five algorithms rotate by themselves, four times each or more. A lane
// rotates every 40 s here: one key twenty times would take 13 minutes.
var whole = Plan{
	Algs: algorithms, MaxAge: 5 * time.Second, RotateEvery: 38 * time.Second,
	Rotations: 20, KillAfter: 4, RevokeAfter: 8, Apps: 3, Pace: 500 * time.Millisecond, Limit: 7 * time.Minute,
}

// TestRotation is promise 3 against the real thing: no request is lost, and no
// token refused but those of the key that was revoked.
func TestRotation(t *testing.T) {
	plan := short
	switch {
	case *long:
		plan = whole
	case testing.Short():
		t.Skip("it takes a minute: a key must be published for half of it before it signs")
	}
	if plan.RotateEvery < plan.publishWait() {
		t.Fatalf("the plan rotates every %s, and a key must be published for %s", plan.RotateEvery, plan.publishWait())
	}
	r := newRig(t, plan)
	s := r.play()

	var table strings.Builder
	if err := r.tally.Print(&table); err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(os.Stdout, "%s\n%s", s, &table)
	check(t, r, s)
}

// check holds the counts to the promise.
func check(t *testing.T, r *rig, s *story) {
	t.Helper()
	minted := r.tally.Of(refreshing)
	if minted.Done == 0 || minted.Failed > 0 {
		t.Errorf("of the refreshes %d succeeded and %d failed after a retry; want 0", minted.Done, minted.Failed)
	}
	for _, kid := range s.signed {
		if !minted.Keys[kid] {
			t.Errorf("key %s is said to sign, and no token of it was issued", kid)
		}
	}
	for name := range r.judges {
		checkJudge(t, name, r.tally.Of(name), minted)
	}
	if t.Failed() {
		t.Logf("the first failures and refusals:\n%s", r.tally.Samples())
	}
}

func checkJudge(t *testing.T, name string, c, minted Count) {
	t.Helper()
	if c.Failed > 0 || c.Refused > 0 {
		t.Errorf("%s couldn't judge %d tokens and refused %d of keys that weren't revoked; want 0", name, c.Failed, c.Refused)
	}
	for kid := range minted.Keys {
		if !c.Keys[kid] {
			t.Errorf("%s accepted no token of key %s", name, kid)
		}
	}
	// The two others keep what they have for longer than the issuer says.
	if (name == byOurs || name == byMaxAge) && (c.Revoked == 0 || c.Late > 0) {
		t.Errorf("%s refused %d tokens of the revoked key, want some, and accepted %d after the time that the issuer named, want 0", name, c.Revoked, c.Late)
	}
}

package chaos

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "run for minutes, at the real pace and with the real settings")

// short is ten times as fast as whole, where settings and not constants say how
// fast that is.
var short = Plan{
	Clients: 60, Thefts: 3, Leavers: 9,
	Pace: Span{600 * time.Millisecond, 2 * time.Second}, Thief: Span{300 * time.Millisecond, 800 * time.Millisecond}, Soon: Span{50 * time.Millisecond, 300 * time.Millisecond},
	Window: 10 * time.Second, Sleep: Span{10200 * time.Millisecond, 11500 * time.Millisecond}, For: 25 * time.Second,
	Lost: 0.2, Hasty: 0.5, Tabs: 0.1, Late: 0.1, Lag: time.Second, Outage: 1500 * time.Millisecond,
}

// whole is the issue's. The servers have their default settings.
var whole = Plan{
	Clients: 500, Thefts: 20, Leavers: 60,
	Pace: Span{6 * time.Second, 20 * time.Second}, Thief: Span{3 * time.Second, 8 * time.Second}, Soon: Span{300 * time.Millisecond, 2 * time.Second},
	Window: time.Minute, Sleep: Span{61 * time.Second, 75 * time.Second}, For: 330 * time.Second,
	Lost: 0.2, Hasty: 0.4, Tabs: 0.1, Late: 0.1, Lag: time.Second, Outage: 2 * time.Second,
}

// TestChaos is promises 1 and 2 against the real thing.
func TestChaos(t *testing.T) {
	plan := short
	switch {
	case *long:
		plan = whole
	case testing.Short():
		t.Skip("it takes half a minute")
	}
	r := newRig(t, plan)
	s := r.play()
	counts, caught := r.tally.Of(), judge(r.thefts)

	var table strings.Builder
	if err := print(&table, plan, s, counts, caught); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString(table.String()); err != nil {
		t.Fatal(err)
	}
	checkOwners(t, r, s, counts)
	if *long {
		checkRest(t, r, s, counts, caught)
	}
	if t.Failed() {
		t.Logf("the first of each:\n%s", r.tally.Samples())
	}
}

// checkOwners holds the run to what it must show, and to have shown it: a run in
// which nothing was lost would prove nothing.
func checkOwners(t *testing.T, r *rig, s story, c Counts) {
	t.Helper()
	if c.LoggedOut > 0 {
		t.Errorf("%d owners were logged out by anything but theft, want 0", c.LoggedOut)
	}
	if c.Faults > 0 {
		t.Errorf("%d answers that no client should see, want 0", c.Faults)
	}
	if c.Given < r.plan.Clients || c.Lost == 0 || c.Tabs == 0 || c.Slept == 0 || c.Away == 0 || s.adopted == 0 {
		t.Errorf("the run was too quiet to show anything: %+v, %+v", c, s)
	}
	if reuse := s.ends["reuse"]; reuse > r.plan.Thefts {
		t.Errorf("%d families ended for reuse in the database, more than the %d that were stolen", reuse, r.plan.Thefts)
	}
}

func checkRest(t *testing.T, r *rig, s story, c Counts, caught thieves) {
	t.Helper()
	if c.Revived > 0 || c.Left != r.plan.Leavers {
		t.Errorf("of %d sessions ended by logout, %d live again; want %d and 0", c.Left, c.Revived, r.plan.Leavers)
	}
	if caught.in > 0 || caught.undecided > 0 {
		t.Errorf("%d thieves still in after the owner's next ten refreshes, want 0; of %d the run was too short to tell", caught.in, caught.undecided)
	}
	if want := r.plan.Clients - r.plan.Leavers - r.plan.Thefts; s.ends[""] != want || s.ends["logout"] != r.plan.Leavers {
		t.Errorf("the database has %s; want %d live and %d logged out", list(s.ends), want, r.plan.Leavers)
	}
}

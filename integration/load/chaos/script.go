package chaos

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

// patience is how long the script waits at most for what must have happened.
const patience = 30 * time.Second

// story is what happened.
type story struct {
	killed, failedOver, flushed, restarted int
	adopted                                int // sessions that went on although the failover had lost their last refresh
	ends                                   map[string]int
}

// String is the table's second line.
func (s story) String() string {
	ends := map[string]int{}
	for reason, n := range s.ends {
		ends[cmp.Or(reason, "live")] = n
	}
	return fmt.Sprintf("replicas killed: %d; Redis failed over with its last second lost: %d (%d sessions were ahead of it), flushed: %d; PostgreSQL restarted: %d; sessions in the database: %s",
		s.killed, s.failedOver, s.adopted, s.flushed, s.restarted, list(ends))
}

// event is one thing that happens, at a fraction of the run.
type event struct {
	at float64
	do func(*rig, *story)
}

// script is what happens in a run, in order.
func (p Plan) script() []event {
	events := []event{
		{0.08, func(r *rig, s *story) { r.kill(s, 0) }},
		{0.25, (*rig).failOver},
		{0.40, (*rig).restartPostgres},
		{0.50, func(r *rig, s *story) { r.kill(s, 1) }},
		{0.60, (*rig).flush},
		{0.75, func(r *rig, s *story) { r.kill(s, 0) }},
	}
	for range p.Thefts {
		events = append(events, event{0.02 + 0.46*rand.Float64(), func(r *rig, _ *story) { r.steal() }})
	}
	for range p.Leavers / 3 {
		events = append(events, event{0.02 + 0.88*rand.Float64(), func(r *rig, _ *story) { r.leave(1) }})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return events
}

// play runs the script under the load.
func (r *rig) play() story {
	r.t.Helper()
	var s story
	stop := r.load()
	defer stop()
	began := time.Now()
	until := func(at float64) {
		pause(r.t.Context(), time.Until(began.Add(time.Duration(at*float64(r.plan.For)))))
	}
	for _, e := range r.plan.script() {
		until(e.at)
		e.do(r, &s)
	}
	until(1)
	r.await(func() bool {
		c := r.tally.Of()
		return c.Slept > 0 && c.Tabs > 0 && c.Lost > 0 && c.Given >= r.plan.Clients
	})
	stop()
	s.ends = r.ends()
	return s
}

// kill ends a replica as kill -9 does; after a while it comes back.
func (r *rig) kill(s *story, n int) {
	r.t.Helper()
	r.say("kill -9 of replica %d", n)
	r.replicas[n].Kill()
	pause(r.t.Context(), r.plan.Outage)
	r.replicas[n].Start()
	r.say("replica %d is back", n)
	s.killed++
}

// failOver loses what the master heard last, logouts among it.
func (r *rig) failOver(s *story) {
	r.t.Helper()
	r.say("from here on Redis's replica hears nothing")
	r.redis.detach()
	before := r.tally.Of()
	pause(r.t.Context(), r.plan.Lag/2)
	r.leave(r.plan.Leavers / 3)
	pause(r.t.Context(), r.plan.Lag/2)
	r.await(func() bool { // on a slow machine a second may hold nothing that could be lost
		now := r.tally.Of()
		return now.Given-now.Lost-before.Given+before.Lost >= r.plan.Clients/10
	})
	r.say("Redis's master is killed")
	r.redis.failOver(r.plan.Outage)
	r.say("Redis's replica has taken its place")
	s.failedOver++
}

func (r *rig) flush(s *story) {
	r.t.Helper()
	r.await(func() bool { s.adopted = r.adopted(); return s.adopted > 0 }) // from here on, all are
	r.leave(r.plan.Leavers - r.plan.Leavers/3*2)
	pause(r.t.Context(), r.plan.Lag/4)
	r.redis.flush()
	r.say("FLUSHALL")
	s.flushed++
}

// await gives what the run must hold the time that it takes on this machine: a script
// by the clock alone would be empty on one that others keep busy.
func (r *rig) await(happened func() bool) {
	for late := time.Now().Add(patience); !happened() && time.Now().Before(late); {
		pause(r.t.Context(), 100*time.Millisecond)
	}
}

func (r *rig) restartPostgres(s *story) {
	r.t.Helper()
	r.say("PostgreSQL restarts")
	restart(r.postgres, r.plan.Outage)
	r.say("PostgreSQL is back")
	s.restarted++
}

func restart(p *servers.PostgresServer, outage time.Duration) {
	p.Stop()
	time.Sleep(outage)
	p.Start()
}

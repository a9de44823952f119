package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// gate is a hook of the driver that holds up the first command, and remembers
// how many went into each pipeline.
type gate struct {
	held, open chan struct{}
	first      atomic.Bool

	mu        sync.Mutex // guards pipelines
	pipelines []int
}

func gated(s *Store) *gate {
	g := &gate{held: make(chan struct{}), open: make(chan struct{})}
	s.client.AddHook(g)
	return g
}

func (g *gate) DialHook(next driver.DialHook) driver.DialHook { return next }

func (g *gate) ProcessHook(next driver.ProcessHook) driver.ProcessHook {
	return func(ctx context.Context, cmd driver.Cmder) error {
		if g.first.CompareAndSwap(false, true) {
			close(g.held)
			<-g.open
		}
		return next(ctx, cmd)
	}
}

func (g *gate) ProcessPipelineHook(next driver.ProcessPipelineHook) driver.ProcessPipelineHook {
	return func(ctx context.Context, cmds []driver.Cmder) error {
		if name := cmds[0].Name(); name == "evalsha" || name == "get" { // and no handshake of a connection
			g.mu.Lock()
			g.pipelines = append(g.pipelines, len(cmds))
			g.mu.Unlock()
		}
		return next(ctx, cmds)
	}
}

// behind has the first call held up while n others come, each for a session of its
// own, and returns the function that lets the first go and waits for all.
func behind(t *testing.T, s *Store, n int) (g *gate, finish func() []error) {
	t.Helper()
	states := make([]session.State, n+1)
	line := s.together
	s.together = nil // it may be set so that nothing would come through
	for i := range states {
		states[i] = begun(t, s, start)
	}
	s.together = line
	g = gated(s)
	errs := make([]error, n+1)
	var all sync.WaitGroup
	rotate := func(i int) {
		got, err := s.Rotate(t.Context(), rotation(states[i], 1, start))
		if err == nil && (got.Outcome != session.Rotated || got.State.Session != states[i].Session) {
			err = fmt.Errorf("%+v, want session %s rotated", got, states[i].Session)
		}
		errs[i] = err
	}
	all.Go(func() { rotate(0) })
	<-g.held
	for i := range n {
		all.Go(func() { rotate(i + 1) })
	}
	await(t, "the others", func() error {
		if got := s.together.queued(); got != n {
			return fmt.Errorf("%d wait", got)
		}
		return nil
	})
	return g, func() []error {
		close(g.open)
		all.Wait()
		return errs
	}
}

func (t *together) queued() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

func TestTogether(t *testing.T) {
	for name, c := range map[string]struct {
		waiting   int
		pipelines []int
	}{
		"one goes alone":       {1, nil},
		"several":              {20, []int{20}},
		"more than fit in one": {batch + 5, []int{batch, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := single(t)
			s.together.patience, s.together.timeout = time.Hour, time.Minute
			g, finish := behind(t, s, c.waiting)
			if err := errors.Join(finish()...); err != nil {
				t.Error(err)
			}
			if !slices.Equal(g.pipelines, c.pipelines) {
				t.Errorf("pipelines of %v, want %v", g.pipelines, c.pipelines)
			}
			if s.together.senders != 0 {
				t.Errorf("%d are still sending", s.together.senders)
			}
		})
	}
}

// TestTogetherScriptsLost has the server know none of the scripts of a pipeline.
func TestTogetherScriptsLost(t *testing.T) {
	s, server := single(t)
	s.together.patience = time.Hour
	_, finish := behind(t, s, 5)
	server.CLI("SCRIPT", "FLUSH")
	if err := errors.Join(finish()...); err != nil {
		t.Error(err)
	}
}

// TestTogetherOneRefused has one call of a pipeline fail by itself.
func TestTogetherOneRefused(t *testing.T) {
	s, server := single(t)
	s.together.patience = time.Hour
	_, finish := behind(t, s, 5)
	var foreign errgroup.Group
	state := newState(start)
	server.CLI("RPUSH", stateKey(state.Session), "something else")
	foreign.Go(func() error {
		_, err := s.Rotate(t.Context(), rotation(state, 1, start))
		return err
	})
	await(t, "the foreign one", func() error {
		if s.together.queued() != 6 {
			return errors.New("not there")
		}
		return nil
	})
	if err := errors.Join(finish()...); err != nil {
		t.Error(err)
	}
	if err := foreign.Wait(); err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want WRONGTYPE", err)
	}
}

// TestTogetherCommands has commands go in one pipeline as well; a reply of nil and an
// error are each for their own caller.
func TestTogetherCommands(t *testing.T) {
	s, _ := single(t)
	s.together.patience = time.Hour
	state, at := begun(t, s, start), time.Now()
	if err := s.client.HSet(t.Context(), waitKey("hash"), "a", "b").Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Waiting().Put(t.Context(), "there", []byte("a document"), at, at.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	g := gated(s)
	var all sync.WaitGroup
	errs := make([]error, 5)
	run := func(i int, f func() error) { all.Go(func() { errs[i] = f() }) }
	get := func(name string) func() error {
		return func() error {
			document, err := s.Waiting().Get(t.Context(), name, at)
			if err == nil && string(document) != "a document" {
				err = fmt.Errorf("got %q", document)
			}
			return err
		}
	}
	run(0, get("there"))
	<-g.held
	run(1, get("there"))
	run(2, get("missing"))
	run(3, get("hash"))
	run(4, func() error { _, err := s.Look(t.Context(), state.Session); return err })
	await(t, "the others", func() error {
		if got := s.together.queued(); got != 4 {
			return fmt.Errorf("%d wait", got)
		}
		return nil
	})
	close(g.open)
	all.Wait()
	if errs[0] != nil || errs[1] != nil || errs[4] != nil {
		t.Errorf("errors %v", errs)
	}
	if !errors.Is(errs[2], grant.ErrNotFound) {
		t.Errorf("what is missing: %v, want ErrNotFound", errs[2])
	}
	if errs[3] == nil || errors.Is(errs[3], store.ErrUnavailable) || errors.Is(errs[3], grant.ErrNotFound) {
		t.Errorf("of another type: %v, want WRONGTYPE", errs[3])
	}
	if !slices.Equal(g.pipelines, []int{4}) {
		t.Errorf("pipelines of %v, want one of 4", g.pipelines)
	}
}

func TestTogetherKilled(t *testing.T) {
	s, server := single(t)
	s.together.patience = time.Hour
	_, finish := behind(t, s, 5)
	server.Kill()
	for i, err := range finish() {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("call %d: %v, want ErrUnavailable", i, err)
		}
	}
}

// TestTogetherOneHangs has nobody wait for who hangs.
func TestTogetherOneHangs(t *testing.T) {
	s, _ := single(t)
	s.together.timeout = time.Minute
	state, other := begun(t, s, start), begun(t, s, start)
	g := gated(s)
	var hanging errgroup.Group
	hanging.Go(func() error {
		_, err := s.Rotate(t.Context(), rotation(state, 1, start))
		return err
	})
	<-g.held
	mustRotate(t, s, rotation(other, 1, start), session.Rotated)
	close(g.open)
	if err := hanging.Wait(); err != nil {
		t.Error(err)
	}
}

// TestTogetherLate has those that wait end within their own time, too.
func TestTogetherLate(t *testing.T) {
	s, _ := single(t)
	s.together.patience, s.together.timeout = time.Hour, time.Nanosecond
	g, finish := behind(t, s, 3)
	for i, err := range finish() {
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("call %d: %v, want ErrUnavailable and DeadlineExceeded", i, err)
		}
	}
	if !slices.Equal(g.pipelines, []int{3}) {
		t.Errorf("pipelines of %v, want one of 3", g.pipelines)
	}
}

// TestTogetherGivenUp takes a call back that waits, and nothing of it happens.
func TestTogetherGivenUp(t *testing.T) {
	s, _ := single(t)
	s.together.patience = time.Hour
	state := begun(t, s, start)
	g, finish := behind(t, s, 2)
	ctx, cancel := context.WithCancel(t.Context())
	var impatient errgroup.Group
	impatient.Go(func() error {
		_, err := s.Rotate(ctx, rotation(state, 1, start))
		return err
	})
	await(t, "the impatient", func() error {
		if s.together.queued() != 3 {
			return errors.New("not there")
		}
		return nil
	})
	cancel()
	if err := impatient.Wait(); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want context.Canceled and nothing of the store", err)
	}
	if err := errors.Join(finish()...); err != nil || !slices.Equal(g.pipelines, []int{2}) {
		t.Errorf("pipelines of %v, %v; want one of 2", g.pipelines, err)
	}
	if got, err := s.Look(t.Context(), state.Session); err != nil || got.Generation != 1 {
		t.Errorf("generation %d, %v; want it untouched", got.Generation, err)
	}
}

// TestTogetherTurns hands on the turn, step by step, past those who gave up.
func TestTogetherTurns(t *testing.T) {
	var line together
	first, second, third, fourth := newPending(), newPending(), newPending(), newPending()
	if !line.add(first) {
		t.Fatal("the first has no turn")
	}
	calls := line.take(first)
	for _, p := range []*pending{second, third, fourth} {
		if line.add(p) {
			t.Fatal("another has the turn")
		}
	}
	line.settle(calls)
	if !<-first.ready {
		t.Fatal("the first isn't answered")
	}
	if <-second.ready {
		t.Fatal("the second hasn't the turn")
	}
	line.giveUp(second)
	if <-third.ready {
		t.Fatal("the third hasn't the turn, which the second gave up")
	}
	line.giveUp(fourth)
	if got := line.take(third); !slices.Equal(got, []*pending{third}) {
		t.Fatalf("the third sends %d calls, want its own", len(got))
	}
	line.settle(nil)
	if line.senders != 0 || len(line.waiting) != 0 {
		t.Errorf("%d are sending, %d wait", line.senders, len(line.waiting))
	}
}

// TestTogetherTakenBefore has a call with the turn be sent by another sender.
func TestTogetherTakenBefore(t *testing.T) {
	var line together
	first, second, third := newPending(), newPending(), newPending()
	line.add(first)
	calls := line.take(first)
	line.add(second)
	line.add(third)
	if !line.goAhead(third) || line.goAhead(third) {
		t.Fatal("who waited for long goes ahead once")
	}
	line.settle(calls)
	if <-second.ready {
		t.Fatal("the second hasn't the turn")
	}
	if got := line.take(third); !slices.Equal(got, []*pending{second, third}) {
		t.Fatalf("%d calls are sent", len(got))
	}
	if got := line.take(second); len(got) != 0 {
		t.Fatalf("%d calls are sent twice", len(got))
	}
	line.settle(nil)
	line.settle([]*pending{second, third})
	if line.senders != 0 || !<-second.ready || !<-third.ready {
		t.Errorf("%d are sending", line.senders)
	}
}

func newPending() *pending { return &pending{ready: make(chan bool, 2)} }

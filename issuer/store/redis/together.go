package redis

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	driver "github.com/redis/go-redis/v9"
)

// patience is how long a call waits for those on their way to come back, before
// it goes ahead with all that wait: so that a connection that hangs holds up
// nobody but those who are on it.
const patience = 10 * time.Millisecond

// errUnanswered is what a call gets that the driver forgot.
var errUnanswered = errors.New("no reply")

// together sends calls in pipelines: what comes while a pipeline is under
// way waits and goes in the next. A caller that finds nobody under way goes at
// once, alone; who is back first hands the turn to the first that waits. So a
// quiet server waits for nothing, and a busy one spares itself and Redis most of
// the reads and writes, which are half of what a call costs (BenchmarkRotate).
type together struct {
	client   driver.UniversalClient
	timeout  time.Duration // of a call, waiting included
	patience time.Duration // see patience

	mu      sync.Mutex // guards what follows, and what says so in pending
	waiting []*pending
	senders int // callers who are sending or have the turn to
}

// pending is one call.
type pending struct {
	script *driver.Script // nil: the arguments are a command
	call
	until time.Time // when it must have ended

	taken bool // guarded by together.mu: some sender's, no longer among those that wait
	turn  bool // guarded by together.mu: its caller is to send

	// ready says false when the caller has the turn, and true when reply and err are
	// the caller's: each once at most.
	ready chan bool
	reply any
	err   error
}

// run makes one call. A caller who gives up doesn't wait for the reply, unless it is
// just sending for others; but what was sent was sent.
func (t *together) run(ctx context.Context, script *driver.Script, c call) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &pending{script: script, call: c, until: time.Now().Add(t.timeout), ready: make(chan bool, 2)}
	if t.add(p) {
		t.send(p)
	}
	if err := t.wait(ctx, p); err != nil {
		return nil, err
	}
	return p.reply, p.err
}

// wait waits for the answer and uses the turn that comes before. An error means
// that the caller gave up.
func (t *together) wait(ctx context.Context, p *pending) error {
	hurry := time.NewTimer(t.patience)
	defer hurry.Stop()
	for {
		select {
		case answered := <-p.ready:
			if answered {
				return nil
			}
			t.send(p)
		case <-hurry.C:
			if t.goAhead(p) {
				t.send(p)
			}
		case <-ctx.Done():
			t.giveUp(p)
			return ctx.Err()
		}
	}
}

// add has a call wait, and tells whether its caller has the turn.
func (t *together) add(p *pending) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, p)
	if t.senders == 0 {
		t.senders, p.turn = 1, true
	}
	return p.turn
}

// goAhead gives a call the turn that has waited for long, beside who is sending.
func (t *together) goAhead(p *pending) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.taken || p.turn {
		return false
	}
	t.senders, p.turn = t.senders+1, true
	return true
}

// giveUp takes a call back that no sender has, and hands on its turn.
func (t *together) giveUp(p *pending) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(other *pending) bool { return other == p })
	if p.turn {
		t.handOn()
	}
}

// handOn gives a sender's turn to the first that waits. t.mu is held.
func (t *together) handOn() {
	for _, next := range t.waiting {
		if !next.turn {
			next.turn = true
			next.ready <- false
			return
		}
	}
	t.senders--
}

// send uses a caller's turn: it sends what waits, up to a full pipeline, which
// its own call is in unless another sender has taken that already.
func (t *together) send(p *pending) {
	calls := t.take(p)
	defer t.settle(calls) // also in a panic
	if len(calls) > 0 {
		t.exchange(calls)
	}
}

func (t *together) take(p *pending) []*pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.turn = false
	n := min(len(t.waiting), batch)
	calls := slices.Clone(t.waiting[:n])
	t.waiting = slices.Delete(t.waiting, 0, n)
	for _, c := range calls {
		c.taken = true
	}
	return calls
}

// settle tells the callers, the next sender first.
func (t *together) settle(calls []*pending) {
	t.mu.Lock()
	t.handOn()
	t.mu.Unlock()
	for _, c := range calls {
		if c.reply == nil && c.err == nil { // a reply of nil is an error to the driver
			c.err = errUnanswered
		}
		c.ready <- true
	}
}

// exchange has each call answered. Nobody's own context is in it: who gives up
// would take the others along. All must have ended when the first to have come must.
func (t *together) exchange(calls []*pending) {
	ctx, cancel := context.WithDeadline(context.Background(), calls[0].until)
	defer cancel()
	if len(calls) == 1 {
		calls[0].run(ctx, t.client)
		return
	}
	cmds := make([]*driver.Cmd, len(calls))
	_, err := t.client.Pipelined(ctx, func(pipe driver.Pipeliner) error {
		for i, c := range calls {
			cmds[i] = c.queue(ctx, pipe)
		}
		return nil
	})
	for i, c := range calls {
		if c.reply, c.err = cmds[i].Result(); driver.HasErrorPrefix(c.err, noScript) {
			c.run(ctx, t.client)
		} else if c.reply == nil && c.err == nil {
			c.err = err
		}
	}
}

func (p *pending) queue(ctx context.Context, pipe driver.Pipeliner) *driver.Cmd {
	if p.script == nil {
		return pipe.Do(ctx, p.args...)
	}
	return pipe.EvalSha(ctx, p.script.Hash(), p.keys, p.args...)
}

func (p *pending) run(ctx context.Context, client driver.UniversalClient) {
	if p.script == nil {
		p.reply, p.err = client.Do(ctx, p.args...).Result()
		return
	}
	p.reply, p.err = p.script.Run(ctx, client, p.keys, p.args...).Result()
}

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// keptHistory is how many of its last steps an owner remembers, to be shown.
const keptHistory = 16

// owner is a client with a session. Its tabs share what it holds, as those of a
// browser do.
type owner struct {
	name  string
	plan  *Plan
	site  *site
	tally *Tally

	// Of the goroutine that runs it.
	slept int // generation of the last retry past the window

	mu         sync.Mutex // guards what follows
	token      string
	before     string // the token before
	generation int    // of the token; that of the login is 1
	stolen     bool
	left       bool // it logs out, or has
	history    []string
}

func newOwner(name string, token string, p *Plan, s *site, t *Tally) *owner {
	return &owner{name: name, plan: p, site: s, tally: t, token: token, generation: 1, slept: -mostRefreshes}
}

// run refreshes until ctx ends, or the session.
func (o *owner) run(ctx context.Context) {
	wait := rand.N(o.plan.Pace.Most)
	for pause(ctx, wait) {
		token, going := o.holding()
		if !going {
			return
		}
		switch a, lost := o.present(ctx, token); {
		case ctx.Err() != nil:
			return
		case a.verdict == refused:
			o.refused(a)
			return
		case a.verdict == given && !lost:
			o.take(a.Refresh)
			wait = o.plan.Pace.draw()
		case a.verdict == given:
			wait = o.afterLoss()
		default:
			wait = o.plan.Soon.draw()
		}
	}
}

// present shows a token, by one tab or by two at once. The best answer counts; it
// is lost where all that were given are.
func (o *owner) present(ctx context.Context, token string) (best answer, lost bool) {
	answers := make([]answer, 1, 2)
	if rand.Float64() < o.plan.Tabs {
		answers = answers[:2]
		o.tally.add(&o.tally.counts.Tabs)
	}
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = o.site.refresh(ctx, token) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return answer{}, false
	}
	return o.choose(answers)
}

// choose says what the tabs know together. A refusal outweighs all.
func (o *owner) choose(answers []answer) (best answer, lost bool) {
	lost = true
	for _, a := range answers {
		drop := a.verdict == given && rand.Float64() < o.plan.Lost
		o.tally.answered(o.name, a, drop)
		o.note("%d lost=%v", a.status, drop)
		switch {
		case a.verdict == refused:
			return a, false
		case a.verdict == given && (best.verdict != given || lost):
			best, lost = a, drop
		}
	}
	return best, lost
}

// afterLoss is how long the client waits with the token that it still has.
func (o *owner) afterLoss() time.Duration {
	if mayRetryLate(o.generation, o.slept) && rand.Float64() < o.plan.Late {
		o.slept = o.generation
		o.tally.add(&o.tally.counts.Slept)
		o.note("sleeps")
		return o.plan.Sleep.draw()
	}
	if rand.Float64() < o.plan.Hasty {
		return o.plan.Soon.draw()
	}
	return o.plan.Pace.draw()
}

func (o *owner) holding() (token string, going bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.token, !o.left
}

func (o *owner) take(next string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.before, o.token = o.token, next
	o.generation++
}

// refused says whose doing it is that the session is over.
func (o *owner) refused(a answer) {
	o.mu.Lock()
	stolen, left := o.stolen, o.left
	o.mu.Unlock()
	if !stolen && !left {
		o.tally.loggedOut(fmt.Sprintf("%s, generation %d, %s; its last steps: %s", o.name, o.generation, a, o.steps()))
	}
}

// robbed gives a thief a copy of the token.
func (o *owner) robbed() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stolen = true
	return o.token
}

// refreshes is how many the owner has had answers to.
func (o *owner) refreshes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.generation - 1
}

// leave logs out: an answer must come, however long that takes.
func (o *owner) leave(ctx context.Context) bool {
	o.mu.Lock()
	o.left = true
	token := o.token
	o.mu.Unlock()
	for {
		a := o.site.post(ctx, "/logout", map[string]string{"refresh_token": token})
		if a.verdict == given {
			return true
		}
		if a.verdict != away && ctx.Err() == nil {
			o.tally.fault(fmt.Sprintf("logout of %s: %s", o.name, a))
		}
		if !pause(ctx, o.plan.Soon.draw()) {
			return false
		}
	}
}

// haunt presents what the session had, until ctx ends.
func (o *owner) haunt(ctx context.Context) {
	for pause(ctx, o.plan.Soon.draw()) {
		o.mu.Lock()
		tokens := []string{o.token, o.before}
		o.mu.Unlock()
		for _, token := range slices.DeleteFunc(tokens, func(t string) bool { return t == "" }) {
			if a := o.site.refresh(ctx, token); a.verdict == given {
				o.tally.revived(fmt.Sprintf("%s; its last steps: %s", o.name, o.steps()))
				return
			}
		}
	}
}

func (o *owner) note(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := time.Now().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
	o.history = append(o.history, fmt.Sprintf("g%d %s", o.generation, line))
	o.history = o.history[max(0, len(o.history)-keptHistory):]
}

func (o *owner) steps() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.history, " | ")
}

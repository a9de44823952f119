package chaos

import (
	"context"
	"math/rand/v2"
)

// theft is one token that was stolen, and what became of it.
type theft struct {
	victim *owner
	held   []string // all that the thief ever had; the last one is the best
	from   int      // the owner's refreshes at the theft
	found  bool     // the thief was refused
	in     bool     // it got in after the owner's next ten refreshes, or after it was found
}

func steal(victim *owner) *theft {
	return &theft{victim: victim, held: []string{victim.robbed()}, from: victim.refreshes()}
}

// run uses the token until ctx ends, and goes on when it was refused.
func (t *theft) run(ctx context.Context) {
	wait := rand.N(t.victim.plan.Thief.Most)
	for pause(ctx, wait) {
		seen, again := t.seen(), t.found
		switch a := t.victim.site.refresh(ctx, t.pick()); a.verdict {
		case given:
			t.in = t.in || seen >= mostRefreshes || again
			t.held = append(t.held, a.Refresh)
			wait = t.victim.plan.Thief.draw()
		case refused:
			t.found = true
			wait = t.victim.plan.Thief.draw()
		default:
			wait = t.victim.plan.Soon.draw()
		}
	}
}

// pick is the newest token, and once that was refused any.
func (t *theft) pick() string {
	if t.found {
		return t.held[rand.IntN(len(t.held))]
	}
	return t.held[len(t.held)-1]
}

// seen is how many refreshes the owner has had since the theft. Once the family
// has ended it stays what it is.
func (t *theft) seen() int { return t.victim.refreshes() - t.from }

// stillIn tells of a theft, when all is over, whether the thief was found too late
// or not at all.
func (t *theft) stillIn() bool { return t.in || (!t.found && t.seen() >= mostRefreshes) }

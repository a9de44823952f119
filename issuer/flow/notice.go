package flow

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
)

const (
	// noticeTurns is how many clients are told at once, and again as many of those that
	// registered themselves: strangers' slow ones don't keep the others waiting.
	noticeTurns = 16
	// noticeQueue is how many notices wait for a turn of the clients that registered
	// themselves, and noticePatience for how long: so that a lease lasts to the end of a call.
	noticeQueue    = 256
	noticePatience = noticeLease / 2
	// noticeLease is how long a notice belongs to who took it: longer than a call takes, so
	// that nobody else makes the same; short, since one whose process was killed waits so long.
	noticeLease = 30 * time.Second
	// noticeLife is how long a client is tried. By then its own session has most likely ended.
	noticeLife = 24 * time.Hour
)

// noticeDelays are the pauses after each try that failed; the last goes on.
var noticeDelays = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}

// Poster posts a form to a URL that a client has registered, bounded in time, and
// returns the answer's status. It follows no redirect.
type Poster interface {
	PostForm(ctx context.Context, address string, form url.Values) (status int, err error)
}

// Outcome is what came of a try to tell a client.
type Outcome string

// Outcomes.
const (
	OutcomeDelivered Outcome = "delivered"
	OutcomeFailed    Outcome = "failed"   // it is tried again
	OutcomeDropped   Outcome = "dropped"  // it failed for a day
	OutcomeUnneeded  Outcome = "unneeded" // the client is gone, or wants to hear no more
)

// Told is one try.
type Told struct {
	Notice  session.Notice
	Outcome Outcome
	Turned  bool  // the first failure after the client had answered, or the first answer after it had failed
	Err     error // why it failed
}

// Notifier tells clients that sessions of theirs have ended (OpenID Connect Back-Channel
// Logout 1.0 §2.5), each at least once: whoever is killed in between leaves a notice that
// comes back. An answer that is no success is tried again, whatever it is: §2.8 has 400
// for a token that is wrong as well as for a logout that failed, and the next try brings
// another token. Every replica runs one.
type Notifier struct {
	Flow    *Flow
	Notices session.Notices
	Poster  Poster
	// Registered posts to clients that registered themselves; nil: Poster does.
	Registered Poster
	Report     func(Told) // is called at once by many

	under     sync.WaitGroup
	start     sync.Once
	turns     chan struct{}
	strangers chan struct{} // turns of clients that registered themselves
	queue     chan struct{} // their notices, waiting or with a turn
	stopped   chan struct{} // closed: nobody waits any longer

	mu      sync.Mutex // guards failing
	failing map[id.Client]*failing
}

// failing is a client that doesn't answer.
type failing struct {
	since time.Time // the oldest end that it failed to hear of
	tried time.Time // last, from here
	busy  bool      // a try is under way; a second at the same time would only wait as well
}

// Tell takes what is due, as long as there is something, and returns while calls are
// still being made: Wait waits for those.
func (n *Notifier) Tell(ctx context.Context) error {
	n.start.Do(n.open)
	for {
		free := n.free(ctx)
		if free == 0 {
			return nil // no turn in the time that a step has: the next step goes on
		}
		now := n.Flow.now()
		due, err := n.Notices.Due(ctx, now, now.Add(noticeLease), free)
		for range free - len(due) {
			<-n.turns
		}
		if err != nil || len(due) == 0 {
			return err
		}
		for _, notice := range due {
			n.begin(context.WithoutCancel(ctx), notice) // the poster bounds it
		}
	}
}

func (n *Notifier) open() {
	n.turns, n.strangers = make(chan struct{}, noticeTurns), make(chan struct{}, noticeTurns)
	n.queue, n.stopped = make(chan struct{}, noticeQueue), make(chan struct{})
}

// begin tells a client in the background, and gives the turn back that was taken for it.
// Clients that registered themselves have turns of their own; what finds too many there
// comes back when its lease is over.
func (n *Notifier) begin(ctx context.Context, notice session.Notice) {
	if !n.stranger(ctx, notice.Client) {
		n.under.Go(func() {
			defer func() { <-n.turns }()
			n.tell(ctx, notice)
		})
		return
	}
	<-n.turns
	select {
	case n.queue <- struct{}{}:
	default:
		return
	}
	n.under.Go(func() {
		defer func() { <-n.queue }()
		patience := time.NewTimer(noticePatience)
		defer patience.Stop()
		select {
		case n.strangers <- struct{}{}:
			defer func() { <-n.strangers }()
			n.tell(ctx, notice)
		case <-patience.C:
		case <-n.stopped:
		}
	})
}

// stranger tells whether a client registered itself. One that can't be found has nobody
// to be called.
func (n *Notifier) stranger(ctx context.Context, name id.Client) bool {
	c, err := n.Flow.Clients.Get(ctx, name)
	return err == nil && c.Registration != nil
}

// poster is who calls a client.
func (n *Notifier) poster(c client.Client) Poster {
	if c.Registration != nil && n.Registered != nil {
		return n.Registered
	}
	return n.Poster
}

// Wait returns when no call is being made.
func (n *Notifier) Wait() { n.under.Wait() }

// Close sends away who waits for a turn, and returns when no call is being made. Tell
// isn't called any more.
func (n *Notifier) Close() {
	n.start.Do(n.open)
	close(n.stopped)
	n.Wait()
}

// failingLife is how long a client that isn't tried from here any more counts as one that
// fails: another replica may have reached it, or nobody tries it, after a day.
var failingLife = 3 * noticeDelays[len(noticeDelays)-1]

// Overdue is for how long the client that fails longest hasn't heard of an end, as far
// as this process knows; zero: all answer.
func (n *Notifier) Overdue() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	var longest time.Duration
	now := n.Flow.now()
	for c, f := range n.failing {
		if !f.busy && now.Sub(f.tried) >= failingLife {
			delete(n.failing, c)
			continue
		}
		longest = max(longest, now.Sub(f.since))
	}
	return longest
}

// free waits for a turn and takes all that there are.
func (n *Notifier) free(ctx context.Context) (taken int) {
	select {
	case n.turns <- struct{}{}:
		taken++
	case <-ctx.Done():
		return 0
	}
	for ; taken < noticeTurns; taken++ {
		select {
		case n.turns <- struct{}{}:
		default:
			return taken
		}
	}
	return taken
}

// tell makes one try. Of a client that doesn't answer there is one at a time, so that it
// doesn't take everybody's turns; its other notices come back when their lease is over.
func (n *Notifier) tell(ctx context.Context, notice session.Notice) {
	told := Told{Notice: notice, Outcome: OutcomeFailed}
	if may, only := n.enter(notice.Client); may {
		told.Outcome, told.Err = n.try(ctx, notice)
		told.Turned = n.leave(notice, only, told.Err)
	} else if !n.over(notice) {
		return
	}
	var kept error
	switch {
	case told.Outcome == OutcomeFailed && n.over(notice):
		told.Outcome = OutcomeDropped
		kept = n.Notices.Done(ctx, notice.Session)
	case told.Outcome == OutcomeFailed:
		kept = n.Notices.Later(ctx, notice.Session, n.Flow.now().Add(delay(notice.Tries)))
	default:
		kept = n.Notices.Done(ctx, notice.Session)
	}
	told.Err = errors.Join(told.Err, kept) // not kept: the lease passes, and the client hears it twice
	n.Report(told)
}

func delay(tries int) time.Duration { return noticeDelays[min(tries, len(noticeDelays)-1)] }

func (n *Notifier) over(notice session.Notice) bool {
	return n.Flow.now().Sub(notice.Ended) >= noticeLife
}

// try sends a logout token, fresh each time: one that was seen before would be a replay
// to a client that remembers jti (§2.6).
func (n *Notifier) try(ctx context.Context, notice session.Notice) (Outcome, error) {
	c, err := n.Flow.Clients.Get(ctx, notice.Client)
	switch {
	case errors.Is(err, client.ErrNotFound), err == nil && c.BackchannelLogoutURI == "":
		return OutcomeUnneeded, nil
	case err != nil:
		return OutcomeFailed, err
	}
	raw, err := n.Flow.Minter.Logout(n.Flow.idAlgorithm(c), token.Logout{
		Subject: notice.User, Client: c.ID, Session: notice.Session, Issued: n.Flow.now(),
	})
	if err != nil {
		return OutcomeFailed, err
	}
	status, err := n.poster(c).PostForm(ctx, c.BackchannelLogoutURI, url.Values{"logout_token": {raw}})
	switch {
	case err != nil:
		return OutcomeFailed, err
	case status < 200 || status > 299: // §2.8: 200; some frameworks make a 204 of it
		return OutcomeFailed, fmt.Errorf("the answer has status %d", status)
	}
	return OutcomeDelivered, nil
}

// enter tells whether a client may be called now, and whether that is the only call of
// one that fails.
func (n *Notifier) enter(c id.Client) (may, only bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.failing[c]
	if f == nil {
		return true, false
	}
	if f.busy {
		return false, false
	}
	f.busy = true
	return true, true
}

// leave notes how a call went, and tells whether that is news. only is what enter said:
// a call that began before the client was known to fail leaves the only one alone.
func (n *Notifier) leave(notice session.Notice, only bool, err error) (turned bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.failing[notice.Client]
	if err == nil {
		delete(n.failing, notice.Client)
		return f != nil
	}
	if f == nil {
		if n.failing == nil {
			n.failing = map[id.Client]*failing{}
		}
		n.failing[notice.Client] = &failing{since: notice.Ended, tried: n.Flow.now()}
		return true
	}
	f.tried = n.Flow.now()
	if only {
		f.busy = false
	}
	if notice.Ended.Before(f.since) {
		f.since = notice.Ended
	}
	return false
}

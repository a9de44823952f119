package session

import (
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// The retry rule's constants. They were found by simulation: no honest family
// ends at 5 % and 20 % lost answers, every thief is found.
const (
	// FreeRetry is how soon after the last answer a retry counts for nothing:
	// two tabs, or a client that retries at once.
	FreeRetry = 5 * time.Second
	// MostStreak is how many generations in a row may need a counted retry; the
	// one that reaches it ends the family.
	MostStreak = 10
	// LateEvery is the number of generations of which one may be retried later
	// than the retry window: a phone that slept.
	LateEvery = 8
)

// State is what Generations keep of a session: constant in size, however often
// it refreshes. Times are whole milliseconds.
type State struct {
	Session id.Session
	Login   id.Login
	Client  id.Client
	Person  Person

	Generation uint32    // current; the first is 1
	Key        uint32    // id of the refresh key that signed the current token
	NotAfter   time.Time // idle end: that of the current token
	Answered   time.Time // when the current token was last given out
	Streak     uint32    // generations in a row, up to this one, that needed a counted retry
	Counted    bool      // the current one did
	Late       uint32    // the generation last retried late; 0: none

	Scope    []string
	Audience []string
	BoundKey string
	Status   int64
	AuthTime time.Time
	Expires  time.Time // absolute end
	Ended    bool
}

// Rotation is one refresh token presented, by whom and for what.
type Rotation struct {
	Session    id.Session
	Generation uint32 // presented, from a token whose HMAC was right
	Client     id.Client
	BoundKey   string   // thumbprint of the key proved; empty: none
	Scope      []string // asked; empty: the session's
	Audience   []string // asked; empty: the session's
	Key        uint32   // id of the refresh key that would sign the next token
	Idle       time.Duration
	Window     time.Duration // in which a retry gets its successor
	Now        time.Time
}

// Outcome is what a Rotate did.
type Outcome uint8

// The outcomes, by the design's table. Rotated, Replayed and Adopted give
// tokens of State.Generation; nothing else does.
const (
	Unknown       Outcome = iota // no state; the ledger must be asked
	Rotated                      // the current token came: the next is current
	Replayed                     // the one before came again: the current token again
	Adopted                      // a later one came: this store had gone back in time
	Over                         // ended, idle or absolute time over
	WrongClient                  // another client's; nothing changed
	WrongKey                     // bound to another key; nothing changed
	WiderScope                   // asked for more scope than the session has; nothing changed
	WiderAudience                // asked for another audience; nothing changed
	Reused                       // a used-up token: the family has ended, by this very call
)

// Gives tells whether the outcome gives tokens.
func (o Outcome) Gives() bool { return o == Rotated || o == Replayed || o == Adopted }

// Result is an outcome and the state after it. With Unknown the state is zero.
type Result struct {
	Outcome Outcome
	State   State
}

// Decide is the rule table for refresh tokens: what becomes of a state when a
// token of a generation is presented. Engines either call it in a transaction
// or mirror it in a script; storetest holds them to it.
func Decide(s State, r Rotation) Result {
	switch {
	case s.Ended || !r.Now.Before(s.Expires) || !r.Now.Before(s.NotAfter):
		return Result{Over, s}
	case r.Client != s.Client:
		return Result{WrongClient, s}
	case r.BoundKey != s.BoundKey:
		return Result{WrongKey, s}
	case !within(r.Scope, s.Scope):
		return Result{WiderScope, s}
	case !within(r.Audience, s.Audience):
		return Result{WiderAudience, s}
	case r.Generation == s.Generation:
		return Result{Rotated, advance(s, r)}
	case r.Generation > s.Generation:
		s.Generation, s.Counted = r.Generation, false
		return Result{Adopted, advance(s, r)}
	case r.Generation == s.Generation-1:
		return retry(s, r)
	}
	return reuse(s)
}

// advance makes the next generation current.
func advance(s State, r Rotation) State {
	if !s.Counted {
		s.Streak = 0
	}
	s.Generation++
	s.Counted = false
	s.Key = r.Key
	s.Answered = r.Now
	s.NotAfter = earlier(r.Now.Add(r.Idle), s.Expires)
	return s
}

// retry answers the token before the current one: nobody has presented the
// current one yet, or it would no longer be current.
func retry(s State, r Rotation) Result {
	since := r.Now.Sub(s.Answered)
	switch {
	case since <= FreeRetry:
	case since <= r.Window && s.Counted:
	case since <= r.Window && s.Streak+1 < MostStreak:
		s.Streak, s.Counted = s.Streak+1, true
	case since > r.Window && (s.Late == 0 || s.Generation-s.Late >= LateEvery):
		s.Late = s.Generation
	default:
		return reuse(s)
	}
	s.Answered = r.Now
	return Result{Replayed, s}
}

func reuse(s State) Result {
	s.Ended = true
	return Result{Reused, s}
}

// within tells whether everything asked for was granted.
func within(asked, granted []string) bool {
	for _, a := range asked {
		if !slices.Contains(granted, a) {
			return false
		}
	}
	return true
}

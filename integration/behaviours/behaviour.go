package behaviours

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Audience is who a library under test is.
const Audience = "https://api.example.com"

// Algorithms are those that a library is told to take, where it takes a list.
var Algorithms = []string{"ES256", "RS256"}

// Library is a verifier under test.
type Library struct {
	Name string
	// Has says what the library does at all; what it doesn't is "n.a.".
	Has Ability
	// Open sets the library up. It ends with ctx. It may ask the issuer, and
	// returns an error if it can't do without.
	Open func(ctx context.Context, s Setup) (Verify, error)
	// Introspect sets up its client of RFC 7662; nil if it has none.
	Introspect func(ctx context.Context, s Setup) (Introspect, error)
	// Why tells the reason of a refusal by the library's own typed errors.
	Why func(err error) Reason
}

// Verify checks a token: nil if the library takes it.
type Verify func(ctx context.Context, raw string) error

// Introspect asks the issuer whether a token is active.
type Introspect func(ctx context.Context, raw string) (active bool, err error)

// Setup is what a library is told.
type Setup struct {
	Issuer   string
	JWKS     string       // for a library that doesn't read discovery
	Client   *http.Client // nil: the library's own
	Refresh  time.Duration
	Outage   time.Duration
	MaxAge   time.Duration
	ClientID string // with Secret: for introspection
	Secret   string
}

// Of Setup: Refresh is the pace at which keys are fetched again, Outage how long
// they are trusted unconfirmed, MaxAge how old a status list may be; zero is the
// library's default, and a library that has no such setting ignores it.

// Ability is what a library does, as a set of bits.
type Ability int

// The abilities that some behaviours need.
const (
	Fetches     Ability = 1 << iota // gets the issuer's keys by itself
	Discovers                       // reads the discovery document
	Status                          // reads status lists
	Introspects                     // asks the issuer
)

// Reason is why a token was refused.
type Reason string

// The reasons that a library's errors should tell apart.
const (
	Unknown     Reason = "" // the error doesn't say
	Expired     Reason = "expired"
	NotYet      Reason = "not yet valid"
	BadAudience Reason = "audience"
	BadIssuer   Reason = "issuer"
	BadSign     Reason = "signature"
	Revoked     Reason = "revoked"
	Unavailable Reason = "unavailable" // says nothing of the token: answer 503
)

// Behaviour is something a verifier must do.
type Behaviour struct {
	Point int // of the list that Signet's verifier was built by: 1 tokens, 2 keys, 3 revocation
	Name  string
	Needs Ability
	Check func(*Trial) error // nil if the library does it
}

// All returns the behaviours in the table's order.
func All() []Behaviour { return slices.Concat(tokens(), keySets(), revocation()) }

// Result is one cell of the table.
type Result struct {
	Library   string
	Behaviour string
	NA        bool
	Err       error // nil if the library does it
}

// trialTime bounds one cell.
const trialTime = time.Minute

// Run puts every library to every behaviour, a few cells at a time, and returns
// the cells by behaviour and then by library, in their order.
func Run(ctx context.Context, libraries []Library, behaviours []Behaviour, parallel int) []Result {
	results := make([]Result, len(libraries)*len(behaviours))
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for row, b := range behaviours {
		for column, library := range libraries {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				results[row*len(libraries)+column] = run(ctx, library, b)
			})
		}
	}
	wg.Wait()
	return results
}

func run(ctx context.Context, library Library, b Behaviour) Result {
	r := Result{Library: library.Name, Behaviour: b.Name, NA: b.Needs&library.Has != b.Needs}
	if r.NA {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	t := &Trial{Library: library, ctx: ctx}
	defer t.close()
	defer cancel()
	r.Err = guarded(func() error {
		var err error
		if t.Issuer, err = t.newIssuer(); err != nil {
			return err
		}
		return b.Check(t)
	})
	return r
}

// guarded makes a panic of a library's an error: it would take the process down.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// Trial is one library at one behaviour, with an issuer of its own.
type Trial struct {
	Library Library
	Issuer  *Issuer

	ctx     context.Context
	mu      sync.Mutex
	issuers []*Issuer
}

func (t *Trial) newIssuer() (*Issuer, error) {
	iss, err := newIssuer()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issuers = append(t.issuers, iss)
	return iss, nil
}

// another is a trial of the same library with a fresh issuer, which ends with t.
func (t *Trial) another() (*Trial, error) {
	iss, err := t.newIssuer()
	return &Trial{Library: t.Library, Issuer: iss, ctx: t.ctx}, err
}

func (t *Trial) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, iss := range t.issuers {
		iss.close()
	}
}

// open sets the library up for the trial's issuer, bounded: some wait for ever.
func (t *Trial) open(changes ...func(*Setup)) (Verify, error) {
	s := Setup{Issuer: t.Issuer.URL, JWKS: t.Issuer.URL + jwksPath, ClientID: "api", Secret: clientSecret}
	for _, change := range changes {
		change(&s)
	}
	if s.Refresh > 0 { // whoever goes by the documents' max-age shall come back as soon
		t.Issuer.maxAge.Store(int64(s.Refresh / time.Second))
	}
	type opened struct {
		verify Verify
		err    error
	}
	done := make(chan opened, 1)
	go func() {
		var o opened
		o.err = guarded(func() (err error) { o.verify, err = t.Library.Open(t.ctx, s); return err })
		done <- o
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, fmt.Errorf("setting up: %w", o.err)
		}
		return o.verify, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("setting up: %w", errHung)
	}
}

// patience is how long a caller without a deadline may be kept waiting.
const patience = 5 * time.Second

// errHung says that a call didn't come back in time.
var errHung = fmt.Errorf("no answer within %v", patience)

// ask calls verify as a server does whose requests have no deadline, and comes
// back with errHung if it doesn't.
func (t *Trial) ask(verify Verify, raw string) error {
	done := make(chan error, 1)
	go func() { done <- guarded(func() error { return verify(t.ctx, raw) }) }()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return errHung
	}
}

// wantTaken says that a token which must be taken isn't.
func (t *Trial) wantTaken(verify Verify, name, raw string) error {
	if err := t.ask(verify, raw); err != nil {
		return fmt.Errorf("%s is refused: %w", name, err)
	}
	return nil
}

// wantRefused says that a token which must be refused isn't. Hanging is no refusal.
func (t *Trial) wantRefused(verify Verify, name, raw string) error {
	switch err := t.ask(verify, raw); {
	case err == nil:
		return fmt.Errorf("%s is taken", name)
	case errors.Is(err, errHung):
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// why is the reason the library's errors give.
func (t *Trial) why(err error) Reason {
	if t.Library.Why == nil || err == nil {
		return Unknown
	}
	return t.Library.Why(err)
}

// every is how often until asks again.
const every = 50 * time.Millisecond

// until asks until ok says so, for d at most.
func (t *Trial) until(d time.Duration, ok func() bool) bool {
	end := time.Now().Add(d)
	for !ok() {
		if time.Now().After(end) || !t.wait(every) {
			return false
		}
	}
	return true
}

// wait lets time pass; it says whether the trial goes on.
func (t *Trial) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.ctx.Done():
		return false
	}
}

// refuse is a behaviour: each of these tokens is refused, though its good twin is
// taken before and after.
func refuse(name string, tokens func(i *Issuer) []token) Behaviour {
	return Behaviour{Point: 1, Name: name, Check: func(t *Trial) error {
		return t.refuses(tokens(t.Issuer))
	}}
}

func (t *Trial) refuses(bad []token) error {
	verify, err := t.open()
	if err != nil {
		return err
	}
	if err := t.wantTaken(verify, "a good token before", t.Issuer.Good()); err != nil {
		return err
	}
	var faults []error
	for _, tok := range bad {
		if err := t.wantRefused(verify, tok.name, tok.raw); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d of %d: %w", len(faults), len(bad), errors.Join(faults...))
	}
	return t.wantTaken(verify, "a good token afterwards", t.Issuer.Good())
}

// take is a behaviour: each of these tokens is taken.
func take(name string, tokens func(i *Issuer) []token) Behaviour {
	return Behaviour{Point: 1, Name: name, Check: func(t *Trial) error {
		good := tokens(t.Issuer)
		verify, err := t.open()
		if err != nil {
			return err
		}
		for _, tok := range good {
			if err := t.wantTaken(verify, tok.name, tok.raw); err != nil {
				return err
			}
		}
		return t.wantRefused(verify, "a token with another's signature", t.Issuer.Altered())
	}}
}

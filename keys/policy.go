package keys

import (
	"fmt"
	"slices"
	"time"
)

// Constants of the schedule. They are not settings: what is safe follows from them.
const (
	// Poll is how often a replica looks for a newer ring. It also stands for the time that a write and an answer are on
	// their way.
	Poll = time.Second
	// Leeway is how far a clock may be off the database's, to either side.
	Leeway = 10 * time.Second
	// FreshFor is how old a ring may be for its JWKS to be cached and its replica to be ready.
	FreshFor = 10 * time.Second
	// StaleFor is how old a ring may be for signing from it.
	StaleFor = 10 * time.Minute
	// VerifierLeeway is the most that a verifier grants an expired token.
	VerifierLeeway = time.Minute
	// ActivateAhead is how far ahead of its write a rotation takes effect: two polls, so that every replica has read it.
	ActivateAhead = 2 * Poll
)

// Defaults and bounds of Policy.
const (
	defaultRotateEvery = 30 * 24 * time.Hour
	defaultMaxAge      = 5 * time.Minute
	defaultToken       = 15 * time.Minute
	defaultSession     = 30 * 24 * time.Hour

	maxMaxAge  = 7 * 24 * time.Hour
	maxToken   = 30 * 24 * time.Hour
	maxSession = 10 * 366 * 24 * time.Hour

	// maxPublished bounds how many retired keys of an algorithm the JWKS may come to hold by automatic rotation.
	maxPublished = 64
)

// Policy is what the settings say of keys. The zero value of each field is its default.
type Policy struct {
	// Algs are the algorithms to sign with. Default ES256 and RS256.
	Algs []Algorithm
	// RotateEvery is how long a key signs before the next one does by itself. Default 30 days; negative: never.
	RotateEvery time.Duration
	// MaxAge is the Cache-Control max-age that the JWKS is sent with, in whole seconds. Default 5 minutes.
	MaxAge time.Duration
	// LongestToken is the longest life of anything that is signed: access, ID and status-list tokens. Default 15 minutes.
	LongestToken time.Duration
	// SessionTTL is the longest life of a session: as long is a superseded refresh key still checked, and a removed key's
	// public part kept. Default 30 days.
	SessionTTL time.Duration
}

// withDefaults fills in what is zero.
func (p Policy) withDefaults() Policy {
	if len(p.Algs) == 0 {
		p.Algs = []Algorithm{ES256, RS256}
	}
	p.Algs = slices.Clone(p.Algs)
	p.RotateEvery = or(p.RotateEvery, defaultRotateEvery)
	p.MaxAge = or(p.MaxAge, defaultMaxAge)
	p.LongestToken = or(p.LongestToken, defaultToken)
	p.SessionTTL = or(p.SessionTTL, defaultSession)
	return p
}

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// PublishWait is how long a key must have been published before it signs under these settings. (The ring's high-water
// marks may ask for more.)
func (p Policy) PublishWait() time.Duration { return p.withDefaults().marks().publishWait() }

// Retain is how long a key stays published after it signed last.
func (p Policy) Retain() time.Duration { return p.withDefaults().marks().retain() }

func (p Policy) marks() marks {
	return marks{Token: span(p.LongestToken), MaxAge: span(p.MaxAge), Session: span(p.SessionTTL)}
}

// Validate returns an error that says how to mend the settings; it is an ErrPolicy.
func (p Policy) Validate() error {
	p = p.withDefaults()
	if err := p.validateAlgs(); err != nil {
		return err
	}
	if err := p.validateBounds(); err != nil {
		return err
	}
	return p.validateRotation()
}

func (p Policy) validateAlgs() error {
	for i, a := range p.Algs {
		if !a.Known() {
			return fmt.Errorf("%w: SIGNET_KEY_ALGS names %.20q; choose among %v", ErrPolicy, a, Algorithms())
		}
		if slices.Contains(p.Algs[:i], a) {
			return fmt.Errorf("%w: SIGNET_KEY_ALGS names %s twice: leave one out", ErrPolicy, a)
		}
	}
	return nil
}

func (p Policy) validateBounds() error {
	for _, b := range []struct {
		name     string
		value    time.Duration
		min, max time.Duration
	}{
		{"SIGNET_JWKS_MAX_AGE", p.MaxAge, time.Second, maxMaxAge},
		{"the longest token life (SIGNET_ACCESS_TTL)", p.LongestToken, time.Second, maxToken},
		{"SIGNET_SESSION_TTL", p.SessionTTL, time.Second, maxSession},
	} {
		if b.value < b.min || b.value > b.max {
			return fmt.Errorf("%w: %s is %s: set it between %s and %s", ErrPolicy, b.name, b.value, b.min, b.max)
		}
	}
	if p.MaxAge%time.Second != 0 { // RFC 9111 §1.2.2: delta-seconds
		return fmt.Errorf("%w: SIGNET_JWKS_MAX_AGE is %s: set it to whole seconds", ErrPolicy, p.MaxAge)
	}
	return nil
}

func (p Policy) validateRotation() error {
	if p.RotateEvery < 0 {
		return nil
	}
	if wait := p.PublishWait(); p.RotateEvery < wait {
		return fmt.Errorf("%w: SIGNET_KEY_ROTATE_EVERY is %s, but a key must be published for %s before it signs (SIGNET_JWKS_MAX_AGE %s and %s for polls and clocks): raise the one or lower SIGNET_JWKS_MAX_AGE",
			ErrPolicy, p.RotateEvery, wait, p.MaxAge, wait-p.MaxAge)
	}
	if n := p.Retain() / p.RotateEvery; n > maxPublished {
		return fmt.Errorf("%w: with SIGNET_KEY_ROTATE_EVERY %s and tokens that live %s the JWKS would hold %d keys of an algorithm; at most %d: rotate at most every %s or shorten SIGNET_ACCESS_TTL",
			ErrPolicy, p.RotateEvery, p.LongestToken, n, maxPublished, (p.Retain() / maxPublished).Round(time.Second))
	}
	return nil
}

package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signet-oidc/signet/keys/secret"
)

// maxAttempts bounds how often a change is reconsidered because somebody else was first. Each conflict is another's
// progress, so that this many in a row mean a store that is at odds with itself.
const maxAttempts = 20

// Config is what a Keeper needs.
type Config struct {
	// Store keeps the ring. Required.
	Store Store
	// SealKeys: the first seals, all open. Required.
	SealKeys []secret.Key
	// Policy is what the settings say; its zero value is usable.
	Policy Policy
	// Providers make and open signing keys: the first makes new ones. Default Software.
	Providers []Provider
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Visit opens the ring without fitting it to Policy: no ring is made, no algorithm comes or goes, no mark is raised.
	// The command line does so, which may run with other settings than the servers.
	Visit bool
	// Hooks are told what happens.
	Hooks Hooks
}

// Hooks are for logs and metrics. They are called from the goroutine that made the change, and mustn't block.
type Hooks struct {
	// Changed is called after a write of this keeper.
	Changed func(Change)
	// Loaded is called when another version of the ring is in force here.
	Loaded func(*Ring)
	// Failed is called by Run when a reload or a step failed.
	Failed func(op string, err error)
}

// Keeper owns the snapshot of the ring and every change to it. It is safe for concurrent use.
type Keeper struct {
	store     Store
	seal      *sealer
	providers []Provider
	policy    Policy
	now       func() time.Time
	hooks     Hooks
	visit     bool
	poll      time.Duration

	ring atomic.Pointer[Ring]

	mu      sync.Mutex // guards what follows, and the order in which snapshots replace each other
	build   builder
	adopted time.Time     // when the last write of this keeper was in force
	offset  time.Duration // of this machine's clock
}

// Open reads the ring, or makes it where there is none, and fits it to the policy: marks are raised, algorithms that came
// get their keys, those that went end. Of several replicas that start at once one makes the ring, the others load it.
func Open(ctx context.Context, c Config) (*Keeper, error) {
	k, err := newKeeper(c)
	if err != nil {
		return nil, err
	}
	err = k.Reload(ctx)
	if errors.Is(err, ErrNoRing) && !c.Visit {
		err = k.change(ctx, k.planCreate)
	}
	if err != nil {
		return nil, err
	}
	if !c.Visit {
		if err := k.reconcile(ctx); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func newKeeper(c Config) (*Keeper, error) {
	if c.Store == nil {
		return nil, fmt.Errorf("%w: no store", ErrPolicy)
	}
	if err := c.Policy.Validate(); err != nil {
		return nil, err
	}
	seal, err := newSealer(c.SealKeys)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	providers := slices.Clone(c.Providers)
	if len(providers) == 0 {
		providers = []Provider{Software{}}
	}
	return &Keeper{
		store: c.Store, seal: seal, providers: providers, policy: c.Policy.withDefaults(), now: c.Now, hooks: c.Hooks,
		visit: c.Visit, poll: Poll, build: builder{seal: seal, providers: providers},
	}, nil
}

// Ring returns the snapshot in force, without a lock and without I/O.
func (k *Keeper) Ring() *Ring { return k.ring.Load() }

// Policy returns the settings with their defaults filled in.
func (k *Keeper) Policy() Policy {
	p := k.policy
	p.Algs = slices.Clone(p.Algs)
	return p
}

// Format keeps the keys in a Keeper out of whatever prints it.
func (k *Keeper) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keeper of a key ring") }

// ObserveClock tells the keeper by how much this machine's clock is ahead of the database's (negative: behind). The next
// snapshots' Ready says so where it is more than Leeway.
func (k *Keeper) ObserveClock(offset time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.offset = offset
	if r := k.ring.Load(); r != nil {
		next := *r
		next.offset = offset
		k.ring.Store(&next)
	}
}

// Reload reads the stored ring and puts it in force. It is cheap where the version is the same. On an error the snapshot
// stays, and ages.
func (k *Keeper) Reload(ctx context.Context) error {
	started := k.now() // before the read: what comes back is at least as new
	stored, err := k.store.LoadRing(ctx)
	if err != nil {
		return fmt.Errorf("load key ring: %w", err)
	}
	return k.adopt(ctx, stored, started)
}

// adopt puts a version that was read from the store in force.
func (k *Keeper) adopt(ctx context.Context, stored Sealed, started time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.ring.Load()
	switch {
	case old != nil && stored.Version == old.version && bytes.Equal(stored.Document, old.raw):
		k.publish(old.contents, started)
		return nil
	case old != nil && stored.Version < old.version && started.Before(k.adopted):
		return nil // read before our own write was done
	}
	doc, err := decodeDocument(stored.Document)
	if err != nil {
		return err
	}
	c, err := k.build.build(ctx, stored, doc)
	if err != nil {
		return err
	}
	k.publish(c, started)
	k.loaded()
	return nil
}

// publish swaps the snapshot. The caller holds mu.
func (k *Keeper) publish(c *contents, loaded time.Time) {
	k.ring.Store(&Ring{contents: c, loaded: loaded, offset: k.offset, maxAge: k.policy.MaxAge, every: k.policy.RotateEvery})
}

func (k *Keeper) loaded() {
	if k.hooks.Loaded != nil {
		k.hooks.Loaded(k.ring.Load())
	}
}

// plan changes a document at a time. It returns nil where there is nothing to do. It may be called several times: with
// another document when somebody was first, and again when keys that it took from the maker have been made.
type plan func(d *document, now time.Time, m *maker) (*Change, error)

// change makes one compare-and-swap write of what a plan does to the ring. Keys are generated outside the loop's hold on
// anything, once, and a plan's reasons are looked at again after each conflict.
func (k *Keeper) change(ctx context.Context, p plan) error {
	m := &maker{ctx: ctx, provider: k.providers[0], seal: k.seal}
	for range maxAttempts {
		err := k.attempt(ctx, p, m)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, errNeedKeys) {
			return err
		}
		if err := m.generate(); err != nil {
			return err
		}
	}
	return fmt.Errorf("change key ring: %w: %d times in a row", ErrConflict, maxAttempts)
}

func (k *Keeper) attempt(ctx context.Context, p plan, m *maker) error {
	version, d, err := k.current(ctx)
	if err != nil {
		return err
	}
	m.rewind()
	now := stamp(k.now())
	c, err := p(d, now, m)
	if err != nil || c == nil {
		return err
	}
	if m.missing() {
		return errNeedKeys
	}
	c.At, d.Updated = now, now
	return k.write(ctx, version+1, d, *c)
}

// stamp is a time as the document keeps it: UTC, to the millisecond, without the monotonic clock.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// current reads the ring for a change; an empty document of version 0 where there is none.
func (k *Keeper) current(ctx context.Context) (int64, *document, error) {
	stored, err := k.store.LoadRing(ctx)
	if errors.Is(err, ErrNoRing) {
		return 0, &document{}, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("load key ring: %w", err)
	}
	d, err := decodeDocument(stored.Document)
	return stored.Version, d, err
}

// write stores a document and puts it in force. It is opened first: what can't be opened is never written.
func (k *Keeper) write(ctx context.Context, version int64, d *document, c Change) error {
	if err := d.check(); err != nil {
		return fmt.Errorf("keys: change refused: %w", err)
	}
	b, err := d.encode()
	if err != nil {
		return err
	}
	stored := Sealed{Version: version, Document: b}
	next, err := k.prepare(ctx, stored, d)
	if err != nil {
		return err
	}
	started := k.now()
	if err := k.store.SwapRing(ctx, stored, c); err != nil {
		return fmt.Errorf("store key ring: %w", err)
	}
	k.commit(next, started)
	if k.hooks.Changed != nil {
		k.hooks.Changed(c)
	}
	return nil
}

func (k *Keeper) prepare(ctx context.Context, stored Sealed, d *document) (*contents, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.build.build(ctx, stored, d)
}

// commit puts a write of our own in force, unless a reload has seen a later one already.
func (k *Keeper) commit(c *contents, started time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.adopted = k.now()
	if old := k.ring.Load(); old != nil && old.version >= c.version {
		return
	}
	k.publish(c, started)
	k.loaded()
}

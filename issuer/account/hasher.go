package account

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Defaults and bounds of the pool.
const (
	DefaultCost     = 12
	MinCost         = 10 // OWASP's floor for bcrypt
	MaxCost         = bcrypt.MaxCost
	defaultQueue    = 64
	defaultDeadline = time.Second
)

// Errors of the pool.
var (
	// ErrMismatch means that the password isn't the one that was hashed.
	ErrMismatch = errors.New("the password doesn't match")
	// ErrBusy means that the pool has more to do than it can in time. The error
	// that wraps it is a *BusyError.
	ErrBusy = errors.New("the password pool is busy")
)

// BusyError is ErrBusy with the time after which trying again makes sense.
type BusyError struct{ RetryAfter time.Duration }

func (e *BusyError) Error() string { return ErrBusy.Error() }

// Unwrap returns ErrBusy.
func (e *BusyError) Unwrap() error { return ErrBusy }

// HasherConfig sets up the pool; its zero value is usable.
type HasherConfig struct {
	// Cost is bcrypt's, 10 to 31; zero: 12. Each step doubles the work.
	Cost int
	// Workers is how many bcrypts run at once; zero: GOMAXPROCS − 1, at least 1,
	// so that a flood of logins leaves a core to everything else.
	Workers int
	// Queue is how many may wait; zero: 64.
	Queue int
	// Deadline is how long after its arrival a refusal is out at the latest;
	// zero: 1 s. Nobody waits for a turn longer than nine tenths of it.
	Deadline time.Duration
	// Waited is told how long each call waited for its turn, once that came. It
	// must not block. Nil: nobody.
	Waited func(time.Duration)
	// UnsafeTestCost lets Cost go down to 4, for tests alone: such hashes are
	// guessed 64 times faster.
	UnsafeTestCost bool
}

// Hasher is the bounded pool in which all passwords are hashed and compared. A
// call does its work on its own goroutine once it has one of the slots. The
// methods may be called at once by any number of goroutines.
type Hasher struct {
	cost     int
	queue    int64
	deadline time.Duration
	waited   func(time.Duration)
	slots    chan struct{} // who has put one in may work; senders wait in order
	dummy    Hash

	waiting  atomic.Int64 // for a turn
	held     atomic.Int64 // refused, and not told yet
	rejected atomic.Uint64
	mean     atomic.Int64 // how long one bcrypt took of late, in ns; 0: not known

	compare  func(hash, password []byte) error
	generate func(password []byte, cost int) ([]byte, error)
}

// Stats is the pool at one moment.
type Stats struct {
	Waiting  int    // calls in the queue
	Busy     int    // bcrypts at work
	Rejected uint64 // calls refused with ErrBusy since the start
}

// NewHasher makes a pool. It returns an error for a cost outside 10 to 31 and
// for negative numbers.
func NewHasher(c HasherConfig) (*Hasher, error) {
	if c.Cost == 0 {
		c.Cost = DefaultCost
	}
	least := MinCost
	if c.UnsafeTestCost {
		least = bcrypt.MinCost
	}
	if c.Cost < least || c.Cost > MaxCost {
		return nil, fmt.Errorf("bcrypt cost %d: choose %d to %d", c.Cost, least, MaxCost)
	}
	if c.Workers < 0 || c.Queue < 0 || c.Deadline < 0 {
		return nil, errors.New("password pool: workers, queue and deadline can't be negative")
	}
	return newHasher(c), nil
}

func newHasher(c HasherConfig) *Hasher {
	if c.Workers == 0 {
		c.Workers = max(runtime.GOMAXPROCS(0)-1, 1)
	}
	if c.Queue == 0 {
		c.Queue = defaultQueue
	}
	if c.Deadline == 0 {
		c.Deadline = defaultDeadline
	}
	if c.Waited == nil {
		c.Waited = func(time.Duration) {}
	}
	return &Hasher{
		cost: c.Cost, queue: int64(c.Queue), deadline: c.Deadline, waited: c.Waited,
		slots: make(chan struct{}, c.Workers), dummy: newDummy(c.Cost),
		compare: bcrypt.CompareHashAndPassword, generate: bcrypt.GenerateFromPassword,
	}
}

// Hash returns a hash of the password at the pool's cost, or an error that wraps
// ErrTooLong, ErrNUL, ErrBusy or the context's error. Policy isn't asked.
func (h *Hasher) Hash(ctx context.Context, password string) (Hash, error) {
	if err := fits(password); err != nil {
		return "", err
	}
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	return h.hash(password)
}

// hashNow is Hash for who wouldn't wait: ErrBusy if no slot is free.
func (h *Hasher) hashNow(password string) (Hash, error) {
	if !h.tryAcquire() {
		return "", ErrBusy
	}
	return h.hash(password)
}

// hash works in a slot that was acquired, and releases it.
func (h *Hasher) hash(password string) (Hash, error) {
	defer h.release(time.Now())
	hash, err := h.generate([]byte(password), h.cost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return Hash(hash), nil
}

// Compare returns nil if stored was made of the password, ErrMismatch if not, or
// an error that wraps ErrBusy or the context's error. It costs one bcrypt of
// stored's cost whatever the password is: one that can't match (over 72 bytes,
// with a NUL) too. An empty stored hash matches nothing and costs what Dummy
// does.
func (h *Hasher) Compare(ctx context.Context, stored Hash, password string) error {
	fit := fits(password) == nil && stored != ""
	if !fit {
		password = "" // bcrypt itself would cut it and might say yes
	}
	if stored == "" {
		stored = h.dummy
	}
	if err := h.acquire(ctx); err != nil {
		return err
	}
	defer h.release(time.Now())
	err := h.compare([]byte(stored), []byte(password))
	switch {
	case !fit || errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return ErrMismatch
	case err != nil:
		return fmt.Errorf("compare password: %w", err)
	}
	return nil
}

// Dummy costs what Compare with a hash of the pool's cost does and returns
// ErrMismatch, or as Compare an error of the pool. It stands in for the hash of a
// user that doesn't exist, so that time doesn't tell. (A user whose hash has
// another cost than the pool's takes another time, until the next login has
// upgraded it.)
func (h *Hasher) Dummy(ctx context.Context, password string) error {
	return h.Compare(ctx, "", password)
}

// Stats returns the pool as it is now.
func (h *Hasher) Stats() Stats {
	return Stats{Waiting: int(h.waiting.Load()), Busy: len(h.slots), Rejected: h.rejected.Load()}
}

// Outdated tells whether a hash has another cost than the pool's, and should be
// made anew when the password is next known.
func (h *Hasher) Outdated(stored Hash) bool {
	cost, err := Cost(stored)
	return err == nil && cost != h.cost
}

// Cost returns the cost of a hash, or an error if it is no bcrypt hash.
func Cost(h Hash) (int, error) {
	cost, err := bcrypt.Cost([]byte(h))
	if err != nil {
		return 0, fmt.Errorf("password hash: %w", err)
	}
	return cost, nil
}

// newDummy returns a hash of no password, without paying for one: its salt and
// its digest are random, in bcrypt's own alphabet and lengths.
func newDummy(cost int) Hash {
	var b [16 + 23]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	e := base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)
	return Hash(fmt.Sprintf("$2a$%02d$%s%s", cost, e.EncodeToString(b[:16]), e.EncodeToString(b[16:])))
}

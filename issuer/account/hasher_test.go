package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// work counts bcrypts in the place of bcrypt: a hash is "cost:password".
type work struct {
	takes time.Duration // what each one takes

	now, most atomic.Int64 // at work, and the most at once
	mu        sync.Mutex
	costs     []int // of each bcrypt, in order
}

func (w *work) do(cost int) {
	n := w.now.Add(1)
	defer w.now.Add(-1)
	for most := w.most.Load(); n > most && !w.most.CompareAndSwap(most, n); most = w.most.Load() {
	}
	w.mu.Lock()
	w.costs = append(w.costs, cost)
	w.mu.Unlock()
	time.Sleep(w.takes) // in a synctest bubble, or zero
}

// taken returns the costs so far and forgets them.
func (w *work) taken() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	costs := w.costs
	w.costs = nil
	return costs
}

// fakeHash is what the fake makes of a password. It has the form that bcrypt.Cost
// reads.
func fakeHash(cost int, password string) Hash {
	return Hash(fmt.Sprintf("$2a$%02d$%060d%s", cost, 0, password))
}

// fake returns a hasher whose bcrypts w counts.
func fake(t *testing.T, w *work, c HasherConfig) *Hasher {
	t.Helper()
	h, err := NewHasher(c)
	if err != nil {
		t.Fatal(err)
	}
	h.generate = func(password []byte, cost int) ([]byte, error) {
		w.do(cost)
		return []byte(fakeHash(cost, string(password))), nil
	}
	h.compare = func(hash, password []byte) error {
		cost, err := bcrypt.Cost(hash)
		if err != nil {
			return err
		}
		w.do(cost)
		if string(hash) != string(fakeHash(cost, string(password))) {
			return bcrypt.ErrMismatchedHashAndPassword
		}
		return nil
	}
	return h
}

func TestNewHasherRefuses(t *testing.T) {
	tests := []struct {
		name   string
		config HasherConfig
		ok     bool
	}{
		{"zero value", HasherConfig{}, true},
		{"cost 10", HasherConfig{Cost: 10}, true},
		{"cost 31", HasherConfig{Cost: 31}, true},
		{"cost 9", HasherConfig{Cost: 9}, false},
		{"cost 32", HasherConfig{Cost: 32}, false},
		{"cost -1", HasherConfig{Cost: -1}, false},
		{"cost 4", HasherConfig{Cost: 4}, false},
		{"cost 4 in a test", HasherConfig{Cost: 4, UnsafeTestCost: true}, true},
		{"cost 3 in a test", HasherConfig{Cost: 3, UnsafeTestCost: true}, false},
		{"no worker", HasherConfig{Workers: -1}, false},
		{"no queue", HasherConfig{Queue: -1}, false},
		{"no time", HasherConfig{Deadline: -1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewHasher(tt.config); (err == nil) != tt.ok {
				t.Errorf("NewHasher: %v, want success %v", err, tt.ok)
			}
		})
	}
}

// TestBcrypt uses the real one.
func TestBcrypt(t *testing.T) {
	h, err := NewHasher(HasherConfig{Cost: bcrypt.MinCost, UnsafeTestCost: true})
	if err != nil {
		t.Fatal(err)
	}
	hash := func(password string) Hash {
		t.Helper()
		stored, err := h.Hash(t.Context(), password)
		if err != nil {
			t.Fatal(err)
		}
		return stored
	}
	other, _ := bcrypt.GenerateFromPassword([]byte("a crow on the wire"), 5)
	x72 := strings.Repeat("x", 72)
	tests := []struct {
		name     string
		stored   Hash
		password string
		want     error
	}{
		{"right", hash("a crow on the wire"), "a crow on the wire", nil},
		{"right, of another cost", Hash(other), "a crow on the wire", nil},
		{"$2y$ of PHP", Hash(strings.Replace(string(other), "$2a$", "$2y$", 1)), "a crow on the wire", nil},
		{"wrong", hash("a crow on the wire"), "a crow on the wall", ErrMismatch},
		{"empty", hash("a crow on the wire"), "", ErrMismatch},
		{"another case", hash("a crow on the wire"), "A crow on the wire", ErrMismatch},
		{"72 bytes", hash(x72), x72, nil},
		{"72 bytes and one that bcrypt doesn't read", hash(x72), x72 + "y", ErrMismatch},
		{"NUL and again the same", hash("aaaaaaaa"), "aaaaaaaa\x00aaaaaaaa", ErrMismatch},
		{"no hash", "", "a crow on the wire", ErrMismatch},
		{"no hash, no password", "", "", ErrMismatch},
		{"too long where the empty password is right", mustEmpty(t), x72 + "y", ErrMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := h.Compare(t.Context(), tt.stored, tt.password); !errors.Is(err, tt.want) {
				t.Errorf("Compare = %v, want %v", err, tt.want)
			}
		})
	}
	if err := h.Compare(t.Context(), "not a hash", "x"); err == nil || errors.Is(err, ErrMismatch) {
		t.Errorf("Compare with what is no hash = %v, want an error that isn't ErrMismatch", err)
	}
	for password, want := range map[string]error{x72 + "y": ErrTooLong, "a\x00b": ErrNUL} {
		if _, err := h.Hash(t.Context(), password); !errors.Is(err, want) {
			t.Errorf("Hash(%q) = %v, want %v", password, err, want)
		}
	}
}

// mustEmpty is a hash that Hash would make but a policy never lets in.
func mustEmpty(t *testing.T) Hash {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword(nil, bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return Hash(b)
}

func TestDummyIsAHashOfTheCost(t *testing.T) {
	for cost := bcrypt.MinCost; cost <= bcrypt.MaxCost; cost++ {
		if got, err := Cost(newDummy(cost)); got != cost || err != nil {
			t.Errorf("Cost(newDummy(%d)) = %d, %v", cost, got, err)
		}
	}
	if a, b := newDummy(10), newDummy(10); a == b {
		t.Error("two dummies are alike")
	}
	// A real bcrypt is done with it, not one that fails early.
	if err := bcrypt.CompareHashAndPassword([]byte(newDummy(4)), []byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		t.Errorf("compare with a dummy = %v", err)
	}
}

func TestOutdated(t *testing.T) {
	h := fake(t, &work{}, HasherConfig{Cost: 12})
	for stored, want := range map[Hash]bool{
		fakeHash(10, ""): true, fakeHash(12, ""): false, fakeHash(14, ""): true, "": false, "no hash": false,
	} {
		if got := h.Outdated(stored); got != want {
			t.Errorf("Outdated(cost of %.7q) = %v, want %v", string(stored), got, want)
		}
	}
}

// TestEveryCompareCostsOneBcrypt counts the work where a clock would flicker.
func TestEveryCompareCostsOneBcrypt(t *testing.T) {
	w := &work{}
	h := fake(t, w, HasherConfig{Cost: 12})
	tests := []struct {
		name string
		call func() error
		want int // the cost of the one bcrypt
	}{
		{"right", func() error { return h.Compare(t.Context(), fakeHash(12, "x"), "x") }, 12},
		{"wrong", func() error { return h.Compare(t.Context(), fakeHash(12, "x"), "y") }, 12},
		{"too long", func() error { return h.Compare(t.Context(), fakeHash(12, "x"), strings.Repeat("x", 73)) }, 12},
		{"NUL", func() error { return h.Compare(t.Context(), fakeHash(12, "x"), "x\x00x") }, 12},
		{"no hash", func() error { return h.Compare(t.Context(), "", "x") }, 12},
		{"nobody", func() error { return h.Dummy(t.Context(), "x") }, 12},
		{"nobody, too long", func() error { return h.Dummy(t.Context(), strings.Repeat("x", 73)) }, 12},
		{"another cost, too long", func() error { return h.Compare(t.Context(), fakeHash(10, "x"), strings.Repeat("x", 73)) }, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			if got := w.taken(); !slices.Equal(got, []int{tt.want}) {
				t.Errorf("bcrypts of cost %v (%v), want one of %d", got, err, tt.want)
			}
		})
	}
}

// load starts n compares at once and returns their errors, sorted by arrival, and
// how long each took. It belongs in a bubble.
func load(ctx context.Context, h *Hasher, n int) (errs []error, took []time.Duration) {
	errs, took = make([]error, n), make([]time.Duration, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			start := time.Now()
			errs[i] = h.Compare(ctx, fakeHash(12, "x"), "x")
			took[i] = time.Since(start)
		})
		synctest.Wait() // so that i is also the place in the queue
	}
	all.Wait()
	return errs, took
}

func count(errs []error, target error) (n int) {
	for _, err := range errs {
		if errors.Is(err, target) {
			n++
		}
	}
	return n
}

func TestPoolIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &work{takes: 10 * time.Millisecond}
		h := fake(t, w, HasherConfig{Workers: 3})
		errs, _ := load(t.Context(), h, 60)
		if n := count(errs, nil); n != 60 {
			t.Errorf("%d of 60 served: %v", n, errs)
		}
		if most := w.most.Load(); most != 3 {
			t.Errorf("%d at once, want 3", most)
		}
		if s := h.Stats(); s != (Stats{}) {
			t.Errorf("afterwards %+v", s)
		}
	})
}

func TestQueueIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fake(t, &work{takes: 10 * time.Millisecond}, HasherConfig{Workers: 1})
		_, took := load(t.Context(), h, 20)
		if !slices.IsSorted(took) {
			t.Errorf("who came first wasn't first: %v", took)
		}
	})
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fake(t, &work{takes: 100 * time.Millisecond}, HasherConfig{Workers: 1, Queue: 4})
		errs, took := load(t.Context(), h, 8)
		if n := count(errs[:5], nil); n != 5 {
			t.Errorf("of one at work and four in the queue %d were served", n)
		}
		for i := 5; i < 8; i++ {
			if busy, ok := errors.AsType[*BusyError](errs[i]); !ok || busy.RetryAfter != time.Second || took[i] != 0 {
				t.Errorf("number %d: %v after %v, want a BusyError (1s) at once", i, errs[i], took[i])
			}
		}
		if s := h.Stats(); s.Rejected != 3 {
			t.Errorf("%d counted as rejected, want 3", s.Rejected)
		}
	})
}

func TestRefusalsKeepTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fake(t, &work{takes: 300 * time.Millisecond}, HasherConfig{Workers: 1, Deadline: time.Second})
		errs, took := load(t.Context(), h, 64)
		// At work at once and after 300 and 600 ms; 900 ms is the limit itself.
		if n := count(errs, nil); n < 3 || n > 4 {
			t.Errorf("%d served, want 3 or 4", n)
		}
		for i := range errs {
			if errors.Is(errs[i], ErrBusy) && took[i] > time.Second {
				t.Errorf("number %d was told after %v", i, took[i])
			}
		}
	})
}

// TestHopelessIsHeld: once the pool knows what a bcrypt takes, who can't be served in
// time has no place in the queue; it is told so in good time, but not at once.
func TestHopelessIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fake(t, &work{takes: 300 * time.Millisecond}, HasherConfig{Workers: 1, Deadline: time.Second})
		load(t.Context(), h, 1)
		errs, took := load(t.Context(), h, 64)
		for i := 5; i < len(errs); i++ {
			if !errors.Is(errs[i], ErrBusy) || took[i] != 500*time.Millisecond {
				t.Errorf("number %d: %v after %v, want ErrBusy after half the deadline", i, errs[i], took[i])
			}
		}
		if n := count(errs, nil); n < 3 {
			t.Errorf("%d served, want 3 or more", n)
		}
		if s := h.Stats(); s.Waiting != 0 || s.Rejected != uint64(count(errs, ErrBusy)) {
			t.Errorf("afterwards %+v", s)
		}
	})
}

// TestHeldTakeNoPlace: while some are held, who comes when there is room is served.
func TestHeldTakeNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fake(t, &work{takes: 400 * time.Millisecond}, HasherConfig{Workers: 1, Deadline: time.Second})
		load(t.Context(), h, 1)
		go func() { load(t.Context(), h, 40) }() // three are served, until 1200 ms
		time.Sleep(450 * time.Millisecond)       // the first is done; the others are held until 500 ms
		if err := h.Compare(t.Context(), fakeHash(12, "x"), "x"); err != nil {
			t.Errorf("with one at work, one in the queue and 37 held: %v", err)
		}
		time.Sleep(time.Second)
	})
}

// TestHeldAreBounded: no more than may wait; and who hung up is held no longer.
func TestHeldAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fake(t, &work{takes: 300 * time.Millisecond}, HasherConfig{Workers: 1, Queue: 6, Deadline: time.Second})
		load(t.Context(), h, 1)
		ctx, hangUp := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer hangUp()
		errs, took := load(ctx, h, 20) // one works, four wait, six are held
		for i, err := range errs {
			switch {
			case i < 1:
			case i < 11 && (!errors.Is(err, context.DeadlineExceeded) || took[i] != 100*time.Millisecond):
				t.Errorf("number %d: %v after %v, want the context's error when it ended", i, err, took[i])
			case i >= 11 && (!errors.Is(err, ErrBusy) || took[i] != 0):
				t.Errorf("number %d: %v after %v, want ErrBusy at once", i, err, took[i])
			}
		}
	})
}

// TestPoolHealsAfterAStall: a bcrypt that took a minute (a machine that slept)
// doesn't make the pool refuse for ever.
func TestPoolHealsAfterAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &work{takes: time.Minute}
		h := fake(t, w, HasherConfig{Workers: 1})
		load(t.Context(), h, 1)
		w.takes = 10 * time.Millisecond
		for range 60 {
			load(t.Context(), h, 1)
		}
		if errs, _ := load(t.Context(), h, 20); count(errs, nil) != 20 {
			t.Errorf("after the stall: %v", errs)
		}
	})
}

func TestWhoHungUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &work{takes: 400 * time.Millisecond}
		var waits []time.Duration
		h := fake(t, w, HasherConfig{Workers: 1, Waited: func(d time.Duration) { waits = append(waits, d) }})
		go func() { _ = h.Compare(t.Context(), fakeHash(12, "x"), "x") }()
		synctest.Wait()

		ctx, hangUp := context.WithCancel(t.Context())
		var gone error
		go func() { gone = h.Compare(ctx, fakeHash(12, "x"), "x") }()
		synctest.Wait()
		if s := h.Stats(); s != (Stats{Waiting: 1, Busy: 1}) {
			t.Errorf("before: %+v", s)
		}
		hangUp()
		synctest.Wait()
		if s := h.Stats(); !errors.Is(gone, context.Canceled) || s != (Stats{Busy: 1}) {
			t.Errorf("after hanging up: %v, %+v", gone, s)
		}
		time.Sleep(time.Second)
		if n := len(w.taken()); n != 1 {
			t.Errorf("%d bcrypts, want only that of who stayed", n)
		}
		if !slices.Equal(waits, []time.Duration{0}) {
			t.Errorf("waits told: %v", waits)
		}
	})
}

func TestWhoHungUpBeforeDoesNoWork(t *testing.T) {
	w := &work{}
	h := fake(t, w, HasherConfig{})
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	if err := h.Compare(ctx, fakeHash(12, "x"), "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Compare = %v", err)
	}
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash = %v", err)
	}
	if n := len(w.taken()); n != 0 {
		t.Errorf("%d bcrypts", n)
	}
}

func TestWaitedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		h := fake(t, &work{takes: 100 * time.Millisecond}, HasherConfig{Workers: 1, Waited: func(d time.Duration) { waits = append(waits, d) }})
		load(t.Context(), h, 3)
		if want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}; !slices.Equal(waits, want) {
			t.Errorf("waits %v, want %v", waits, want)
		}
	})
}

func TestSlotComesBackFromAPanic(t *testing.T) {
	h := fake(t, &work{}, HasherConfig{Workers: 1})
	h.compare = func(_, _ []byte) error { panic("bcrypt") }
	func() {
		defer func() { _ = recover() }()
		_ = h.Compare(t.Context(), fakeHash(12, "x"), "x")
	}()
	if s := h.Stats(); s.Busy != 0 {
		t.Errorf("%+v", s)
	}
}

func TestHashPrintsRedacted(t *testing.T) {
	u := User{PasswordHash: "$2a$12$secret"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, x := range []any{u, &u, u.PasswordHash} {
			if text := fmt.Sprintf(verb, x); strings.Contains(text, "2a$12") || strings.Contains(text, "24326124") {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
}

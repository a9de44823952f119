package keystest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

// MemStore is a keys.Store in memory. Its zero value is empty and usable.
type MemStore struct {
	mu      sync.Mutex
	ring    keys.Sealed
	changes []keys.Change
	fail    error
	before  func(next keys.Sealed) // called without the lock
}

var _ keys.Store = (*MemStore)(nil)

// LoadRing implements keys.Store.
func (s *MemStore) LoadRing(ctx context.Context) (keys.Sealed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.fail, ctx.Err()); err != nil {
		return keys.Sealed{}, err
	}
	if s.ring.Version == 0 {
		return keys.Sealed{}, keys.ErrNoRing
	}
	return s.ring, nil
}

// SwapRing implements keys.Store.
func (s *MemStore) SwapRing(ctx context.Context, next keys.Sealed, c keys.Change) error {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(next)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.fail, ctx.Err()); err != nil {
		return err
	}
	if next.Version != s.ring.Version+1 {
		return keys.ErrConflict
	}
	s.ring = keys.Sealed{Version: next.Version, Document: bytes.Clone(next.Document)}
	s.changes = append(s.changes, c)
	return nil
}

// Changes returns what was written, in order.
func (s *MemStore) Changes() []keys.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.changes)
}

// Fail makes every call return err; nil ends that.
func (s *MemStore) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// BeforeSwap is called before each swap is decided: the place for another replica to be first. nil ends that.
func (s *MemStore) BeforeSwap(f func(next keys.Sealed)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Put replaces the ring as a restored backup would.
func (s *MemStore) Put(r keys.Sealed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ring = keys.Sealed{Version: r.Version, Document: bytes.Clone(r.Document)}
}

// Open returns a keeper on a store in memory, with keys made for the occasion. What is zero in c is filled in.
func Open(t testing.TB, c keys.Config) *keys.Keeper {
	t.Helper()
	if c.Store == nil {
		c.Store = new(MemStore)
	}
	if len(c.SealKeys) == 0 {
		c.SealKeys = []secret.Key{secret.GenerateKey()}
	}
	if len(c.Policy.Algs) == 0 {
		c.Policy.Algs = []keys.Algorithm{keys.ES256} // an RSA key takes a fifth of a second to make
	}
	k, err := keys.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("open key ring: %v", err)
	}
	return k
}

// TestStore is the contract of a keys.Store. open returns an empty store, and is called for each part.
func TestStore(t *testing.T, open func(t *testing.T) keys.Store) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	change := keys.Change{Kind: keys.Created, Actor: keys.SystemActor, KIDs: []string{"k"}, At: at}
	sealed := func(version int64, doc string) keys.Sealed {
		return keys.Sealed{Version: version, Document: []byte(doc)}
	}
	t.Run("empty", func(t *testing.T) {
		if _, err := open(t).LoadRing(t.Context()); !errors.Is(err, keys.ErrNoRing) {
			t.Fatalf("load of nothing: %v, want ErrNoRing", err)
		}
	})
	t.Run("swap and load", func(t *testing.T) {
		s := open(t)
		for v, doc := range []string{`{"a":1}`, `{"a":2,"text":"ünï"}`} {
			want := sealed(int64(v)+1, doc)
			if err := s.SwapRing(t.Context(), want, change); err != nil {
				t.Fatal(err)
			}
			expectRing(t, s, want)
		}
	})
	t.Run("conflict", func(t *testing.T) { testConflict(t, open(t), sealed, change) })
	t.Run("one of many", func(t *testing.T) { testOneWins(t, open(t), sealed, change) })
	t.Run("a context that is over", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := open(t)
		if err := s.SwapRing(ctx, sealed(1, `{}`), change); err == nil {
			t.Fatal("a swap under a context that was over succeeded")
		}
	})
}

func testConflict(t *testing.T, s keys.Store, sealed func(int64, string) keys.Sealed, change keys.Change) {
	if err := s.SwapRing(t.Context(), sealed(2, `{}`), change); !errors.Is(err, keys.ErrConflict) {
		t.Fatalf("version 2 on nothing: %v, want ErrConflict", err)
	}
	first := sealed(1, `{"first":true}`)
	if err := s.SwapRing(t.Context(), first, change); err != nil {
		t.Fatal(err)
	}
	for _, version := range []int64{-1, 0, 1, 3, 4} {
		if err := s.SwapRing(t.Context(), sealed(version, `{"other":true}`), change); !errors.Is(err, keys.ErrConflict) {
			t.Errorf("version %d on 1: %v, want ErrConflict", version, err)
		}
	}
	expectRing(t, s, first)
}

func testOneWins(t *testing.T, s keys.Store, sealed func(int64, string) keys.Sealed, change keys.Change) {
	const writers = 8
	for round := range int64(4) {
		var wg sync.WaitGroup
		errs := make([]error, writers)
		for i := range writers {
			wg.Go(func() { errs[i] = s.SwapRing(t.Context(), sealed(round+1, `{"n":1}`), change) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, keys.ErrConflict):
				t.Errorf("a swap that lost: %v, want ErrConflict", err)
			}
		}
		if won != 1 {
			t.Fatalf("%d of %d writers of version %d won, want 1", won, writers, round+1)
		}
	}
}

func expectRing(t *testing.T, s keys.Store, want keys.Sealed) {
	t.Helper()
	got, err := s.LoadRing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != want.Version || !bytes.Equal(got.Document, want.Document) {
		t.Fatalf("loaded version %d %s, want %d %s", got.Version, got.Document, want.Version, want.Document)
	}
}

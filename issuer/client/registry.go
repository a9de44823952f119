package client

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// Bounds of the registry's memory.
const (
	maxKept    = 100_000 // clients; further ones are read from the store each time
	maxUnknown = 4096    // ids that the store didn't know
	shardCount = 256     // a change copies one shard
	pageSize   = 500     // clients a read of LoadAll
	// unknownFor is how long an id that the store didn't know isn't asked for
	// again: as long as a replica may take to hear of a change.
	unknownFor = time.Second
)

// Reader is what the registry asks of a store.
type Reader interface {
	ByID(ctx context.Context, client id.Client) (Client, error)
	List(ctx context.Context, after id.Client, limit int) ([]Client, error)
}

// Registry is the copy of the clients in memory that requests read, without a
// lock and without the store once a client is known. It is kept right by
// Refresh, which the changes feed calls. The clients it returns share memory:
// nobody may write to their slices. All methods may be called at once.
type Registry struct {
	store   Reader
	builtin map[id.Client]Client
	seed    maphash.Seed
	shards  [shardCount]shard
	kept    atomic.Int64
	unknown unknown

	// loading is held while the store is read for Refresh and LoadAll, so that
	// what was read later is also kept later.
	loading sync.Mutex
}

// shard is one part of the copy. Its map is never written to once it is there.
type shard struct {
	clients atomic.Pointer[map[id.Client]Client]

	mu      sync.Mutex // held to swap clients
	changes uint64     // how often Refresh or LoadAll swapped; under mu
}

// NewRegistry returns an empty registry of the store's clients and the built-in
// ones, which hide a stored client of the same id.
func NewRegistry(store Reader, builtin ...Client) *Registry {
	r := &Registry{store: store, builtin: map[id.Client]Client{}, seed: maphash.MakeSeed()}
	for _, c := range builtin {
		r.builtin[c.ID] = c
	}
	for i := range r.shards {
		r.shards[i].clients.Store(&map[id.Client]Client{})
	}
	r.unknown.until = map[id.Client]time.Time{}
	return r
}

// Get returns a client, or an error that wraps ErrNotFound or is the store's.
func (r *Registry) Get(ctx context.Context, client id.Client) (Client, error) {
	if c, ok := r.builtin[client]; ok {
		return c, nil
	}
	s := r.shard(client)
	if c, ok := (*s.clients.Load())[client]; ok {
		return c, nil
	}
	return r.fetch(ctx, s, client)
}

// fetch reads an id that isn't in memory.
func (r *Registry) fetch(ctx context.Context, s *shard, client id.Client) (Client, error) {
	// The store isn't asked for what can't be in it: a text that no client could
	// have been registered under may be one that the engine can't even compare.
	if badID(client) != "" || r.unknown.has(client, time.Now()) {
		return Client{}, ErrNotFound
	}
	before, missed := s.seen(), r.unknown.seen()
	c, err := r.store.ByID(ctx, client)
	switch {
	case errors.Is(err, ErrNotFound):
		r.unknown.add(client, time.Now().Add(unknownFor), missed)
		return Client{}, err
	case err != nil:
		return Client{}, fmt.Errorf("read client: %w", err)
	}
	r.keep(s, c, before)
	return c, nil
}

// keep adds a client that was read when the shard had seen so many changes. If it
// has seen another one since, what was read may be what that one replaced.
func (r *Registry) keep(s *shard, c Client, before uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == before {
		r.put(s, c)
	}
}

// put swaps in a copy with c, if there is room. s.mu is held.
func (r *Registry) put(s *shard, c Client) {
	old := *s.clients.Load()
	if _, there := old[c.ID]; !there {
		if r.kept.Add(1) > maxKept {
			r.kept.Add(-1)
			return
		}
	}
	next := maps.Clone(old)
	next[c.ID] = c
	s.clients.Store(&next)
}

// drop swaps in a copy without a client. s.mu is held.
func (r *Registry) drop(s *shard, client id.Client) {
	old := *s.clients.Load()
	if _, there := old[client]; !there {
		return
	}
	next := maps.Clone(old)
	delete(next, client)
	s.clients.Store(&next)
	r.kept.Add(-1)
}

// Refresh reads a client that was made, changed or deleted anew. After an error
// the old copy stays, and the caller tries again.
func (r *Registry) Refresh(ctx context.Context, client id.Client) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	c, err := r.store.ByID(ctx, client)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("refresh client: %w", err)
	}
	s := r.shard(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	if err != nil {
		r.drop(s, client)
		return nil
	}
	r.unknown.forget(client)
	r.put(s, c)
	return nil
}

// LoadAll reads all clients, as many as are kept, and forgets those that are no
// longer there. After an error the old copies stay.
func (r *Registry) LoadAll(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	var fresh [shardCount]map[id.Client]Client
	for i := range fresh {
		fresh[i] = map[id.Client]Client{}
	}
	for n, after := 0, id.Client(""); n < maxKept; {
		page, err := r.store.List(ctx, after, min(pageSize, maxKept-n))
		if err != nil {
			return fmt.Errorf("load clients: %w", err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			fresh[r.index(c.ID)][c.ID] = c
		}
		n, after = n+len(page), page[len(page)-1].ID
	}
	r.swap(&fresh)
	return nil
}

func (r *Registry) swap(fresh *[shardCount]map[id.Client]Client) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.changes++
		r.kept.Add(int64(len(fresh[i]) - len(*s.clients.Load())))
		s.clients.Store(&fresh[i])
		s.mu.Unlock()
	}
	r.unknown.forgetAll()
}

func (r *Registry) index(client id.Client) uint64 {
	return maphash.String(r.seed, string(client)) % shardCount
}

func (r *Registry) shard(client id.Client) *shard { return &r.shards[r.index(client)] }

func (s *shard) seen() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}

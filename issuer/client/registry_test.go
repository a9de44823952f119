package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

var errDown = errors.New("store down")

// memory is a Reader that counts, and can be made to wait between reading and
// answering.
type memory struct {
	mu      sync.Mutex
	clients map[id.Client]Client
	reads   int
	lists   int
	fail    error
	pause   func(id.Client) // after the read, unlocked
}

func newMemory(n int) *memory {
	m := &memory{clients: map[id.Client]Client{}}
	for i := range n {
		m.set(Client{ID: id.Client(fmt.Sprintf("c%06d", i)), Version: 1})
	}
	return m
}

func (m *memory) set(c Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clients[c.ID] = c
}

func (m *memory) remove(client id.Client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.clients, client)
}

func (m *memory) read(client id.Client) (Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.fail != nil {
		return Client{}, m.fail
	}
	c, ok := m.clients[client]
	if !ok {
		return Client{}, fmt.Errorf("sql: %w", ErrNotFound)
	}
	return c, nil
}

func (m *memory) ByID(_ context.Context, client id.Client) (Client, error) {
	c, err := m.read(client)
	if m.pause != nil {
		m.pause(client)
	}
	return c, err
}

func (m *memory) List(_ context.Context, after id.Client, limit int) ([]Client, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lists++
	if m.fail != nil {
		return nil, m.fail
	}
	var page []Client
	for client, c := range m.clients {
		if client > after {
			page = append(page, c)
		}
	}
	slices.SortFunc(page, func(a, b Client) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return page[:min(limit, len(page))], nil
}

// version returns what Get says of a client; 0: not found.
func version(t *testing.T, r *Registry, client id.Client) int64 {
	t.Helper()
	c, err := r.Get(t.Context(), client)
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	return c.Version
}

func TestGetReadsOnce(t *testing.T) {
	m := newMemory(3)
	r := NewRegistry(m, Builtin(nil))
	for range 5 {
		if v := version(t, r, "c000001"); v != 1 {
			t.Fatalf("version %d", v)
		}
	}
	if m.reads != 1 {
		t.Errorf("%d reads, want 1", m.reads)
	}
	if c, err := r.Get(t.Context(), BuiltinID); err != nil || c.ID != BuiltinID || m.reads != 1 {
		t.Errorf("the built-in one: %+v, %v after %d reads", c, err, m.reads)
	}
}

func TestBuiltinHidesTheStored(t *testing.T) {
	m := newMemory(0)
	m.set(Client{ID: BuiltinID, Grants: []string{GrantPassword}})
	r := NewRegistry(m, Builtin(nil))
	if err := r.LoadAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Refresh(t.Context(), BuiltinID); err != nil {
		t.Fatal(err)
	}
	if c, _ := r.Get(t.Context(), BuiltinID); c.AllowsGrant(GrantPassword) {
		t.Error("a stored client took the built-in one's place")
	}
}

func TestLoadAll(t *testing.T) {
	m := newMemory(2*pageSize + 17)
	r := NewRegistry(m)
	if err := r.LoadAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for client := range m.clients {
		if version(t, r, client) != 1 {
			t.Fatalf("%s isn't there", client)
		}
	}
	if m.reads != 0 || r.kept.Load() != int64(len(m.clients)) {
		t.Errorf("%d reads one by one; %d kept, want %d", m.reads, r.kept.Load(), len(m.clients))
	}
	m.remove("c000003")
	m.set(Client{ID: "c000004", Version: 2})
	if err := r.LoadAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if version(t, r, "c000003") != 0 || version(t, r, "c000004") != 2 || r.kept.Load() != int64(len(m.clients)) {
		t.Errorf("the second load left old clients; %d kept", r.kept.Load())
	}
}

func TestRefresh(t *testing.T) {
	m := newMemory(1)
	r := NewRegistry(m)
	const c = "c000000"
	steps := []struct {
		name   string
		change func()
		want   int64
	}{
		{"as loaded", func() {}, 1},
		{"changed", func() { m.set(Client{ID: c, Version: 2}) }, 2},
		{"deleted", func() { m.remove(c) }, 0},
		{"made again, of a lower version", func() { m.set(Client{ID: c, Version: 1}) }, 1},
	}
	for _, step := range steps {
		step.change()
		if err := r.Refresh(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if v := version(t, r, c); v != step.want {
			t.Errorf("%s: version %d, want %d", step.name, v, step.want)
		}
	}
	if r.kept.Load() != 1 {
		t.Errorf("%d kept, want 1", r.kept.Load())
	}
}

func TestStoreErrorsAreNotAbsence(t *testing.T) {
	m := newMemory(2)
	r := NewRegistry(m)
	version(t, r, "c000000")
	m.fail = errDown
	if _, err := r.Get(t.Context(), "c000001"); !errors.Is(err, errDown) || errors.Is(err, ErrNotFound) {
		t.Errorf("Get = %v, want the store's error", err)
	}
	if err := r.Refresh(t.Context(), "c000000"); !errors.Is(err, errDown) {
		t.Errorf("Refresh = %v", err)
	}
	if err := r.LoadAll(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("LoadAll = %v", err)
	}
	if version(t, r, "c000000") != 1 {
		t.Error("a known client is lost while the store is down")
	}
	m.fail = nil
	if version(t, r, "c000001") != 1 {
		t.Error("an error was remembered as absence")
	}
}

func TestUnknownIsRememberedBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(0)
		r := NewRegistry(m)
		for range 10 {
			version(t, r, "new")
		}
		if m.reads != 1 {
			t.Errorf("%d reads for one unknown id, want 1", m.reads)
		}
		m.set(Client{ID: "new", Version: 1})
		if err := r.Refresh(t.Context(), "new"); err != nil || version(t, r, "new") != 1 {
			t.Errorf("after Refresh it isn't there: %v", err)
		}
		version(t, r, "newer")
		m.set(Client{ID: "newer", Version: 1})
		time.Sleep(unknownFor)
		if version(t, r, "newer") != 1 {
			t.Error("without Refresh it isn't there after a second")
		}
	})
}

func TestUnknownIsBounded(t *testing.T) {
	r := NewRegistry(newMemory(0))
	for i := range maxUnknown + 100 {
		version(t, r, id.Client(fmt.Sprint("x", i)))
	}
	if n := len(r.unknown.until); n != maxUnknown {
		t.Errorf("%d unknown ids remembered, want %d", n, maxUnknown)
	}
}

func TestStoreIsNotAskedForWhatCannotBe(t *testing.T) {
	m := newMemory(0)
	r := NewRegistry(m)
	for _, client := range []id.Client{"", "a\x00b", "a b", "usr_x", "a\xff", id.Client(strings.Repeat("x", 129))} {
		if v := version(t, r, client); v != 0 || m.reads != 0 {
			t.Errorf("%.10q: the store was asked", client)
		}
	}
}

func TestKeptIsBounded(t *testing.T) {
	m := newMemory(2)
	r := NewRegistry(m)
	r.kept.Store(maxKept - 1)
	version(t, r, "c000000")
	m.reads = 0
	for range 3 {
		if version(t, r, "c000001") != 1 {
			t.Fatal("a client beyond the bound isn't found")
		}
	}
	if m.reads != 3 || r.kept.Load() != maxKept {
		t.Errorf("%d reads, %d kept; want 3 and %d", m.reads, r.kept.Load(), maxKept)
	}
	m.set(Client{ID: "c000000", Version: 2})
	if err := r.Refresh(t.Context(), "c000000"); err != nil || version(t, r, "c000000") != 2 {
		t.Errorf("a kept client can't be changed: %v", err)
	}
}

// TestOldReadDoesNotComeBack: a Get that read before a change and answers after it
// must not put the old client back.
func TestOldReadDoesNotComeBack(t *testing.T) {
	const c = "c000000"
	tests := []struct {
		name   string
		before func(*memory)
		change func(*memory)
		want   int64
	}{
		{"changed", func(*memory) {}, func(m *memory) { m.set(Client{ID: c, Version: 2}) }, 2},
		{"deleted", func(*memory) {}, func(m *memory) { m.remove(c) }, 0},
		{"made", func(m *memory) { m.remove(c) }, func(m *memory) { m.set(Client{ID: c, Version: 7}) }, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory(1)
			tt.before(m)
			r := NewRegistry(m)
			m.pause = func(id.Client) {
				m.pause = nil
				tt.change(m)
				if err := r.Refresh(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
			version(t, r, c) // reads, and is overtaken
			if v := version(t, r, c); v != tt.want {
				t.Errorf("version %d, want %d", v, tt.want)
			}
		})
	}
}

// TestRegistryConverges: whatever happens at once, after a last Refresh of each
// client the copy is what the store has.
func TestRegistryConverges(t *testing.T) {
	m := newMemory(8)
	r := NewRegistry(m)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			client := id.Client(fmt.Sprintf("c%06d", worker))
			for v := range int64(200) {
				if v%7 == 6 {
					m.remove(client)
				} else {
					m.set(Client{ID: client, Version: v})
				}
				if err := r.Refresh(t.Context(), client); err != nil {
					t.Error(err)
				}
				if want, err := m.read(client); version(t, r, client) != want.Version {
					t.Errorf("%s: not version %d (%v)", client, want.Version, err)
				}
			}
		})
		all.Go(func() {
			for i := range 400 {
				_, _ = r.Get(t.Context(), id.Client(fmt.Sprintf("c%06d", (worker+i)%8)))
			}
		})
	}
	all.Go(func() {
		for range 20 {
			if err := r.LoadAll(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	n := 0
	for i := range r.shards {
		n += len(*r.shards[i].clients.Load())
	}
	if r.kept.Load() != int64(n) || n != len(m.clients) {
		t.Errorf("%d counted, %d kept, %d stored", r.kept.Load(), n, len(m.clients))
	}
}

func BenchmarkGet(b *testing.B) {
	r := NewRegistry(newMemory(1000))
	if err := r.LoadAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Get(b.Context(), "c000500"); err != nil {
			b.Fatal(err)
		}
	}
}

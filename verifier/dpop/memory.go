package dpop

import (
	"context"
	"errors"
	"sync"
	"time"
)

// DefaultMemory is how many proofs a Memory holds at most: about 20 MB.
const DefaultMemory = 1 << 17

var errFull = errors.New("full")

// Memory is a Replay of one process. It is bounded: once it holds as many proofs
// as it may, and all could still be replayed, it takes no more, for forgetting one
// would let it in twice.
type Memory struct {
	size int
	now  func() time.Time

	mu    sync.Mutex // used and sweep
	used  map[string]time.Time
	sweep time.Time // when it was last searched for what is over
}

var _ Replay = (*Memory)(nil)

// NewMemory makes a memory of size proofs; zero is DefaultMemory. A nil now is
// time.Now.
func NewMemory(size int, now func() time.Time) *Memory {
	if size <= 0 {
		size = DefaultMemory
	}
	if now == nil {
		now = time.Now
	}
	return &Memory{size: size, now: now, used: make(map[string]time.Time)}
}

// Use remembers id. See [Replay].
func (m *Memory) Use(_ context.Context, id string, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if end, ok := m.used[id]; ok && now.Before(end) {
		return false, nil
	}
	if len(m.used) >= m.size || now.Sub(m.sweep) > time.Minute {
		m.drop(now)
	}
	if len(m.used) >= m.size {
		return false, errFull
	}
	m.used[id] = until
	return true, nil
}

// drop forgets what is over. A full memory isn't searched more than once a second.
func (m *Memory) drop(now time.Time) {
	if now.Sub(m.sweep) < time.Second {
		return
	}
	m.sweep = now
	for id, until := range m.used {
		if !now.Before(until) {
			delete(m.used, id)
		}
	}
}

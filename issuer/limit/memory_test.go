package limit

import (
	"context"
	"sync"
	"time"
)

// memory is a Store by GCRA that remembers which keys were asked, and at what
// cost.
type memory struct {
	mu    sync.Mutex
	tats  map[string]time.Time
	asked []ask
	fail  error
}

type ask struct {
	key  string
	cost int
}

var _ Store = (*memory)(nil)

func newMemory() *memory { return &memory{tats: map[string]time.Time{}} }

func (m *memory) Take(_ context.Context, key string, rate Rate, cost int, now time.Time) (Decision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, ask{key, cost})
	if m.fail != nil {
		return Decision{}, m.fail
	}
	tat, d := GCRA(m.tats[key], rate, cost, now)
	m.tats[key] = tat
	return d, nil
}

package verifier

import (
	"sync"
	"time"
)

// Fetches that a token with an unknown kid may cause: two at once, then one each
// half minute. Anybody can send such tokens.
const (
	bucketSize  = 2
	bucketEvery = 30 * time.Second
)

// bucket holds leave to fetch. The zero value is full.
type bucket struct {
	mu    sync.Mutex
	taken int       // how many are out
	since time.Time // when the oldest of them began to come back
}

// take says whether there was one left.
func (b *bucket) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if back := int(now.Sub(b.since) / bucketEvery); b.taken > 0 && back > 0 {
		b.taken -= min(back, b.taken)
		b.since = b.since.Add(time.Duration(back) * bucketEvery)
	}
	if b.taken == bucketSize {
		return false
	}
	if b.taken == 0 {
		b.since = now
	}
	b.taken++
	return true
}

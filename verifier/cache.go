package verifier

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

const (
	ways = 8  // tokens that share a set
	tail = 24 // characters of the signature that choose it: 144 random bits
)

// cache remembers tokens that were verified. It is a fixed table of sets, chosen
// by the signature's tail under a seed of this process, so that nobody can aim
// at one set; a set holds the tags of its tokens side by side, and so a miss
// touches one cache line.
//
// Only a token whose signature held gets in. A hit compares the whole token. That
// compare isn't of constant time, and needn't be: to reach it one must already
// have the signature's last 144 bits.
type cache struct {
	seed maphash.Seed
	mask uint64
	sets []set
}

type set struct {
	tags    [ways]atomic.Uint64
	entries [ways]atomic.Pointer[entry]
	hand    atomic.Uint32 // whom to put out next
}

// entry is a verified token and what it was verified with. It doesn't change. The
// token lies inside, so that both cost one allocation.
type entry struct {
	raw      string
	token    Token
	lists    lists
	key      Key
	snapshot *keySnapshot // where key came from, if that was one of ours
	list     *list        // where its status stands, if that is one of ours
}

// newCache makes a cache for about size tokens, nil for none.
func newCache(size int) *cache {
	if size < 0 {
		return nil
	}
	n := uint64(1)
	for n*ways < uint64(size) {
		n *= 2
	}
	return &cache{seed: maphash.MakeSeed(), mask: n - 1, sets: make([]set, n)}
}

// place finds the set and tag of raw. A tag is never 0, which marks a free way.
func (c *cache) place(raw string) (*set, uint64) {
	h := maphash.String(c.seed, raw[max(0, len(raw)-tail):])
	return &c.sets[h&c.mask], h | 1<<63
}

func (c *cache) get(raw string) *entry {
	if c == nil {
		return nil
	}
	s, tag := c.place(raw)
	for i := range s.tags {
		if s.tags[i].Load() != tag {
			continue
		}
		if e := s.entries[i].Load(); e != nil && e.raw == raw {
			return e
		}
	}
	return nil
}

func (c *cache) put(e *entry, now time.Time) {
	if c == nil {
		return
	}
	s, tag := c.place(e.raw)
	i := s.way(tag, now)
	s.tags[i].Store(tag)
	s.entries[i].Store(e)
}

// way chooses where to put a token: its own place, else one that is free or
// expired, else in turn.
func (s *set) way(tag uint64, now time.Time) int {
	free := -1
	for i := range s.tags {
		e := s.entries[i].Load()
		if s.tags[i].Load() == tag {
			return i
		}
		if free < 0 && (e == nil || now.After(e.token.Expiry)) {
			free = i
		}
	}
	if free >= 0 {
		return free
	}
	return int(s.hand.Add(1) % ways)
}

// clear forgets everything: a key was withdrawn.
func (c *cache) clear() {
	if c == nil {
		return
	}
	for i := range c.sets {
		for w := range ways {
			c.sets[i].tags[w].Store(0)
			c.sets[i].entries[w].Store(nil)
		}
	}
}

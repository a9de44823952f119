package session

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// ListSize is how many indices one Token Status List has (one bit each: 16 KiB
// before compression).
const ListSize = 1 << 17

// leaseSize is how many indices a process takes at a time. They are handed out
// shuffled, so that neighbours in a list say nothing of each other
// (draft-ietf-oauth-status-list, Unlinkability); what a stopped process had left
// is never used.
const leaseSize = 256

// allocator hands out status indices, each once.
type allocator struct {
	indices Indices

	mu   sync.Mutex // guards left; held over a lease, which is rare
	left []int64
}

func (a *allocator) next(ctx context.Context) (int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.left) == 0 {
		first, err := a.indices.Lease(ctx, leaseSize)
		if err != nil {
			return 0, err
		}
		for i := range int64(leaseSize) {
			a.left = append(a.left, first+i)
		}
		rand.Shuffle(leaseSize, func(i, j int) { a.left[i], a.left[j] = a.left[j], a.left[i] })
	}
	n := a.left[len(a.left)-1]
	a.left = a.left[:len(a.left)-1]
	return n, nil
}

// Bits are a replica's own copy of all published status lists: which sessions
// have ended. Has takes no lock: it is asked at every refresh.
type Bits struct {
	mu    sync.Mutex // guards changes: one writer at a time
	lists atomic.Pointer[map[int64]*list]
}

type list struct {
	words [ListSize / 64]atomic.Uint64 // bit i of the list is bit i%64 of word i/64
	set   atomic.Int64                 // how many bits are set: only ever grows
}

// NewBits returns bits of the first list, none set.
func NewBits() *Bits {
	b := &Bits{}
	b.lists.Store(&map[int64]*list{})
	b.publish(0)
	return b
}

// Publish makes a list known, with no bit set if it was not; and the next one as
// well, so that every replica has it before the first session of it is opened on
// any.
func (b *Bits) Publish(number int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.publish(number)
	b.publish(number + 1)
}

func (b *Bits) publish(number int64) *list {
	old := *b.lists.Load()
	if l := old[number]; l != nil {
		return l
	}
	next := make(map[int64]*list, len(old)+1)
	for n, l := range old {
		next[n] = l
	}
	l := new(list)
	next[number] = l
	b.lists.Store(&next)
	return l
}

// Set sets the bit of an index and tells whether it was clear.
func (b *Bits) Set(index int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.publish(index / ListSize)
	i := index % ListSize
	mask := uint64(1) << (i % 64)
	if l.words[i/64].Or(mask)&mask != 0 {
		return false
	}
	l.set.Add(1)
	return true
}

// Has tells whether the bit of an index is set.
func (b *Bits) Has(index int64) bool {
	l := (*b.lists.Load())[index/ListSize]
	if l == nil {
		return false
	}
	i := index % ListSize
	return l.words[i/64].Load()&(1<<(i%64)) != 0
}

// Version is how many bits of a list are set; false where it isn't published.
func (b *Bits) Version(number int64) (int64, bool) {
	l := (*b.lists.Load())[number]
	if l == nil {
		return 0, false
	}
	return l.set.Load(), true
}

// List returns a copy of a list, least significant bit first (Token Status List
// §4.1), and its version; false where it isn't published.
func (b *Bits) List(number int64) (bits []byte, version int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := (*b.lists.Load())[number]
	if l == nil {
		return nil, 0, false
	}
	bits = make([]byte, 0, ListSize/8)
	for i := range l.words {
		bits = binary.LittleEndian.AppendUint64(bits, l.words[i].Load())
	}
	return bits, l.set.Load(), true
}

// Keep drops every list that is not among numbers, but for those beyond the last
// of them: these are new, and numbers may have been asked for before they were.
func (b *Bits) Keep(numbers []int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := int64(-1)
	for _, n := range numbers {
		last = max(last, n)
	}
	next := map[int64]*list{}
	for n, l := range *b.lists.Load() {
		if n > last || slices.Contains(numbers, n) {
			next[n] = l
		}
	}
	b.lists.Store(&next)
}

// Numbers returns the numbers of the lists there are, in order.
func (b *Bits) Numbers() []int64 {
	var ns []int64
	for n := range *b.lists.Load() {
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns
}

package session

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestBits(t *testing.T) {
	b := NewBits()
	for _, i := range []int64{0, 9, ListSize - 1, ListSize, 3*ListSize + 77} {
		if b.Has(i) {
			t.Errorf("index %d is set before", i)
		}
		if !b.Set(i) || b.Set(i) || !b.Has(i) {
			t.Errorf("index %d isn't set once", i)
		}
	}
	bits, version, ok := b.List(0)
	if !ok || version != 3 || len(bits) != ListSize/8 {
		t.Fatalf("list 0: %d bytes, version %d, %v", len(bits), version, ok)
	}
	// Least significant bit first (Token Status List §4.1).
	if bits[0] != 1 || bits[1] != 2 || bits[ListSize/8-1] != 0x80 {
		t.Errorf("bytes %x %x … %x", bits[0], bits[1], bits[ListSize/8-1])
	}
	if _, ok := b.Version(9); ok {
		t.Error("list 9 is published")
	}
	b.Keep([]int64{1, 3})
	if _, _, ok := b.List(0); ok || b.Has(0) {
		t.Error("list 0 was not dropped")
	}
	b.Publish(5)
	b.Keep([]int64{3})
	if got := b.Numbers(); !slices.Equal(got, []int64{3, 5, 6}) {
		t.Errorf("kept %v: lists that are newer than the question must stay", got)
	}
}

func TestBitsConcurrently(t *testing.T) {
	b := NewBits()
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range int64(1000) {
				b.Set(i*7%ListSize + int64(w%2))
				b.Has(i)
				b.List(0)
			}
		})
	}
	all.Wait()
	want := map[int64]bool{}
	for i := range int64(1000) {
		want[i*7%ListSize], want[i*7%ListSize+1] = true, true
	}
	if v, _ := b.Version(0); v != int64(len(want)) {
		t.Errorf("version %d, want %d", v, len(want))
	}
}

// leases hands out blocks one after the other.
type leases struct{ next int64 }

func (l *leases) Lease(_ context.Context, n int64) (int64, error) {
	l.next += n
	return l.next - n, nil
}

func (*leases) Set(context.Context, time.Time, func(int64) bool) error { return nil }

func (*leases) Lists(context.Context, time.Time) ([]int64, error) { return nil, nil }

func TestAllocatorHandsOutEachIndexOnce(t *testing.T) {
	a := &allocator{indices: &leases{}}
	seen, inOrder := map[int64]bool{}, 0
	last := int64(-1)
	for range 4 * leaseSize {
		i, err := a.next(t.Context())
		if err != nil || seen[i] || i < 0 || i >= 4*leaseSize {
			t.Fatalf("index %d (%v) comes again or from nowhere", i, err)
		}
		if seen[i] = true; i == last+1 {
			inOrder++
		}
		last = i
	}
	if inOrder > leaseSize/2 {
		t.Errorf("%d of %d indices follow each other: they aren't shuffled", inOrder, 4*leaseSize)
	}
}

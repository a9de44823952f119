package issuer

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/internal/metrics"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// ends is a feed of sessions that ended, by their status indices from 1 on.
type ends struct {
	store.Feed
	n int64
}

func (f ends) Since(_ context.Context, after int64, _ time.Duration, limit int) (page []store.Change, _ error) {
	for seq := after + 1; seq <= f.n && len(page) < limit; seq++ {
		page = append(page, store.Change{Seq: seq, Kind: store.Session, ID: "s", Version: seq})
	}
	return page, nil
}

// deaf is a token store that is away, until it isn't.
type deaf struct {
	session.Generations
	store.Healer
	away  bool
	heard []int64
}

func (d *deaf) End(_ context.Context, ended []session.Ended) error {
	if d.away {
		return store.ErrUnavailable
	}
	for _, e := range ended {
		d.heard = append(d.heard, e.Status)
	}
	return nil
}

// A replica refuses what ended elsewhere while the token store was away: all of
// it, and not only what stands before the first change that the store must hear of.
func TestEndsAreSeenWhileTheTokenStoreIsAway(t *testing.T) {
	const n = 2*feedPage + 7
	d := &deaf{away: true}
	i := &Issuer{
		backend: store.Backend{Feed: ends{n: n}, Generations: d, Healer: d},
		bits:    session.NewBits(), now: time.Now, metrics: metrics.New("test"),
	}
	f := &follower{issuer: i, seen: map[int64]time.Time{}, last: time.Now()}
	if err := f.look(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("with the store away: %v, want ErrUnavailable", err)
	}
	for index := range int64(n + 2) {
		if want := index >= 1 && index <= n; i.bits.Has(index) != want {
			t.Fatalf("status bit %d is set: %v, want %v", index, !want, want)
		}
	}
	d.away = false
	if err := f.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.heard) != n || !slices.IsSorted(d.heard) {
		t.Errorf("the store heard of %d ends when it was back, want all %d in order", len(d.heard), n)
	}
}

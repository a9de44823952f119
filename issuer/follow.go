package issuer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/store"
)

const (
	// reread is how far back each look at the feed goes: commit order is not
	// sequence order, and no transaction takes as long.
	reread = 30 * time.Second
	// feedPage is how many entries a look reads at a time.
	feedPage = 1000
)

// follower keeps a replica's copies true: what others changed comes by the feed.
// It is used by one goroutine.
type follower struct {
	issuer *Issuer
	at     int64               // all up to here has been applied
	seen   map[int64]time.Time // applied, of the last reread
	last   time.Time           // when the feed was last read to its end
}

// begin reads what is, from a place in the feed that was taken before.
func (f *follower) begin(ctx context.Context) (err error) {
	i := f.issuer
	f.seen, f.last = map[int64]time.Time{}, i.now()
	if f.at, err = i.backend.Feed.Head(ctx); err != nil {
		return err
	}
	if err := i.clients.LoadAll(ctx); err != nil {
		return err
	}
	return i.readLists(ctx)
}

// look applies what is new. A change that can't be applied is tried again at the
// next look, and those behind it wait.
func (f *follower) look(ctx context.Context) error {
	now := f.issuer.now()
	// An entry that was late while nobody could read is late still.
	recent := reread + now.Sub(f.last)
	for {
		page, err := f.issuer.backend.Feed.Since(ctx, f.at, recent, feedPage)
		if err != nil {
			return fmt.Errorf("read the feed: %w", err)
		}
		f.refuse(ctx, page)
		before := f.at
		if err := f.applyPage(ctx, page); err != nil {
			return errors.Join(err, f.refuseAfter(ctx, page))
		}
		if len(page) < feedPage || f.at == before {
			f.last = now
			f.forget()
			return nil
		}
	}
}

// refuse sets the status bits of a page and reads its clients, before anything that the
// token store can make fail: one that is away must not keep the end of a session from
// being seen here (it may have forgotten that end when it comes back), nor the end of
// a client's secret.
func (f *follower) refuse(ctx context.Context, page []store.Change) {
	for _, c := range page {
		_, done := f.seen[c.Seq]
		switch {
		case c.Kind == store.Session:
			f.issuer.bits.Set(c.Version)
		case c.Kind == store.Client && !done:
			_ = f.issuer.clients.Refresh(ctx, id.Client(c.ID)) // apply tries again, and says so
		}
	}
}

// refuseAfter does so with all that comes after a page that couldn't be applied.
func (f *follower) refuseAfter(ctx context.Context, page []store.Change) (err error) {
	for len(page) >= feedPage {
		last := page[len(page)-1].Seq
		if page, err = f.issuer.backend.Feed.Since(ctx, last, 0, feedPage); err != nil {
			return fmt.Errorf("read the feed: %w", err)
		}
		f.refuse(ctx, page)
	}
	return nil
}

func (f *follower) applyPage(ctx context.Context, page []store.Change) error {
	for _, c := range page {
		if _, ok := f.seen[c.Seq]; !ok {
			if err := f.issuer.apply(ctx, c); err != nil {
				return fmt.Errorf("apply %s %s: %w", c.Kind, c.ID, err)
			}
			f.issuer.metrics.Follow.Inc()
			f.seen[c.Seq] = f.issuer.now()
		}
		f.at = max(f.at, c.Seq)
	}
	return nil
}

func (f *follower) forget() {
	limit := f.issuer.now().Add(-3 * reread) // longer than any look reads again, but for one after a stall
	for seq, at := range f.seen {
		if at.Before(limit) {
			delete(f.seen, seq)
		}
	}
}

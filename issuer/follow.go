package issuer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

const (
	// reread is how far back each look at the feed goes: commit order is not
	// sequence order, and no transaction takes as long.
	reread = 30 * time.Second
	// reapply is how far back ends of sessions are told again to a store that forgot.
	reapply = time.Hour
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
	since := i.listsSince()
	lists, err := i.backend.Indices.Lists(ctx, since)
	if err != nil {
		return err
	}
	for _, n := range lists {
		i.bits.Publish(n)
	}
	return i.backend.Indices.Set(ctx, since, func(index int64) bool {
		i.bits.Set(index)
		return true
	})
}

// listsSince is the time after which a list's last session must have ended for
// the list to be published: its access tokens may still live.
func (i *Issuer) listsSince() time.Time {
	return i.now().Add(-i.keeper.Policy().Retain())
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

// apply makes a change seen here. It can be applied any number of times.
func (i *Issuer) apply(ctx context.Context, c store.Change) error {
	switch c.Kind {
	case store.User:
		return i.tell(ctx, id.User(c.ID))
	case store.Client:
		return i.clients.Refresh(ctx, id.Client(c.ID))
	case store.Session:
		i.bits.Set(c.Version)
		return i.remark(ctx, c)
	case store.Ring:
		return i.keeper.Reload(ctx)
	}
	return nil // of a newer version's kind: not for us
}

// tell gives a user's sessions the roles and state that the user has now.
func (i *Issuer) tell(ctx context.Context, user id.User) error {
	u, err := i.backend.Accounts.ByID(ctx, user)
	if errors.Is(err, account.ErrNotFound) {
		return nil // deleted: the sessions ended with the user
	}
	if err != nil {
		return err
	}
	return i.sessions.Learn(ctx, session.Person{User: u.ID, Roles: u.Roles, Disabled: u.Disabled, Version: u.Version})
}

// remark ends a session in the generations, where these are a store that whoever
// ended it may not have reached.
func (i *Issuer) remark(ctx context.Context, c store.Change) error {
	if i.backend.Healer == nil {
		return nil
	}
	until := c.At.Add(i.settings.SessionTTL)
	return i.backend.Generations.End(ctx, []session.Ended{{ID: id.Session(c.ID), Status: c.Version, Until: until}})
}

// healing is how far the changes have been applied again to generations that went back
// in time. It is used by one goroutine.
type healing struct {
	under bool  // under way
	at    int64 // done up to here
}

// heal applies the changes that the feed still has again where the generations went
// back in time: of sessions that ended those of the last hour, since the status bits
// refuse all of them; of users all, since nothing else says what roles they have. What
// can't be applied is tried again at the next step, as far as it takes: to have gone
// back is said once only.
func (i *Issuer) heal(ctx context.Context) error {
	if i.backend.Healer == nil {
		return nil
	}
	back, err := i.backend.Healer.WentBack(ctx)
	if err != nil {
		return err
	}
	if back {
		i.log.Warn().Msg("the token store is new here or went back in time: applying changes again")
		i.healing = healing{under: true}
	}
	for i.healing.under {
		if err := i.healPage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// healPage applies the next changes again, each once.
func (i *Issuer) healPage(ctx context.Context) error {
	page, err := i.backend.Feed.Since(ctx, i.healing.at, 0, feedPage)
	if err != nil {
		return fmt.Errorf("read the feed: %w", err)
	}
	before := i.healing.at
	for _, c := range page {
		if c.Seq <= before {
			continue
		}
		if i.forgotten(c) {
			if err := i.apply(ctx, c); err != nil {
				return fmt.Errorf("apply %s %s again: %w", c.Kind, c.ID, err)
			}
		}
		i.healing.at = c.Seq
	}
	i.healing.under = i.healing.at > before
	return nil
}

// forgotten tells whether a change is one that generations may have to hear of again.
// (Nobody had a session before they were registered, which is their version 1.)
func (i *Issuer) forgotten(c store.Change) bool {
	return c.Kind == store.User && c.Version > 1 || c.Kind == store.Session && i.now().Sub(c.At) < reapply
}

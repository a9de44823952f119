package issuer

import (
	"context"
	"time"
)

// listsSince is the time after which a list's last session must have ended for
// the list to be published: its access tokens may still live.
func (i *Issuer) listsSince() time.Time {
	return i.now().Add(-i.keeper.Policy().Retain())
}

// readLists publishes the lists that there are, with the bits that are set.
func (i *Issuer) readLists(ctx context.Context) error {
	if err := i.keepLists(ctx); err != nil {
		return err
	}
	return i.backend.Indices.Set(ctx, i.listsSince(), func(index int64) bool {
		i.bits.Set(index)
		return true
	})
}

// keepLists drops status lists whose last session's tokens are over.
func (i *Issuer) keepLists(ctx context.Context) error {
	lists, err := i.backend.Indices.Lists(ctx, i.listsSince())
	if err != nil {
		return err
	}
	i.bits.Keep(lists)
	for _, n := range lists {
		i.bits.Publish(n)
	}
	return nil
}

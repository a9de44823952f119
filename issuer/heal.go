package issuer

import (
	"context"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/store"
)

// reapply is how far back ends of sessions are told again to a store that forgot.
const reapply = time.Hour

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

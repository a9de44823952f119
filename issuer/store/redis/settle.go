package redis

import (
	"context"
	"errors"
	"math/rand/v2"

	driver "github.com/redis/go-redis/v9"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

var _ session.Settler = (*Store)(nil)

// Unsettled returns at most limit sessions that ended for reuse and that the
// ledger doesn't know of yet. It begins at a random partition, so that one whose
// sessions can't be settled keeps nobody else's waiting.
func (s *Store) Unsettled(ctx context.Context, limit int) ([]id.Session, error) {
	all := tags()
	first := rand.IntN(len(all))
	all = append(all[first:], all[:first]...)
	var found []id.Session
	for start := 0; start < len(all) && len(found) < limit; start += batch {
		some, err := s.unsettledOf(ctx, all[start:min(start+batch, len(all))], limit-len(found))
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found[:min(len(found), max(limit, 0))], nil
}

// unsettledOf returns at most limit of each of the partitions.
func (s *Store) unsettledOf(ctx context.Context, tags []string, limit int) ([]id.Session, error) {
	var found []id.Session
	err := s.do(ctx, "unsettled", func(ctx context.Context) error {
		cmds := make([]*driver.StringSliceCmd, len(tags))
		_, err := s.client.Pipelined(ctx, func(p driver.Pipeliner) error {
			for i, tag := range tags {
				cmds[i] = p.SRandMemberN(ctx, unsettledKey(tag), int64(limit))
			}
			return nil
		})
		if err != nil && !errors.Is(err, driver.Nil) {
			return err
		}
		for _, cmd := range cmds {
			for _, sid := range cmd.Val() {
				found = append(found, id.Session(sid))
			}
		}
		return nil
	})
	return found, err
}

// Settle takes sessions from the list: the ledger knows.
func (s *Store) Settle(ctx context.Context, sessions []id.Session) error {
	calls := make([]call, len(sessions))
	for i, sid := range sessions {
		calls[i] = call{s.keysOf(sid), []any{string(sid)}}
	}
	return s.runAll(ctx, "settle", settleScript, calls)
}

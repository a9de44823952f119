package sql

import (
	"context"
	"maps"
	"strings"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/keys"
)

// ring keeps the key ring: one row, replaced by compare-and-swap.
type ring struct{ db *DB }

var _ keys.Store = ring{}

// LoadRing returns the ring.
func (k ring) LoadRing(ctx context.Context) (keys.Sealed, error) {
	return read(ctx, k.db, "load the key ring", func(ctx context.Context, r runner) (s keys.Sealed, err error) {
		err = r.QueryRowContext(ctx, `SELECT version, document FROM ring WHERE id = 1`).Scan(&s.Version, &s.Document)
		return s, notFound(err, keys.ErrNoRing)
	})
}

// SwapRing replaces the ring that is one version behind.
func (k ring) SwapRing(ctx context.Context, next keys.Sealed, c keys.Change) error {
	_, err := change(ctx, k.db, "swap the key ring", func(ctx context.Context, r runner) (int, error) {
		n, err := swap(ctx, r, next)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, keys.ErrConflict
		}
		if err := record(ctx, r, ringEvent(ctx, c)); err != nil {
			return 0, err
		}
		return 0, k.db.tell(ctx, r, store.Change{Kind: store.Ring, Version: next.Version})
	})
	return err
}

func swap(ctx context.Context, r runner, next keys.Sealed) (int64, error) {
	if next.Version == 1 {
		return execute(ctx, r, `INSERT INTO ring (id, version, document) VALUES (1, 1, $1) ON CONFLICT (id) DO NOTHING`, next.Document)
	}
	return execute(ctx, r, `UPDATE ring SET version = $1, document = $2 WHERE id = 1 AND version = $1 - 1`, next.Version, next.Document)
}

// ringEvent is a change of the ring, for the record; its detail has the kind and the
// key ids too.
func ringEvent(ctx context.Context, c keys.Change) audit.Event {
	e := audit.New(ctx, audit.KeysChanged, c.At)
	if c.Actor != "" {
		e.Actor = c.Actor
	}
	e.Reason = c.Reason
	e.Detail = map[string]string{"change": c.Kind, "kids": strings.Join(c.KIDs, " ")}
	maps.Copy(e.Detail, c.Detail)
	return e
}

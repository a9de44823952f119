package sql

import (
	"context"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/session"
)

// feedLife is how long the feed is kept: longer than a replica that has not heard
// of something can go on.
const feedLife = 24 * time.Hour

// sweepBatch is how many rows one transaction of a sweep deletes: others must not
// wait for long.
const sweepBatch = 500

// auditBatches is how many of them one sweep deletes of the audit: 200,000 events in
// the time between two sweeps. A long history that a new setting has made old goes in
// several, and nothing else waits for it.
const auditBatches = 400

// Sweep deletes what nobody will ask for again as of now, some rows at a time.
// Ended sessions stay as long as their status list is published, and for
// Config.Retention, the audit for Config.AuditTTL; people, clients and the ring stay.
// So do notices: who tells the clients gives them up, however old they are, and says so.
func (db *DB) Sweep(ctx context.Context, now time.Time) error {
	gone := millis(now.Add(-db.config.Retention))
	return errors.Join(
		db.sweepLists(ctx, now.Add(-db.config.Retention)),
		db.sweepAll(ctx, "sweep sessions", `DELETE FROM sessions WHERE id IN
			(SELECT id FROM sessions WHERE expires < $1 AND ended_at IS NULL LIMIT $2)`, gone),
		db.sweepAll(ctx, "sweep generations", `DELETE FROM generations WHERE session IN
			(SELECT g.session FROM sessions s JOIN generations g ON g.session = s.id WHERE s.expires < $1 LIMIT $2)`, gone),
		db.sweepAll(ctx, "sweep logins", `DELETE FROM logins WHERE id IN
			(SELECT id FROM logins l WHERE expires < $1 AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.login_id = l.id) LIMIT $2)`, gone),
		db.sweepAll(ctx, "sweep limits", `DELETE FROM limits WHERE name IN
			(SELECT name FROM limits WHERE tat < $1 ORDER BY tat LIMIT $2)`, now.UnixMicro()),
		db.sweepAll(ctx, "sweep what waits", `DELETE FROM waiting WHERE name IN
			(SELECT name FROM waiting WHERE expires <= $1 ORDER BY expires LIMIT $2)`, millis(now)),
		feed{db}.Prune(ctx, now.Add(-feedLife)),
		db.sweepAudit(ctx, now),
	)
}

// sweepAudit deletes the events that are older than Config.AuditTTL, of all kinds alike.
// Each batch looks at the oldest by id, which grow with time but for the difference of
// replicas' clocks: no index by time, which every event would pay for. (An event that a
// clock ahead has written keeps its place until it is old itself.)
func (db *DB) sweepAudit(ctx context.Context, now time.Time) error {
	if db.config.AuditTTL <= 0 {
		return nil
	}
	before := millis(now.Add(-db.config.AuditTTL))
	for range auditBatches {
		n, err := db.sweepOnce(ctx, "sweep the audit", `DELETE FROM audit WHERE id IN
			(SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT $2) AS oldest WHERE at < $1)`, before, sweepBatch)
		if err != nil || n < sweepBatch {
			return err
		}
	}
	return nil
}

// sweepLists deletes the sessions of every list that is published no longer. The
// list that indices are leased from, and the one before it of which some may not be
// in use yet, stay: they may be published again, and then with all that was set.
func (db *DB) sweepLists(ctx context.Context, since time.Time) error {
	x := indices{db}
	current, err := x.current(ctx)
	if err != nil {
		return err
	}
	lists, err := x.Lists(ctx, time.Time{})
	for _, n := range lists {
		if err != nil || n >= current-1 {
			return err
		}
		err = db.sweepList(ctx, x, n, since)
	}
	return err
}

func (db *DB) sweepList(ctx context.Context, x indices, n int64, since time.Time) error {
	published, err := x.published(ctx, n, since)
	if err != nil || published {
		return err
	}
	_, err = db.sweep(ctx, "sweep a status list", `DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE status >= $1 AND status < $1 + CAST($3 AS BIGINT) LIMIT $2)`, n*session.ListSize, int64(session.ListSize))
	return err
}

func (db *DB) sweepAll(ctx context.Context, op, query string, before int64) error {
	_, err := db.sweep(ctx, op, query, before)
	return err
}

// sweep runs a deletion of $1, at most $2 rows at a time, until nothing is left.
func (db *DB) sweep(ctx context.Context, op, query string, first any, more ...any) (total int64, err error) {
	args := append([]any{first, sweepBatch}, more...)
	for {
		n, err := db.sweepOnce(ctx, op, query, args...)
		total += n
		if err != nil || n < sweepBatch {
			return total, err
		}
	}
}

func (db *DB) sweepOnce(ctx context.Context, op, query string, args ...any) (int64, error) {
	return change(ctx, db, op, func(ctx context.Context, r runner) (int64, error) { return execute(ctx, r, query, args...) })
}

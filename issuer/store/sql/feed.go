package sql

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/store"
)

// batch is how many rows one statement writes or deletes where there may be many.
const batch = 100

// tell writes entries of the feed, in the transaction of the change. Every change
// tells by it.
func (db *DB) tell(ctx context.Context, r runner, changes ...store.Change) error {
	for part := range slices.Chunk(changes, batch) {
		args := []any{db.stamp()}
		var rows strings.Builder
		for i, c := range part {
			if i > 0 {
				rows.WriteString(", ")
			}
			n := len(args)
			rows.WriteString("($" + strconv.Itoa(n+1) + ", $" + strconv.Itoa(n+2) + ", $" + strconv.Itoa(n+3) +
				", coalesce(CAST($1 AS BIGINT), " + db.clock() + "))")
			args = append(args, string(c.Kind), c.ID, c.Version)
		}
		if _, err := r.ExecContext(ctx, `INSERT INTO feed (kind, id, version, at) VALUES `+rows.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

type feed struct{ db *DB }

var _ store.Feed = feed{}

func scanChange(row scanner) (c store.Change, err error) {
	var at int64
	err = row.Scan(&c.Seq, &c.Kind, &c.ID, &c.Version, &at)
	c.At = instant(at)
	return c, err
}

// Since returns the next limit entries after a number, and before them those up to
// that number which are recent.
func (f feed) Since(ctx context.Context, after int64, recent time.Duration, limit int) ([]store.Change, error) {
	return read(ctx, f.db, "read the feed", func(ctx context.Context, r runner) ([]store.Change, error) {
		// One statement and so one snapshot: an entry can't turn up between the two
		// halves and be passed over.
		return all(ctx, r, scanChange, `SELECT seq, kind, id, version, at FROM feed
			WHERE seq <= $1 AND at > coalesce(CAST($4 AS BIGINT), `+f.db.clock()+`) - $2
			UNION ALL
			SELECT seq, kind, id, version, at FROM (SELECT seq, kind, id, version, at FROM feed WHERE seq > $1 ORDER BY seq LIMIT $3) AS next
			ORDER BY 1`, after, recent.Milliseconds(), limit, f.db.stamp())
	})
}

// Head returns the newest number.
func (f feed) Head(ctx context.Context) (int64, error) {
	return read(ctx, f.db, "read the feed's head", func(ctx context.Context, r runner) (int64, error) {
		return one[int64](ctx, r, `SELECT coalesce(max(seq), 0) FROM feed`)
	})
}

// Prune drops old entries, some at a time.
func (f feed) Prune(ctx context.Context, before time.Time) error {
	_, err := f.db.sweep(ctx, "prune the feed", `DELETE FROM feed WHERE seq IN (SELECT seq FROM feed WHERE at < $1 ORDER BY at LIMIT $2)`, millis(before))
	return err
}

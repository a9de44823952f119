package sql

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// mostEnded is how many sessions one transaction ends where more match: what goes
// with them (logins, feed) takes a small part of Config.Timeout, and what others
// change waits no longer than for that. mostFound is how many are looked up at once.
const (
	mostEnded = 500
	mostFound = 100 * mostEnded
)

// parts yields the live sessions that w names in parts, each for a transaction of
// its own, and at last nil: all that match and were not yet yielded, which are those
// of a part or less, and those opened meanwhile. Where few match there is nil alone.
//
// A crash between two leaves the first ended, each with its feed entry, and the rest
// live: the same call again ends those.
func (db *DB) parts(ctx context.Context, w session.Which, at time.Time) iter.Seq2[[]id.Session, error] {
	return func(yield func([]id.Session, error) bool) {
		for w.ID == "" && w.Login == "" { // those are never many, and a logout is often
			found, err := db.find(ctx, w, at)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(found) <= db.config.mostEnded {
				break
			}
			for part := range slices.Chunk(found, db.config.mostEnded) {
				if !yield(part, nil) {
					return
				}
			}
		}
		yield(nil, nil)
	}
}

// find finds sessions that end would end, mostFound at most. Not in the database's
// order: it would have to read all for that.
func (db *DB) find(ctx context.Context, w session.Which, at time.Time) ([]id.Session, error) {
	where, args := which(w, 3)
	return read(ctx, db, "find sessions to end", func(ctx context.Context, r runner) ([]id.Session, error) {
		found, err := all(ctx, r, scanID[id.Session], `SELECT id FROM sessions s WHERE s.ended_at IS NULL AND s.expires > $1`+where+` LIMIT $2`,
			append([]any{millis(at), mostFound}, args...)...)
		slices.Sort(found)
		return found, err
	})
}

// endAll ends what w names, in parts. e is recorded once, with the first part of
// which anything ends: nothing ever ends without a trace.
func (db *DB) endAll(ctx context.Context, w session.Which, e audit.Event) (ended []session.Ended, err error) {
	recorded := false
	for part, err := range db.parts(ctx, w, e.At) {
		if err != nil {
			return nil, err
		}
		n := 0
		gone, err := change(ctx, db, "end sessions", func(ctx context.Context, r runner) ([]session.Ended, error) {
			gone, logins, err := db.end(ctx, r, w, part, e.At, e.Reason)
			if n = len(gone) + int(logins); err != nil || n == 0 || recorded {
				return gone, err
			}
			return gone, record(ctx, r, e)
		})
		if err != nil {
			return nil, err
		}
		recorded = recorded || n > 0
		ended = append(ended, gone...)
	}
	return ended, nil
}

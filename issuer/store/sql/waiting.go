package sql

import (
	"context"
	"time"

	"github.com/signet-oidc/signet/issuer/grant"
)

// waiting keeps what waits between two requests, one row a name, and the names that
// Once remembers, as documents without a byte. Each call is one statement, which
// decides by the row as it is: of any number at once, one finds it.
type waiting struct{ db *DB }

var _ grant.Store = waiting{}

// Put keeps a document.
func (w waiting) Put(ctx context.Context, name string, document []byte, _, until time.Time) error {
	if document == nil {
		document = []byte{} // not NULL
	}
	_, err := single(ctx, w.db, "keep what waits", func(ctx context.Context, r runner) (int64, error) {
		return execute(ctx, r, `INSERT INTO waiting (name, document, expires) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET document = excluded.document, expires = excluded.expires`, clean(name), document, millis(until))
	})
	return err
}

// Get returns a document.
func (w waiting) Get(ctx context.Context, name string, now time.Time) ([]byte, error) {
	return read(ctx, w.db, "look at what waits", func(ctx context.Context, r runner) ([]byte, error) {
		document, err := one[[]byte](ctx, r, `SELECT document FROM waiting WHERE name = $1 AND expires > $2`, clean(name), millis(now))
		return document, notFound(err, grant.ErrNotFound)
	})
}

// Take returns a document and removes it.
func (w waiting) Take(ctx context.Context, name string, now time.Time) ([]byte, error) {
	return single(ctx, w.db, "take what waits", func(ctx context.Context, r runner) ([]byte, error) {
		document, err := one[[]byte](ctx, r, `DELETE FROM waiting WHERE name = $1 AND expires > $2 RETURNING document`, clean(name), millis(now))
		return document, notFound(err, grant.ErrNotFound)
	})
}

// Once remembers a name.
func (w waiting) Once(ctx context.Context, name string, now, until time.Time) (first bool, err error) {
	return single(ctx, w.db, "remember a name", func(ctx context.Context, r runner) (bool, error) {
		n, err := execute(ctx, r, `INSERT INTO waiting (name, document, expires) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET expires = excluded.expires WHERE waiting.expires <= $4`, clean(name), []byte{}, millis(until), millis(now))
		return n == 1, err
	})
}

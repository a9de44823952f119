package sql

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

type clients struct{ db *DB }

var _ client.Store = clients{}

// document is all of a client that has no column.
func document(c client.Client) (string, error) {
	c.ID, c.Version, c.Created = "", 0, time.Time{}
	b, err := json.Marshal(c)
	return string(b), err
}

func scanClient(row scanner) (c client.Client, err error) {
	var doc string
	var key id.Client
	var version, created int64
	if err := row.Scan(&key, &doc, &version, &created); err != nil {
		return c, err
	}
	err = json.Unmarshal([]byte(doc), &c)
	c.ID, c.Version, c.Created = key, version, instant(created)
	return c, err
}

// Create adds a client, of version 1 unless c says another.
func (s clients) Create(ctx context.Context, c client.Client, e audit.Event) error {
	c.Version = max(c.Version, 1)
	_, err := change(ctx, s.db, "create a client", func(ctx context.Context, r runner) (int, error) {
		doc, err := document(c)
		if err != nil {
			return 0, err
		}
		n, err := execute(ctx, r, `INSERT INTO clients (id, document, version, created) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
			c.ID, doc, c.Version, millis(c.Created))
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, client.ErrExists
		}
		return 0, s.changed(ctx, r, c.ID, c.Version, e)
	})
	return err
}

// changed writes what goes with every change of a client.
func (s clients) changed(ctx context.Context, r runner, c id.Client, version int64, e audit.Event) error {
	if err := record(ctx, r, e); err != nil {
		return err
	}
	return s.db.tell(ctx, r, store.Change{Kind: store.Client, ID: string(c), Version: version})
}

// ByID finds a client.
func (s clients) ByID(ctx context.Context, c id.Client) (client.Client, error) {
	return read(ctx, s.db, "find a client", func(ctx context.Context, r runner) (client.Client, error) {
		if !storable(string(c)) {
			return client.Client{}, client.ErrNotFound
		}
		found, err := scanClient(r.QueryRowContext(ctx, `SELECT id, document, version, created FROM clients WHERE id = $1`, c))
		return found, notFound(err, client.ErrNotFound)
	})
}

// Save writes a client over the version that c has.
func (s clients) Save(ctx context.Context, c client.Client, e audit.Event) error {
	_, err := change(ctx, s.db, "save a client", func(ctx context.Context, r runner) (int, error) {
		doc, err := document(c)
		if err != nil {
			return 0, err
		}
		n, err := execute(ctx, r, `UPDATE clients SET document = $3, version = version + 1 WHERE id = $1 AND version = $2`, c.ID, c.Version, doc)
		if err != nil {
			return 0, err
		}
		if n == 1 {
			return 0, s.changed(ctx, r, c.ID, c.Version+1, e)
		}
		if _, err := one[int](ctx, r, `SELECT 1 FROM clients WHERE id = $1`, c.ID); err != nil {
			return 0, notFound(err, client.ErrNotFound)
		}
		return 0, client.ErrConflict
	})
	return err
}

// Delete removes a client and ends its sessions: all in one transaction, unless they
// are very many. Then the client goes with the first part of them, and not after the
// last: from there on it opens and refreshes none, whatever happens to the other
// parts. A crash between leaves sessions that are live and of no client; to Delete
// again ends them.
func (s clients) Delete(ctx context.Context, c id.Client, e audit.Event) ([]id.Session, error) {
	var gone []id.Session
	first, w := true, session.Which{Client: c}
	for part, err := range s.db.parts(ctx, w, e.At) {
		if err != nil {
			return nil, err
		}
		ended, err := change(ctx, s.db, "delete a client", func(ctx context.Context, r runner) ([]session.Ended, error) {
			if first {
				return s.remove(ctx, r, c, part, e)
			}
			ended, _, err := s.db.end(ctx, r, w, part, e.At, deleted)
			return ended, err
		})
		if err != nil {
			return nil, err
		}
		first, gone = false, append(gone, ids(ended)...)
	}
	return gone, nil
}

// deleted is the reason of a session whose client is gone.
const deleted = "client_deleted"

// remove deletes the row, and ends the first part of the sessions. Where there is
// no row, but are sessions, those are what a deletion that broke off has left.
func (s clients) remove(ctx context.Context, r runner, c id.Client, part []id.Session, e audit.Event) ([]session.Ended, error) {
	version, missing := one[int64](ctx, r, `DELETE FROM clients WHERE id = $1 RETURNING version`, clean(string(c)))
	missing = notFound(missing, client.ErrNotFound)
	if missing != nil && !errors.Is(missing, client.ErrNotFound) {
		return nil, missing
	}
	ended, _, err := s.db.end(ctx, r, session.Which{Client: c}, part, e.At, deleted)
	switch {
	case err != nil:
		return nil, err
	case missing == nil:
		return ended, s.changed(ctx, r, c, version+1, e)
	case len(ended) == 0:
		return nil, missing
	}
	return ended, record(ctx, r, e)
}

// List pages through clients.
func (s clients) List(ctx context.Context, after id.Client, limit int) ([]client.Client, error) {
	return read(ctx, s.db, "list clients", func(ctx context.Context, r runner) ([]client.Client, error) {
		return all(ctx, r, scanClient, `SELECT id, document, version, created FROM clients WHERE id > $1 ORDER BY id LIMIT $2`,
			clean(string(after)), limit)
	})
}

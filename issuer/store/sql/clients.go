package sql

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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
	return encoded(c)
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

// Create adds a client, of version 1 unless c says another. What a deletion that broke
// off has left of another of its id is ended first, and never becomes its own.
func (s clients) Create(ctx context.Context, c client.Client, e audit.Event) error {
	c.Version = max(c.Version, 1)
	if err := s.clear(ctx, c.ID, e); err != nil {
		return err
	}
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

// leftover is the condition that there is no client $1, whose sessions live at $2.
const leftover = `client_id = $1 AND ended_at IS NULL AND expires > $2 AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.id = $1)`

// clear ends the sessions of a client that is not there, in parts, and forgets its
// consents.
func (s clients) clear(ctx context.Context, c id.Client, e audit.Event) error {
	left, err := read(ctx, s.db, "look for what a client has left", func(ctx context.Context, r runner) (bool, error) {
		return one[bool](ctx, r, `SELECT EXISTS (SELECT 1 FROM sessions WHERE `+leftover+`) OR NOT EXISTS (SELECT 1 FROM clients WHERE id = $1)
			AND (EXISTS (SELECT 1 FROM consents WHERE client_id = $1) OR EXISTS (SELECT 1 FROM notices WHERE client_id = $1))`, clean(string(c)), millis(e.At))
	})
	if err != nil || !left {
		return err
	}
	e.Kind, e.Actor, e.Client, e.Reason = audit.SessionEnded, "signet", c, deleted
	for n := s.db.config.mostEnded; n == s.db.config.mostEnded; {
		n, err = change(ctx, s.db, "end what a client has left", func(ctx context.Context, r runner) (int, error) {
			part, err := all(ctx, r, scanID[id.Session], `SELECT id FROM sessions WHERE `+leftover+` LIMIT $3`, clean(string(c)), millis(e.At), s.db.config.mostEnded)
			if err != nil || len(part) == 0 {
				return 0, err
			}
			slices.Sort(part)
			if _, _, err = s.db.end(ctx, r, session.Which{Client: c}, part, e.At, deleted); err != nil {
				return 0, err
			}
			return len(part), record(ctx, r, e)
		})
		if err != nil {
			return err
		}
	}
	return s.forget(ctx, c)
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
// again ends them, and so does Create. Its consents go with it, and what it was still
// to be told.
func (s clients) Delete(ctx context.Context, c id.Client, e audit.Event) ([]id.Session, error) {
	gone, err := s.delete(ctx, c, e)
	if err == nil || errors.Is(err, client.ErrNotFound) {
		err = errors.Join(err, s.forget(ctx, c))
	}
	return gone, err
}

func (s clients) delete(ctx context.Context, c id.Client, e audit.Event) (gone []id.Session, err error) {
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

// forget deletes a client's consents and its notices, some at a time.
func (s clients) forget(ctx context.Context, c id.Client) error {
	_, err := s.db.sweep(ctx, "delete a client's consents", `DELETE FROM consents WHERE client_id = $1 AND user_id IN
		(SELECT user_id FROM consents WHERE client_id = $1 LIMIT $2)`, clean(string(c)))
	if err != nil {
		return err
	}
	_, err = s.db.sweep(ctx, "delete a client's notices", `DELETE FROM notices WHERE session IN
		(SELECT session FROM notices WHERE client_id = $1 LIMIT $2)`, clean(string(c)))
	return err
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

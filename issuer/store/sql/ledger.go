package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

type ledger struct{ db *DB }

var (
	_ session.Ledger = ledger{}
	_ session.Opener = ledger{}
)

// End ends what w names: where that is very much, in several transactions.
func (l ledger) End(ctx context.Context, w session.Which, e audit.Event) ([]session.Ended, error) {
	if w == (session.Which{But: w.But}) {
		return nil, errors.New("end sessions: nothing says whose")
	}
	return l.db.endAll(ctx, w, e)
}

const sessionColumns = `s.id, s.login_id, s.user_id, s.client_id, s.scope, s.audience, s.bound_key, s.status,
	s.auth_time, s.created, s.expires, s.ended_at, coalesce(s.reason, ''), s.notify`

// sessionRow scans sessionColumns.
type sessionRow struct {
	session.Session
	authTime, created, expires int64
	ended                      sql.NullInt64
}

func (s *sessionRow) into() []any {
	return []any{&s.ID, &s.Login, &s.User, &s.Client, lists{&s.Scope}, lists{&s.Audience}, &s.BoundKey, &s.Status,
		&s.authTime, &s.created, &s.expires, &s.ended, &s.Reason, &s.Notify}
}

func (s *sessionRow) session() session.Session {
	s.AuthTime, s.Created, s.Expires, s.Ended = instant(s.authTime), instant(s.created), instant(s.expires), maybe(s.ended)
	return s.Session
}

func scanSession(row scanner) (session.Session, error) {
	var s sessionRow
	err := row.Scan(s.into()...)
	return s.session(), err
}

// Find returns a session and its user; one that was deleted is disabled, of
// version 0.
func (l ledger) Find(ctx context.Context, sid id.Session) (session.Session, session.Person, error) {
	type both struct {
		s session.Session
		p session.Person
	}
	out, err := read(ctx, l.db, "find a session", func(ctx context.Context, r runner) (both, error) {
		if !storable(string(sid)) {
			return both{}, session.ErrNotFound
		}
		var s sessionRow
		var p session.Person
		err := r.QueryRowContext(ctx, `SELECT `+sessionColumns+`, coalesce(u.roles, '[]'), coalesce(u.disabled, TRUE), coalesce(u.version, 0)
			FROM sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.id = $1`, sid).
			Scan(append(s.into(), lists{&p.Roles}, &p.Disabled, &p.Version)...)
		p.User = s.User
		return both{s.session(), p}, notFound(err, session.ErrNotFound)
	})
	return out.s, out.p, err
}

// Statuses asks for batch sessions at a time.
func (l ledger) Statuses(ctx context.Context, sids []id.Session) (found []session.Ended, err error) {
	for some := range slices.Chunk(sids, batch) {
		places, args := among(1, some)
		more, err := read(ctx, l.db, "look up sessions", func(ctx context.Context, r runner) ([]session.Ended, error) {
			return all(ctx, r, scanEnded, `SELECT id, status, expires FROM sessions WHERE id IN `+places, args...)
		})
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func scanEnded(row scanner) (e session.Ended, err error) {
	var until int64
	err = row.Scan(&e.ID, &e.Status, &until)
	e.Until = instant(until)
	return e, err
}

// List pages through sessions. With no field of w set: everybody's.
func (l ledger) List(ctx context.Context, w session.Which, ended bool, after id.Session, limit int) ([]session.Session, error) {
	where, args := which(w, 3)
	if !ended {
		args = append(args, millis(l.db.now()))
		where += fmt.Sprintf(" AND s.ended_at IS NULL AND s.expires > $%d", len(args)+2)
	}
	return read(ctx, l.db, "list sessions", func(ctx context.Context, r runner) ([]session.Session, error) {
		return all(ctx, r, scanSession, `SELECT `+sessionColumns+` FROM sessions s WHERE s.id > $1`+where+` ORDER BY s.id LIMIT $2`,
			append([]any{clean(string(after)), limit}, args...)...)
	})
}

func scanID[T ~string](row scanner) (v T, err error) {
	err = row.Scan(&v)
	return v, err
}

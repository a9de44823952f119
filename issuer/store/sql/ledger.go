package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

type ledger struct{ db *DB }

var (
	_ session.Ledger = ledger{}
	_ session.Opener = ledger{}
)

// Open writes a session and its login. The user's row is locked meanwhile, so that
// of several logins at once none is left out of the count, and no change of the user
// comes in between. A user that is gone or a login that has ended is
// session.ErrNotFound.
func (l ledger) Open(ctx context.Context, login session.Login, s session.Session, most int, e audit.Event) ([]session.Ended, error) {
	if engine, is := l.db.engine.(opensAtOnce); is {
		opened, err := read(ctx, l.db, "open a session", func(ctx context.Context, _ runner) (bool, error) {
			return engine.openAtOnce(ctx, login, s, most, e)
		})
		if opened || err != nil {
			return nil, err
		}
	}
	return change(ctx, l.db, "open a session", func(ctx context.Context, r runner) ([]session.Ended, error) {
		return l.openIn(ctx, r, login, s, most, e)
	})
}

func (l ledger) openIn(ctx context.Context, r runner, login session.Login, s session.Session, most int, e audit.Event) ([]session.Ended, error) {
	if err := l.admit(ctx, r, login, s, e.At); err != nil {
		return nil, err
	}
	if err := record(ctx, r, e); err != nil {
		return nil, err
	}
	return l.evict(ctx, r, s, most, e)
}

// Keeps tells whether generations are this database's.
func (l ledger) Keeps(g session.Generations) bool {
	own, is := g.(generations)
	return is && own.db == l.db
}

// OpenBegun opens a session and begins its state. On PostgreSQL that is a statement
// each, which costs less than a transaction's round trips.
func (l ledger) OpenBegun(ctx context.Context, login session.Login, s session.Session, state session.State, most int, e audit.Event) ([]session.Ended, error) {
	if _, atOnce := l.db.engine.(opensAtOnce); atOnce {
		ended, err := l.Open(ctx, login, s, most, e)
		if err != nil {
			return nil, err
		}
		return ended, generations(l).Begin(ctx, state)
	}
	return change(ctx, l.db, "open and begin a session", func(ctx context.Context, r runner) ([]session.Ended, error) {
		ended, err := l.openIn(ctx, r, login, s, most, e)
		if err == nil {
			_, err = beginIn(ctx, r, state)
		}
		return ended, err
	})
}

// opensAtOnce is an engine that opens an ordinary session in one statement. False: it
// isn't an ordinary one; nothing has changed.
type opensAtOnce interface {
	openAtOnce(ctx context.Context, login session.Login, s session.Session, most int, e audit.Event) (bool, error)
}

// admit writes the session and, unless it is there, its login. That the session was
// opened before is said in any case: whoever asks must know of a second use.
func (l ledger) admit(ctx context.Context, r runner, login session.Login, s session.Session, at time.Time) error {
	err := l.db.lockUser(ctx, r, s.User, login.Proved)
	if err == nil && login.Origin != "" {
		err = l.lives(ctx, r, login.Origin, login.User, at)
	}
	if err == nil {
		err = l.login(ctx, r, login, at)
	}
	if err == nil {
		return insertSession(ctx, r, s)
	}
	if !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrChanged) {
		return err
	}
	if _, missing := one[int](ctx, r, `SELECT 1 FROM sessions WHERE id = $1`, s.ID); missing != nil {
		return notFound(missing, err)
	}
	return session.ErrUsed
}

// login writes a login, or locks the one that is there and lives.
func (l ledger) login(ctx context.Context, r runner, login session.Login, at time.Time) error {
	if err := l.lives(ctx, r, login.ID, login.User, at); !errors.Is(err, session.ErrNotFound) {
		return err
	}
	inserted, err := insertLogin(ctx, r, login)
	if err != nil || inserted {
		return err
	}
	return l.lives(ctx, r, login.ID, login.User, at) // has it come meanwhile?
}

// lives locks a user's login that lives, or says session.ErrNotFound.
func (l ledger) lives(ctx context.Context, r runner, login id.Login, user id.User, at time.Time) error {
	_, err := one[int](ctx, r, `SELECT 1 FROM logins WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires > $3`+l.db.forUpdate("logins"),
		clean(string(login)), user, millis(at))
	return notFound(err, session.ErrNotFound)
}

func insertSession(ctx context.Context, r runner, s session.Session) error {
	n, err := execute(ctx, r, `INSERT INTO sessions
		(id, login_id, user_id, client_id, scope, audience, bound_key, status, auth_time, created, expires, notify)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`, sessionArgs(s)...)
	if err == nil && n == 0 {
		return session.ErrUsed
	}
	return err
}

func sessionArgs(s session.Session) []any {
	return []any{
		s.ID, s.Login, s.User, s.Client, list(s.Scope), list(s.Audience), s.BoundKey, s.Status,
		millis(s.AuthTime), millis(s.Created), millis(s.Expires), s.Notify,
	}
}

// evict ends the oldest live sessions of a user that has more than most with s,
// each with an event of its own beside e, that of the login.
func (l ledger) evict(ctx context.Context, r runner, s session.Session, most int, e audit.Event) ([]session.Ended, error) {
	if most < 1 {
		return nil, nil
	}
	// By the index alone, which is quick, and with those that have expired.
	_, err := one[int](ctx, r, `SELECT 1 FROM sessions WHERE user_id = $1 AND ended_at IS NULL LIMIT 1 OFFSET $2`, s.User, most)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// Newest first, so that an index entry is read for each that stays and no more;
	// s is the newest whatever clocks say.
	surplus, err := all(ctx, r, scanID[id.Session], `SELECT id FROM sessions
		WHERE user_id = $1 AND ended_at IS NULL AND expires > $2 AND id <> $3 ORDER BY created DESC, id DESC LIMIT 1000 OFFSET $4`,
		s.User, millis(e.At), s.ID, most-1)
	if err != nil {
		return nil, err
	}
	var ended []session.Ended
	for _, sid := range surplus {
		end := e
		end.Kind, end.Session, end.Actor, end.Reason, end.Client = audit.SessionEnded, sid, "signet", "too_many", ""
		gone, err := l.db.endWith(ctx, r, session.Which{ID: sid}, end)
		if err != nil {
			return nil, err
		}
		ended = append(ended, gone...)
	}
	return ended, nil
}

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

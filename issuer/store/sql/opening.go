package sql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
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
		ended, err := l.openAlone(ctx, r, login, s, most, e)
		if err == nil {
			_, err = beginIn(ctx, r, state)
		}
		return ended, err
	})
}

// openAlone is openIn where a writing transaction has the database to itself: one look
// tells that a session is an ordinary one, as nearly all are.
func (l ledger) openAlone(ctx context.Context, r runner, login session.Login, s session.Session, most int, e audit.Event) ([]session.Ended, error) {
	_, err := one[int](ctx, r, ordinary, s.User, login.Proved, login.ID, millis(e.At), most-1)
	if errors.Is(err, sql.ErrNoRows) || most < 1 {
		return l.openIn(ctx, r, login, s, most, e)
	}
	if err == nil {
		err = insertSession(ctx, r, s)
	}
	if err == nil {
		err = record(ctx, r, e)
	}
	return nil, err
}

// ordinary is one row where a session is of a person unchanged, in a login that is there
// and lives, and too few for another to end.
const ordinary = `SELECT 1 FROM users u JOIN logins l ON l.user_id = u.id
	WHERE u.id = $1 AND (u.version = $2 OR $2 = 0) AND l.id = $3 AND l.ended_at IS NULL AND l.expires > $4
		AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = u.id AND s.ended_at IS NULL LIMIT 1 OFFSET $5)`

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

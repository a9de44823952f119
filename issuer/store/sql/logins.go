package sql

import (
	"context"
	"database/sql"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

type logins struct{ db *DB }

var _ session.Logins = logins{}

// lockUser locks the user's row to the end of the transaction, so that no change of
// the user comes in between. One who is gone is session.ErrNotFound, one of another
// version than proved, where that is known, session.ErrChanged.
func (db *DB) lockUser(ctx context.Context, r runner, user id.User, proved int64) error {
	version, err := one[int64](ctx, r, `SELECT version FROM users WHERE id = $1`+db.forUpdate("users"), user)
	if err != nil {
		return notFound(err, session.ErrNotFound)
	}
	if proved != 0 && proved != version {
		return session.ErrChanged
	}
	return nil
}

// insertLogin writes a login unless there is one of its id.
func insertLogin(ctx context.Context, r runner, l session.Login) (inserted bool, err error) {
	n, err := execute(ctx, r, `INSERT INTO logins (id, user_id, auth_time, amr, cookie, expires, user_agent, origin)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`, append(loginArgs(l), whence(l)...)...)
	return n == 1, err
}

func loginArgs(l session.Login) []any {
	return []any{l.ID, l.User, millis(l.AuthTime), list(l.AMR), cookie(l.Cookie), millis(l.Expires)}
}

// whence is where a login was made: the agent, and the login that it came from.
func whence(l session.Login) []any {
	return []any{clean(l.Agent), sql.NullString{String: clean(string(l.Origin)), Valid: l.Origin != ""}}
}

// cookie is how a cookie's hash is stored: NULL where there is none.
func cookie(hash [32]byte) []byte {
	if hash == [32]byte{} {
		return nil
	}
	return hash[:]
}

// Begin writes a login. One whose id is there is session.ErrUsed.
func (s logins) Begin(ctx context.Context, l session.Login, e audit.Event) error {
	_, err := change(ctx, s.db, "begin a login", func(ctx context.Context, r runner) (int, error) {
		if err := s.db.lockUser(ctx, r, l.User, l.Proved); err != nil {
			return 0, err
		}
		inserted, err := insertLogin(ctx, r, l)
		if err != nil {
			return 0, err
		}
		if !inserted {
			return 0, session.ErrUsed
		}
		return 0, record(ctx, r, e)
	})
	return err
}

// ByCookie returns a login and its user.
func (s logins) ByCookie(ctx context.Context, hash [32]byte, now time.Time) (session.Login, session.Person, error) {
	type both struct {
		l session.Login
		p session.Person
	}
	out, err := read(ctx, s.db, "find a login", func(ctx context.Context, r runner) (both, error) {
		b := both{l: session.Login{Cookie: hash}}
		var authTime, expires int64
		err := r.QueryRowContext(ctx, `SELECT l.id, l.user_id, l.auth_time, l.amr, l.expires, l.user_agent, u.roles, u.disabled, u.version
			FROM logins l JOIN users u ON u.id = l.user_id WHERE l.cookie = $1 AND l.ended_at IS NULL AND l.expires > $2`, hash[:], millis(now)).
			Scan(&b.l.ID, &b.l.User, &authTime, lists{&b.l.AMR}, &expires, &b.l.Agent, lists{&b.p.Roles}, &b.p.Disabled, &b.p.Version)
		b.l.AuthTime, b.l.Expires, b.p.User = instant(authTime), instant(expires), b.l.User
		return b, notFound(err, session.ErrNotFound)
	})
	return out.l, out.p, err
}

// Of lists a user's logins.
func (s logins) Of(ctx context.Context, user id.User, now time.Time, limit int) ([]session.Login, error) {
	return read(ctx, s.db, "list logins", func(ctx context.Context, r runner) ([]session.Login, error) {
		return all(ctx, r, scanLogin, `SELECT id, user_id, auth_time, amr, expires, user_agent, coalesce(origin, '') FROM logins
			WHERE user_id = $1 AND ended_at IS NULL AND expires > $2 ORDER BY auth_time DESC, id LIMIT $3`,
			clean(string(user)), millis(now), limit)
	})
}

func scanLogin(row scanner) (l session.Login, err error) {
	var authTime, expires int64
	err = row.Scan(&l.ID, &l.User, &authTime, lists{&l.AMR}, &expires, &l.Agent, &l.Origin)
	l.AuthTime, l.Expires = instant(authTime), instant(expires)
	return l, err
}

// Renew writes over a live login.
func (s logins) Renew(ctx context.Context, l session.Login, e audit.Event) error {
	_, err := change(ctx, s.db, "renew a login", func(ctx context.Context, r runner) (int, error) {
		if err := s.db.lockUser(ctx, r, l.User, l.Proved); err != nil {
			return 0, err
		}
		n, err := execute(ctx, r, `UPDATE logins SET auth_time = $3, amr = $4, cookie = $5, expires = $6, user_agent = $7
			WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires > $8`, append(loginArgs(l), clean(l.Agent), millis(e.At))...)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, session.ErrNotFound
		}
		return 0, record(ctx, r, e)
	})
	return err
}

package sql

import (
	"context"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

type accounts struct{ db *DB }

var _ store.Accounts = accounts{}

const userColumns = `id, email, email_verified, roles, disabled, password_hash, version, created, profile`

func scanUser(row scanner) (u account.User, err error) {
	var created int64
	err = row.Scan(&u.ID, &u.Email, &u.EmailVerified, lists{&u.Roles}, &u.Disabled, &u.PasswordHash, &u.Version, &created, object[account.Profile]{&u.Profile})
	u.Created = instant(created)
	return u, err
}

// Create adds a user, of version 1 unless u says another.
func (a accounts) Create(ctx context.Context, u account.User, e audit.Event) error {
	u.Version = max(u.Version, 1)
	_, err := change(ctx, a.db, "create a user", func(ctx context.Context, r runner) (int, error) {
		profile, err := encoded(u.Profile)
		if err != nil {
			return 0, err
		}
		n, err := execute(ctx, r, `INSERT INTO users (id, email, email_norm, email_verified, roles, disabled, password_hash, version, created, profile)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (email_norm) DO NOTHING`,
			u.ID, u.Email, account.NormalEmail(u.Email), u.EmailVerified, list(u.Roles), u.Disabled, string(u.PasswordHash), u.Version, millis(u.Created), profile)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, account.ErrExists
		}
		return 0, a.changed(ctx, r, u.ID, u.Version, e)
	})
	return err
}

// changed writes what goes with every change of a user.
func (a accounts) changed(ctx context.Context, r runner, user id.User, version int64, e audit.Event) error {
	if err := record(ctx, r, e); err != nil {
		return err
	}
	return a.db.tell(ctx, r, store.Change{Kind: store.User, ID: string(user), Version: version})
}

// ByEmail finds a user.
func (a accounts) ByEmail(ctx context.Context, normal string) (account.User, error) {
	return a.find(ctx, `email_norm = $1`, normal)
}

// ByID finds a user.
func (a accounts) ByID(ctx context.Context, user id.User) (account.User, error) {
	return a.find(ctx, `id = $1`, string(user))
}

func (a accounts) find(ctx context.Context, where, v string) (account.User, error) {
	return read(ctx, a.db, "find a user", func(ctx context.Context, r runner) (account.User, error) {
		if !storable(v) {
			return account.User{}, account.ErrNotFound
		}
		u, err := scanUser(r.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE `+where, v))
		return u, notFound(err, account.ErrNotFound)
	})
}

// Save writes a user over the version that u has.
func (a accounts) Save(ctx context.Context, u account.User, end account.Ending, e audit.Event) ([]id.Session, error) {
	return change(ctx, a.db, "save a user", func(ctx context.Context, r runner) ([]id.Session, error) {
		if err := a.update(ctx, r, u); err != nil {
			return nil, err
		}
		if err := a.changed(ctx, r, u.ID, u.Version+1, e); err != nil || !end.Logins {
			return nil, err
		}
		ended, _, err := a.db.end(ctx, r, session.Which{User: u.ID, But: end.But}, nil, e.At, end.Reason)
		return ids(ended), err
	})
}

func (a accounts) update(ctx context.Context, r runner, u account.User) error {
	profile, err := encoded(u.Profile)
	if err != nil {
		return err
	}
	n, err := execute(ctx, r, `UPDATE users SET email = $3, email_norm = $4, email_verified = $5, roles = $6, disabled = $7, password_hash = $8, profile = $9,
		version = version + 1 WHERE id = $1 AND version = $2`,
		u.ID, u.Version, u.Email, account.NormalEmail(u.Email), u.EmailVerified, list(u.Roles), u.Disabled, string(u.PasswordHash), profile)
	if err != nil && a.db.classify(err) == duplicate {
		return account.ErrExists
	}
	if err != nil || n == 1 {
		return err
	}
	if _, err := one[int](ctx, r, `SELECT 1 FROM users WHERE id = $1`, u.ID); err != nil {
		return notFound(err, account.ErrNotFound)
	}
	return account.ErrConflict
}

// List pages through users.
func (a accounts) List(ctx context.Context, after id.User, limit int) ([]account.User, error) {
	return read(ctx, a.db, "list users", func(ctx context.Context, r runner) ([]account.User, error) {
		return all(ctx, r, scanUser, `SELECT `+userColumns+` FROM users WHERE id > $1 ORDER BY id LIMIT $2`, clean(string(after)), limit)
	})
}

// Rehash replaces a hash by one of the same password.
func (a accounts) Rehash(ctx context.Context, user id.User, old, new account.Hash) error {
	_, err := single(ctx, a.db, "rehash a password", func(ctx context.Context, r runner) (int64, error) {
		return execute(ctx, r, `UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2`, user, string(old), string(new))
	})
	return err
}

// Delete ends a user's sessions and forgets the user, at once: there are
// session.MostSessions at most. Profile and consents go with the user. Rows that name it by its id
// alone stay: the sessions', for the status lists, and the audit.
func (a accounts) Delete(ctx context.Context, user id.User, e audit.Event) ([]id.Session, error) {
	return change(ctx, a.db, "delete a user", func(ctx context.Context, r runner) ([]id.Session, error) {
		version, err := one[int64](ctx, r, `DELETE FROM users WHERE id = $1 RETURNING version`, clean(string(user)))
		if err != nil {
			return nil, notFound(err, account.ErrNotFound)
		}
		if _, err := execute(ctx, r, `DELETE FROM consents WHERE user_id = $1`, user); err != nil {
			return nil, err
		}
		ended, _, err := a.db.end(ctx, r, session.Which{User: user}, nil, e.At, "user_deleted")
		if err != nil {
			return nil, err
		}
		return ids(ended), a.changed(ctx, r, user, version+1, e)
	})
}

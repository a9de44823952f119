package sql

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
)

type consents struct{ db *DB }

var _ grant.Consents = consents{}

const consentColumns = `user_id, client_id, scope, allowed, given`

// scanConsent reads a row. Where there is allowed, scope counts for nothing: an older
// signet that still runs may have widened it since, at an audience that nobody kept. A
// row without it is all that one's: of an audience that isn't known.
func scanConsent(row scanner) (c grant.Consent, err error) {
	var given int64
	var scope []string
	var allowed sql.NullString
	if err := row.Scan(&c.User, &c.Client, lists{&scope}, &allowed, &given); err != nil {
		return c, err
	}
	c.Given = instant(given)
	if !allowed.Valid {
		c.Allowed = []grant.Allowed{{Scope: scope}}
		return c, nil
	}
	return c, json.Unmarshal([]byte(allowed.String), &c.Allowed)
}

// Find returns a consent.
func (s consents) Find(ctx context.Context, user id.User, client id.Client) (grant.Consent, error) {
	return read(ctx, s.db, "find a consent", func(ctx context.Context, r runner) (grant.Consent, error) {
		c, err := scanConsent(r.QueryRowContext(ctx, `SELECT `+consentColumns+` FROM consents WHERE user_id = $1 AND client_id = $2`,
			clean(string(user)), clean(string(client))))
		return c, notFound(err, grant.ErrNotFound)
	})
}

// Give writes a consent. That of a user who is gone is grant.ErrNotFound: it would
// stay behind.
func (s consents) Give(ctx context.Context, c grant.Consent, e audit.Event) error {
	allowed, err := encoded(c.Allowed)
	if err != nil {
		return err
	}
	_, err = change(ctx, s.db, "give a consent", func(ctx context.Context, r runner) (int, error) {
		if _, err := one[int](ctx, r, `SELECT 1 FROM users WHERE id = $1`+s.db.forUpdate("users"), c.User); err != nil {
			return 0, notFound(err, grant.ErrNotFound)
		}
		_, err := execute(ctx, r, `INSERT INTO consents (`+consentColumns+`) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, allowed = excluded.allowed, given = excluded.given`,
			c.User, c.Client, list(c.Scope()), allowed, millis(c.Given))
		if err != nil {
			return 0, err
		}
		return 0, record(ctx, r, e)
	})
	return err
}

// Withdraw removes a consent. The user's version goes first: rows are locked in that
// order everywhere.
func (s consents) Withdraw(ctx context.Context, user id.User, client id.Client, e audit.Event) error {
	_, err := change(ctx, s.db, "withdraw a consent", func(ctx context.Context, r runner) (int, error) {
		version, err := one[int64](ctx, r, `UPDATE users SET version = version + 1 WHERE id = $1 RETURNING version`, clean(string(user)))
		if err != nil {
			return 0, notFound(err, grant.ErrNotFound)
		}
		n, err := execute(ctx, r, `DELETE FROM consents WHERE user_id = $1 AND client_id = $2`, clean(string(user)), clean(string(client)))
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, grant.ErrNotFound // and the version stays
		}
		return 0, accounts(s).changed(ctx, r, user, version, e)
	})
	return err
}

// Of lists a user's consents.
func (s consents) Of(ctx context.Context, user id.User) ([]grant.Consent, error) {
	return read(ctx, s.db, "list consents", func(ctx context.Context, r runner) ([]grant.Consent, error) {
		return all(ctx, r, scanConsent, `SELECT `+consentColumns+` FROM consents WHERE user_id = $1 ORDER BY client_id`, clean(string(user)))
	})
}

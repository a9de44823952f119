package sql

import (
	"context"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
)

type consents struct{ db *DB }

var _ grant.Consents = consents{}

func scanConsent(row scanner) (c grant.Consent, err error) {
	var given int64
	err = row.Scan(&c.User, &c.Client, lists{&c.Scope}, &given)
	c.Given = instant(given)
	return c, err
}

// Find returns a consent.
func (s consents) Find(ctx context.Context, user id.User, client id.Client) (grant.Consent, error) {
	return read(ctx, s.db, "find a consent", func(ctx context.Context, r runner) (grant.Consent, error) {
		c, err := scanConsent(r.QueryRowContext(ctx, `SELECT user_id, client_id, scope, given FROM consents WHERE user_id = $1 AND client_id = $2`,
			clean(string(user)), clean(string(client))))
		return c, notFound(err, grant.ErrNotFound)
	})
}

// Give writes a consent. That of a user who is gone is grant.ErrNotFound: it would
// stay behind.
func (s consents) Give(ctx context.Context, c grant.Consent, e audit.Event) error {
	_, err := change(ctx, s.db, "give a consent", func(ctx context.Context, r runner) (int, error) {
		if _, err := one[int](ctx, r, `SELECT 1 FROM users WHERE id = $1`+s.db.forUpdate("users"), c.User); err != nil {
			return 0, notFound(err, grant.ErrNotFound)
		}
		_, err := execute(ctx, r, `INSERT INTO consents (user_id, client_id, scope, given) VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, given = excluded.given`,
			c.User, c.Client, list(c.Scope), millis(c.Given))
		if err != nil {
			return 0, err
		}
		return 0, record(ctx, r, e)
	})
	return err
}

// Withdraw removes a consent.
func (s consents) Withdraw(ctx context.Context, user id.User, client id.Client, e audit.Event) error {
	_, err := change(ctx, s.db, "withdraw a consent", func(ctx context.Context, r runner) (int, error) {
		n, err := execute(ctx, r, `DELETE FROM consents WHERE user_id = $1 AND client_id = $2`, clean(string(user)), clean(string(client)))
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, grant.ErrNotFound
		}
		return 0, record(ctx, r, e)
	})
	return err
}

// Of lists a user's consents.
func (s consents) Of(ctx context.Context, user id.User) ([]grant.Consent, error) {
	return read(ctx, s.db, "list consents", func(ctx context.Context, r runner) ([]grant.Consent, error) {
		return all(ctx, r, scanConsent, `SELECT user_id, client_id, scope, given FROM consents WHERE user_id = $1 ORDER BY client_id`, clean(string(user)))
	})
}

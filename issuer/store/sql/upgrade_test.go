package sql

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// What signet wrote at schema 1, and still does where an older one runs beside a
// newer.
var oldStatements = []string{
	`INSERT INTO users (id, email, email_norm, email_verified, roles, disabled, password_hash, version, created)
		VALUES ('usr_%', '%@example.com', '%@example.com', TRUE, '["admin"]', FALSE, 'h', 1, 1000)`,
	`INSERT INTO clients (id, document, version, created) VALUES ('c%', '{"name":"n"}', 1, 1000)`,
	`INSERT INTO logins (id, user_id, auth_time, amr, cookie, expires) VALUES ('l%', 'usr_%', 1000, '["pwd"]', NULL, 4000000000000)`,
	`INSERT INTO sessions (id, login_id, user_id, client_id, scope, audience, bound_key, status, auth_time, created, expires)
		VALUES ('s%', 'l%', 'usr_%', 'c%', '["openid"]', '[]', '', 1, 1000, 1000, 4000000000000)`,
	`UPDATE users SET email = 'x%', email_norm = 'x%', email_verified = TRUE, roles = '[]', disabled = FALSE, password_hash = 'i', version = version + 1
		WHERE id = 'usr_%' AND version = 1`,
}

func writeOld(t *testing.T, db *DB, name string) {
	t.Helper()
	must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
		for _, s := range oldStatements {
			if n, err := execute(ctx, r, strings.ReplaceAll(s, "%", name)); err != nil || n != 1 {
				return fmt.Errorf("%s: %d rows, %w", s, n, err)
			}
		}
		return nil
	}))
}

// TestUpgrade: a database of schema 1 keeps all it has, and goes on taking what an
// older signet writes.
func TestUpgrade(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, err := Open(t.Context(), Config{URL: url})
		must(t, err)
		t.Cleanup(func() { _ = db.Close() })
		migrateTo(t, db, 1)
		writeOld(t, db, "a")
		must(t, db.Migrate(t.Context()))
		writeOld(t, db, "b")
		b := db.Backend()
		for _, name := range []string{"a", "b"} {
			u, err := b.Accounts.ByID(t.Context(), id.User("usr_"+name))
			if err != nil || u.Email != "x"+name || u.Profile != (account.Profile{}) {
				t.Errorf("user %s: %+v, %v", name, u, err)
			}
			s, _, err := b.Ledger.Find(t.Context(), id.Session("s"+name))
			if err != nil || s.Notify || !s.Ended.IsZero() || s.User != u.ID {
				t.Errorf("session %s: %+v, %v", name, s, err)
			}
			of, err := b.Logins.Of(t.Context(), u.ID, time.Now(), 10)
			if err != nil || len(of) != 1 || of[0].Agent != "" || of[0].Origin != "" {
				t.Errorf("logins of %s: %+v, %v", name, of, err)
			}
			_, err = b.Ledger.End(t.Context(), session.Which{User: u.ID}, audit.New(t.Context(), audit.SessionEnded, time.Now()))
			must(t, err)
		}
		want(t, db, "live logins", 0, liveLogins)
		want(t, db, "notices", 0, `SELECT count(*) FROM notices`)
	})
}

func migrateTo(t *testing.T, db *DB, version int64) {
	t.Helper()
	admin, err := db.admin()
	must(t, err)
	defer func() { _ = admin.Close() }()
	p, err := db.schema(admin)
	must(t, err)
	_, err = p.UpTo(t.Context(), version)
	must(t, err)
}

// What signet did with a consent at schema 2.
const (
	oldGive = `INSERT INTO consents (user_id, client_id, scope, given) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, given = excluded.given`
	oldFind = `SELECT scope FROM consents WHERE user_id = $1 AND client_id = $2`
)

// TestUpgradeConsents: a consent from before audiences were kept is one of none that is
// known; what an older signet adds to one that has them counts for nothing, and it reads
// what the newer one writes.
func TestUpgradeConsents(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, err := Open(t.Context(), Config{URL: url})
		must(t, err)
		t.Cleanup(func() { _ = db.Close() })
		migrateTo(t, db, 2)
		writeOld(t, db, "a")
		give := func(client, scope string) {
			must(t, db.transact(t.Context(), func(ctx context.Context, r runner) error {
				_, err := execute(ctx, r, oldGive, "usr_a", client, scope, 1000)
				return err
			}))
		}
		give("before", `["openid","read"]`)
		must(t, db.Migrate(t.Context()))
		give("after", `[]`)
		b := db.Backend()
		c := grant.Consent{User: "usr_a", Client: "kept", Given: time.UnixMilli(2000).UTC()}.With([]string{"read", "openid"}, []string{"https://a.example", "https://b.example"})
		must(t, b.Consents.Give(t.Context(), c, audit.New(t.Context(), audit.ConsentGiven, time.Now())))
		want(t, db, "what an older signet reads", 1, `SELECT count(*) FROM (`+oldFind+`) AS old WHERE scope = '["openid","read"]'`, "usr_a", "kept")
		give("kept", `["openid","read","write"]`)
		c.Given = time.UnixMilli(1000).UTC()
		for _, expected := range []grant.Consent{
			{User: "usr_a", Client: "before", Allowed: []grant.Allowed{{Scope: []string{"openid", "read"}}}, Given: c.Given},
			{User: "usr_a", Client: "after", Allowed: []grant.Allowed{{Scope: []string{}}}, Given: c.Given},
			c,
		} {
			got, err := b.Consents.Find(t.Context(), "usr_a", expected.Client)
			must(t, err)
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Errorf("%s:\n%s", expected.Client, diff)
			}
		}
	})
}

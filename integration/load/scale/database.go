package scale

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // the driver

	store "github.com/signet-oidc/signet/issuer/store/sql"
)

// withIndices are those that no start reads; the rows are written without them.
var withIndices = []string{"sessions_login", "sessions_user", "sessions_client", "sessions_expires"}

// fill makes a SQLite database of n live sessions, by the engine's own schema.
func fill(ctx context.Context, path string, n int64) (err error) {
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + path})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Migrate(ctx), db.Close()); err != nil {
		return err
	}
	statements := []string{}
	for _, index := range withIndices {
		statements = append(statements, "DROP INDEX "+index)
	}
	now := time.Now().UnixMilli()
	statements = append(statements, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO sessions (id, login_id, user_id, client_id, scope, audience, bound_key, status, auth_time, created, expires)
		SELECT printf('%%026d', i), printf('%%026d', i), printf('usr_%%026d', i), 'signet', '[]', '["https://api.example.com"]', '', i, %d, %d, %d FROM n`,
		n-1, now, now, now+life.Milliseconds()),
		fmt.Sprintf(`UPDATE counters SET value = %d WHERE name = 'status'`, n))
	return edit(ctx, path, statements...)
}

// end ends sessions, so that one in so many has.
func end(ctx context.Context, path string, oneIn int) error {
	return edit(ctx, path, fmt.Sprintf(`UPDATE sessions SET ended_at = %d, reason = 'logout' WHERE status %% %d = 0 AND ended_at IS NULL`, time.Now().UnixMilli(), oneIn))
}

// edit runs statements on a database that nobody has open.
func edit(ctx context.Context, path string, statements ...string) (err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.40s: %w", s, err)
		}
	}
	return nil
}

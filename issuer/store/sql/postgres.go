package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/signet-oidc/signet/issuer/session"
)

// postgresEngine is PostgreSQL: a bounded pool, read committed, row locks.
type postgresEngine struct {
	url  string
	pool *sql.DB
}

var (
	_ engine = (*postgresEngine)(nil)
	_ atOnce = (*postgresEngine)(nil)

	_ alone       = (*postgresEngine)(nil)
	_ opensAtOnce = (*postgresEngine)(nil)
)

// migrationLock is the advisory lock of whoever migrates: "signet" in ASCII.
const migrationLock = 0x7369676e6574

// serverTimeouts bound what the server does for us when we no longer wait: its
// statement is ended, its locks are freed. The feed's readers count on them: an
// entry is seen at most this much later than its time.
var serverTimeouts = map[string]time.Duration{
	"statement_timeout":                   10 * time.Second,
	"lock_timeout":                        5 * time.Second,
	"idle_in_transaction_session_timeout": 10 * time.Second,
}

func openPostgres(c Config) (engine, error) {
	conf, err := postgresConfig(c.URL)
	if err != nil {
		return nil, err
	}
	// Every statement finds its rows by a key: a plan made once is as good as one
	// made for each call, and planning costs as much as running.
	setDefault(conf.RuntimeParams, "plan_cache_mode", "force_generic_plan")
	for name, d := range serverTimeouts {
		setDefault(conf.RuntimeParams, name, strconv.FormatInt(d.Milliseconds(), 10))
	}
	pool := stdlib.OpenDB(*conf)
	pool.SetMaxOpenConns(c.Conns)
	pool.SetMaxIdleConns(c.Conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &postgresEngine{url: c.URL, pool: pool}, nil
}

func postgresConfig(url string) (*pgx.ConnConfig, error) {
	conf, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the PostgreSQL address can't be read: %w", err) // pgx leaves the password out
	}
	if conf.ConnectTimeout == 0 {
		conf.ConnectTimeout = 5 * time.Second
	}
	setDefault(conf.RuntimeParams, "application_name", "signet")
	return conf, nil
}

func setDefault(m map[string]string, name, value string) {
	if _, ok := m[name]; !ok {
		m[name] = value
	}
}

func (e *postgresEngine) name() string   { return "postgres" }
func (e *postgresEngine) reader() runner { return e.pool }
func (e *postgresEngine) alone() runner  { return e.pool }
func (e *postgresEngine) close() error   { return e.pool.Close() }

func (e *postgresEngine) transact(ctx context.Context, f func(context.Context, runner) error) error {
	tx, err := e.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := f(ctx, tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// rotateOnce is session.Decide's ordinary case, p = c, as one statement: every
// condition of it stands in the WHERE. Where another rotation holds the row, its
// conditions are looked at again once that one is committed (read committed). The
// client is compared with an expression, lest a planner without statistics read all
// sessions of the client for the one.
const rotateOnce = `UPDATE generations AS g
SET generation = g.generation + 1, key_id = $5, answered = $6, not_after = least($6 + $7, s.expires),
	streak = CASE WHEN g.counted THEN g.streak ELSE 0 END, counted = FALSE
FROM sessions s LEFT JOIN users u ON u.id = s.user_id
WHERE g.session = $1 AND s.id = g.session AND g.generation = $2
	AND NOT g.ended AND s.ended_at IS NULL AND s.expires > $6 AND g.not_after > $6
	AND s.client_id || '' = $3 AND s.bound_key = $4
	AND ($8 = '[]' OR s.scope::jsonb @> $8::jsonb) AND ($9 = '[]' OR s.audience::jsonb @> $9::jsonb)
RETURNING ` + stateColumns

func (e *postgresEngine) rotateAtOnce(ctx context.Context, r session.Rotation) (session.State, bool, error) {
	if !asText(r) {
		return session.State{}, false, nil
	}
	s, err := scanState(e.pool.QueryRowContext(ctx, rotateOnce, r.Session, int64(r.Generation), r.Client, r.BoundKey,
		int64(r.Key), millis(r.Now), r.Idle.Milliseconds(), list(r.Scope), list(r.Audience)))
	if errors.Is(err, sql.ErrNoRows) {
		return session.State{}, false, nil
	}
	return s, err == nil, err
}

// asText tells whether PostgreSQL can compare all that a rotation says as text: it
// refuses NUL and invalid UTF-8, which no session has.
func asText(r session.Rotation) bool {
	for _, v := range slices.Concat([]string{string(r.Session), string(r.Client), r.BoundKey}, r.Scope, r.Audience) {
		if !storable(v) {
			return false
		}
	}
	return true
}

func (e *postgresEngine) clock() string {
	return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
}

// forUpdate locks against other changes of the row, not against foreign keys
// that refer to it.
func (e *postgresEngine) forUpdate(table string) string { return " FOR NO KEY UPDATE OF " + table }

// SQLSTATEs that mean no answer, by their first characters: connection, resources,
// shut-down and fail-over, read-only (a standby), statement or lock timeout.
var unavailableStates = []string{"08", "53", "57", "58", "25006", "55P03", "25P03"}

func (e *postgresEngine) classify(err error) class {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return classifyState(pe.Code)
	}
	var ce *pgconn.ConnectError
	var ne net.Error
	if errors.As(err, &ce) || errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err) || pgconn.Timeout(err) || strings.Contains(err.Error(), "conn closed") ||
		strings.Contains(err.Error(), "sql: database is closed") { // neither exports a sentinel
		return unavailable
	}
	return other
}

func classifyState(code string) class {
	switch code {
	case "40001", "40P01": // serialization failure, deadlock
		return again
	case "23505":
		return duplicate
	}
	for _, s := range unavailableStates {
		if strings.HasPrefix(code, s) {
			return unavailable
		}
	}
	return other
}

// admin has no server-side timeouts: a migration takes what it takes.
func (e *postgresEngine) admin() (*sql.DB, error) {
	conf, err := postgresConfig(e.url)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*conf)
	db.SetMaxOpenConns(2) // one holds the lock
	return db, nil
}

func (e *postgresEngine) lockMigration(ctx context.Context, admin *sql.DB) (func(), error) {
	conn, err := admin.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	// The session's end, when admin is closed, frees the lock in any case.
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(migrationLock))
		_ = conn.Close()
	}, nil
}

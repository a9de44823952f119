package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/issuer/store/redis"
	"github.com/signet-oidc/signet/issuer/store/sql"
	"github.com/signet-oidc/signet/keys/secret"
)

// databaseFile is the embedded database's name in the data directory.
const databaseFile = "signet.db"

// databaseURL is the database that the settings name.
func databaseURL(s issuer.Settings) string {
	if s.DatabaseURL != "" {
		return s.DatabaseURL
	}
	return "sqlite:" + filepath.Join(s.DataDir, databaseFile)
}

func isSQLite(url string) bool { return strings.HasPrefix(url, "sqlite:") }

// asOperator marks what ctx does as done from the command line, for the audit.
func asOperator(ctx context.Context) context.Context {
	return audit.WithOrigin(ctx, audit.Origin{Actor: actor})
}

// withDatabase runs f on the settings' database, whether or not a server runs on it: what f changes, running servers see
// within a second, by the changes feed. An empty database is made ready; an older one is left to `signet migrate`, because a
// server of its version may be running.
func withDatabase(a *app, s issuer.Settings, f func(context.Context, *sql.DB) error) (err error) {
	if err := s.Validate(); err != nil {
		return err
	}
	ctx := asOperator(a.ctx)
	db, err := sql.Open(ctx, sql.Config{URL: databaseURL(s)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := atCurrentSchema(ctx, db); err != nil {
		return withDatabaseHint(err)
	}
	return f(ctx, db)
}

func atCurrentSchema(ctx context.Context, db *sql.DB) error {
	has, wants, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if has > 0 && has < wants {
		return fmt.Errorf("the database is of an older signet (schema %d, this one wants %d): run signet migrate or signet serve", has, wants)
	}
	return db.Migrate(ctx) // makes an empty one ready, refuses a newer one
}

// engines are the stores of a server, open.
type engines struct {
	db      *sql.DB
	backend store.Backend
	closers []func() error // in the order of opening
}

// openEngines opens what a server keeps things in: SQLite under its lock, or PostgreSQL, migrated; and Redis where
// the settings name one. What is open must be closed, also after an error.
func openEngines(ctx context.Context, s issuer.Settings, log zerolog.Logger) (*engines, error) {
	e := &engines{}
	if err := e.openSQL(ctx, s); err != nil {
		return e, err
	}
	if s.RedisURL == "" {
		return e, nil
	}
	return e, e.openRedis(ctx, s, log)
}

func (e *engines) openSQL(ctx context.Context, s issuer.Settings) (err error) {
	url := databaseURL(s)
	if e.db, err = sql.Open(ctx, sql.Config{URL: url, Retention: s.KeyPolicy().Retain(), AuditTTL: s.AuditTTL}); err != nil {
		return err
	}
	if isSQLite(url) { // Open has made the directory
		release, err := sql.LockFile(url)
		if err != nil {
			return errors.Join(err, e.db.Close())
		}
		e.closers = append(e.closers, func() error { release(); return nil })
	}
	e.closers = append(e.closers, e.db.Close)
	e.backend = e.db.Backend()
	return withDatabaseHint(e.db.Migrate(ctx))
}

// withDatabaseHint says what to look at where PostgreSQL let nobody in: it isn't there, or has no such database or user.
func withDatabaseHint(err error) error {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fmt.Errorf("%w; SIGNET_DATABASE_URL must name a PostgreSQL that runs, a database in it (createdb makes one), and a user who may use that", err)
	}
	return err
}

// openRedis gives Redis what changes all the time. One that isn't there yet stops nothing: readiness says so, and it is
// asked which database it belongs to as soon as it answers.
func (e *engines) openRedis(ctx context.Context, s issuer.Settings, log zerolog.Logger) error {
	r, err := redis.Open(ctx, redis.Config{URL: secret.New(s.RedisURL)})
	if err != nil {
		return fmt.Errorf("SIGNET_REDIS_URL: %w", err)
	}
	e.closers = append(e.closers, r.Close)
	deployment, err := e.db.DeploymentID(ctx)
	if err != nil {
		return err
	}
	switch err := r.Remember(ctx, deployment); {
	case errors.Is(err, store.ErrUnavailable):
		log.Warn().Err(err).Msg("Redis doesn't answer; the server isn't ready until it does")
	case err != nil:
		return err
	}
	for _, advice := range r.Advice(ctx) {
		log.Warn().Msg(advice)
	}
	e.backend.Generations, e.backend.Limits, e.backend.Settler, e.backend.Healer = r, r, r, r
	e.backend.Waiting = r.Waiting()
	e.backend.Reachable["redis"] = r.Reachable
	return nil
}

// close closes in reverse order: the lock is released last.
func (e *engines) close() error {
	var errs []error
	for i := len(e.closers) - 1; i >= 0; i-- {
		errs = append(errs, e.closers[i]())
	}
	return errors.Join(errs...)
}

package sql

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/store"
)

// The zero values of Config.
const (
	defaultTimeout   = 5 * time.Second
	defaultRetention = 24 * time.Hour
	defaultConns     = 20
	mostReaders      = 8 // of SQLite: more than cores only cost memory
)

// Config says which database to open.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://…" (libpq's form, with its
	// parameters). Required.
	URL string
	// Timeout bounds each call, waiting for a connection included. Zero: 5 s.
	// What takes longer is store.ErrUnavailable.
	Timeout time.Duration
	// Conns bounds the connections to PostgreSQL (zero: 20), or SQLite's readers
	// (8 at most).
	Conns int
	// Retention is how long a session's rows are kept after its end; at least the
	// life of an access token, so that its status list outlives its tokens.
	// Zero: 24 h.
	Retention time.Duration
	// AuditTTL is how long an audit event is kept, whatever its kind. Zero: for ever.
	AuditTTL time.Duration
	// Now stands in for the database's clock in tests. Nil: the database's own
	// clock stamps the feed, this machine's tells which sessions are live.
	Now func() time.Time

	mostEnded int // zero: the constant
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine
	config  Config
	breaker *breaker // nil for SQLite, which is in this process
}

// Open opens a database, making SQLite's file if there is none. It neither
// migrates nor waits for PostgreSQL: Migrate does both.
func Open(ctx context.Context, c Config) (*DB, error) {
	c.Timeout = orDefault(c.Timeout, defaultTimeout)
	c.Retention = orDefault(c.Retention, defaultRetention)
	c.Conns = orDefault(c.Conns, defaultConns)
	c.mostEnded = orDefault(c.mostEnded, mostEnded)
	scheme, rest, _ := strings.Cut(c.URL, ":")
	var e engine
	var b *breaker
	var err error
	switch scheme {
	case "sqlite":
		e, err = openSQLite(ctx, rest, c)
	case "postgres", "postgresql":
		e, err = openPostgres(c)
		b = newBreaker()
	default:
		// Not the URL itself: it may hold a password.
		err = fmt.Errorf("unknown kind of database: write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME")
	}
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &DB{engine: e, config: c, breaker: b}, nil
}

// Close ends what runs and closes the database. Calls after it are
// store.ErrUnavailable.
func (db *DB) Close() error { return db.close() }

// Backend returns the database as everything an issuer asks of its engines.
// Settler is nil: a Rotate that ends a family writes the ledger, its feed entry
// and its event (audit.SessionReuse) in the same transaction. So is Healer: what
// this engine has acknowledged it keeps.
func (db *DB) Backend() store.Backend {
	return store.Backend{
		Accounts:    accounts{db},
		Clients:     clients{db},
		Ledger:      ledger{db},
		Logins:      logins{db},
		Notices:     notices{db},
		Consents:    consents{db},
		Indices:     indices{db},
		Keys:        ring{db},
		Audit:       auditLog{db},
		Feed:        feed{db},
		Clock:       clock{db},
		Generations: generations{db},
		Limits:      limits{db},
		Waiting:     waiting{db},
		Sweep:       db.Sweep,
		Reachable:   map[string]func(context.Context) error{db.name(): db.Reachable},
	}
}

// Reachable asks the database for an answer.
func (db *DB) Reachable(ctx context.Context) error {
	_, err := read(ctx, db, "reach the database", func(ctx context.Context, r runner) (int, error) {
		return one[int](ctx, r, `SELECT 1`)
	})
	return err
}

// DeploymentID returns the random text that the first migration made: two
// databases never have the same, unless one is a copy.
func (db *DB) DeploymentID(ctx context.Context) (string, error) {
	return read(ctx, db, "read the deployment id", func(ctx context.Context, r runner) (string, error) {
		return one[string](ctx, r, `SELECT value FROM meta WHERE name = 'deployment'`)
	})
}

func (db *DB) now() time.Time {
	if db.config.Now != nil {
		return db.config.Now()
	}
	return time.Now()
}

// stamp is an argument for "coalesce(stamp, the database's clock)".
func (db *DB) stamp() any {
	if db.config.Now != nil {
		return millis(db.config.Now())
	}
	return nil
}

type clock struct{ db *DB }

var _ store.Clock = clock{}

// DatabaseTime returns the database's time, to the millisecond.
func (c clock) DatabaseTime(ctx context.Context) (time.Time, error) {
	return read(ctx, c.db, "read the database's clock", func(ctx context.Context, r runner) (time.Time, error) {
		at, err := one[int64](ctx, r, `SELECT coalesce(CAST($1 AS BIGINT), `+c.db.clock()+`)`, c.db.stamp())
		return instant(at), err
	})
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

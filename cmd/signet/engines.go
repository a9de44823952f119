package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/store/sql"
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
		return err
	}
	return f(ctx, db)
}

// versioned tells a database's schema version (0: empty) and this program's.
type versioned interface {
	SchemaVersion(ctx context.Context) (has, wants int64, err error)
}

func atCurrentSchema(ctx context.Context, db *sql.DB) error {
	v, ok := any(db).(versioned)
	if !ok {
		return db.Migrate(ctx)
	}
	has, wants, err := v.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if has > 0 && has < wants {
		return fmt.Errorf("the database is of an older signet (schema %d, this one wants %d): run signet migrate or signet serve", has, wants)
	}
	return db.Migrate(ctx) // makes an empty one ready, refuses a newer one
}

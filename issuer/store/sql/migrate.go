package sql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// ErrNewerSchema means that a newer signet has migrated the database. Nothing was
// changed.
var ErrNewerSchema = errors.New("the database is of a newer signet: start that version or a newer one, or restore a backup made before it migrated")

//go:embed migrations
var migrations embed.FS

// Migrate brings an empty or older database to this version's schema, one process
// at a time; it refuses a newer one with ErrNewerSchema.
func (db *DB) Migrate(ctx context.Context) error {
	if err := db.migrate(ctx); err != nil {
		return db.failed(ctx, "migrate the database", err)
	}
	return nil
}

func (db *DB) migrate(ctx context.Context) error {
	admin, err := db.admin()
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }() // what it did is committed
	release, err := db.lockMigration(ctx, admin)
	if err != nil {
		return err
	}
	defer release()
	if err := db.up(ctx, admin); err != nil {
		return err
	}
	_, err = admin.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('deployment', $1) ON CONFLICT (name) DO NOTHING`, rand.Text())
	return err
}

func (db *DB) up(ctx context.Context, admin *sql.DB) error {
	p, err := db.schema(admin)
	if err != nil {
		return err
	}
	has, wants, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > wants {
		return fmt.Errorf("%w (it is at schema %d, this signet at %d)", ErrNewerSchema, has, wants)
	}
	_, err = p.Up(ctx)
	return err
}

func (db *DB) schema(admin *sql.DB) (*goose.Provider, error) {
	dialect := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}[db.name()]
	files, err := fs.Sub(migrations, "migrations/"+db.name())
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, admin, files, goose.WithDisableGlobalRegistry(true))
}

// SchemaVersion returns the version of the database's schema, 0 for an empty one,
// and the version that this signet wants.
func (db *DB) SchemaVersion(ctx context.Context) (has, wants int64, err error) {
	admin, err := db.admin()
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = admin.Close() }() // what it did is committed
	p, err := db.schema(admin)
	if err != nil {
		return 0, 0, err
	}
	if has, wants, err = p.GetVersions(ctx); err != nil {
		return 0, 0, db.failed(ctx, "read the schema's version", err)
	}
	return has, wants, nil
}

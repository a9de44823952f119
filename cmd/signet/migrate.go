package main

import (
	"errors"
	"fmt"

	"github.com/signet-oidc/signet/issuer/store/sql"
)

type migrateCmd struct{ settingsFlags }

// Run migrates the database, one process at a time, and ends.
func (c *migrateCmd) Run(a *app) (err error) {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	db, err := sql.Open(a.ctx, sql.Config{URL: databaseURL(c.Settings)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(a.ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, "The database has this version's schema.")
	return err
}

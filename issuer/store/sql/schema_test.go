package sql

import "testing"

func TestSchemaVersion(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db, err := Open(t.Context(), Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if has, wants, err := db.SchemaVersion(t.Context()); has != 0 || wants == 0 || err != nil {
			t.Errorf("an empty database is at %d of %d (%v)", has, wants, err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if has, wants, err := db.SchemaVersion(t.Context()); has != wants || err != nil {
			t.Errorf("a migrated database is at %d of %d (%v)", has, wants, err)
		}
	})
}

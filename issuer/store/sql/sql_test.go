package sql

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/store/storetest"
)

// databases are the engines under test: each call makes an empty one and returns
// its URL.
var databases = []struct {
	name  string
	fresh func(t testing.TB) string
}{
	{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "data", "signet?#%41.db") }},
	{"postgres", servers.Postgres},
}

// opened opens and migrates a database until the end of the test.
func opened(t testing.TB, c Config) *DB {
	t.Helper()
	db, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// engineOf is the engine of a database, of the kind that a test needs.
func engineOf[E engine](t testing.TB, db *DB) E {
	t.Helper()
	e, ok := db.engine.(E)
	if !ok {
		t.Fatalf("the engine is %T, want %T", db.engine, e)
	}
	return e
}

func TestConformance(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				// Many at once on a machine that others load too: here it is the outcome that counts.
				db := opened(t, Config{URL: d.fresh(t), Timeout: time.Minute})
				return storetest.Harness{
					Backend: db.Backend(),
					Sweep:   db.Sweep,
				}
			})
		})
	}
}

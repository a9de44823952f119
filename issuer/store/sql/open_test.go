package sql

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// each runs a test on every kind of database.
func each(t *testing.T, f func(t *testing.T, url string)) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) { f(t, d.fresh(t)) })
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, url string
		says      []string
	}{
		{"nothing", "", []string{"write sqlite:PATH"}},
		{"another kind", "mysql://root:secret@host/db", []string{"write sqlite:PATH"}},
		{"no path", "sqlite:", []string{"write sqlite:PATH"}},
		{"memory", "sqlite::memory:", []string{"would be lost"}},
		{"a file as directory", "sqlite:" + file + "/signet.db", []string{file, "writable", "SIGNET_DATA_DIR"}},
		{"a directory nobody can write", "sqlite:/proc/signet/signet.db", []string{"/proc/signet", "writable", "SIGNET_DATABASE_URL"}},
		{"a directory as file", "sqlite:" + filepath.Dir(file), []string{filepath.Dir(file), "writable"}},
		{"PostgreSQL by half", "postgres://user:secret@host:port/db", []string{"can't be read"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := Open(t.Context(), Config{URL: c.url})
			if err == nil {
				_ = db.Close()
				t.Fatal("no error")
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("error %q doesn't say %q", err, s)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("error %q tells the password", err)
			}
		})
	}
}

func TestFileModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	db := opened(t, Config{URL: "sqlite:" + filepath.Join(dir, "signet.db")})
	begun(t, db, 1)
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReopen(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db := opened(t, Config{URL: url})
		state := begun(t, db, 1)[0]
		deployment, err := db.DeploymentID(t.Context())
		if err != nil || len(deployment) < 20 {
			t.Fatalf("DeploymentID %q, %v", deployment, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		closed := db.Backend()
		_, err = closed.Generations.Look(t.Context(), state.Session)
		wantUnavailable(t, "a read after Close", err)
		wantUnavailable(t, "a change after Close", closed.Audit.Append(t.Context(), audit.New(t.Context(), audit.LoginFailed, time.Now())))

		start := time.Now()
		db = opened(t, Config{URL: url})
		t.Logf("opened and migrated an existing database in %v", time.Since(start))
		if got, err := db.DeploymentID(t.Context()); err != nil || got != deployment {
			t.Errorf("DeploymentID %q, %v; was %q", got, err, deployment)
		}
		got, err := db.Backend().Generations.Look(t.Context(), state.Session)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(state, got); d != "" {
			t.Errorf("the state differs (-before +after):\n%s", d)
		}
	})
}

func wantUnavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%s: error %v, want store.ErrUnavailable", what, err)
	}
}

func TestNewerSchema(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db := opened(t, Config{URL: url})
		_, err := change(t.Context(), db, "test", func(ctx context.Context, r runner) (int64, error) {
			return execute(ctx, r, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (4711, TRUE)`)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Migrate(t.Context())
		if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "4711") || !strings.Contains(err.Error(), "start that version") {
			t.Errorf("Migrate: %v, want ErrNewerSchema with the version and how to mend it", err)
		}
	})
}

// TestMigrateAtOnce: several replicas that start at once migrate once.
func TestMigrateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		errs := make(chan error)
		ids := make(chan string, 6)
		for range cap(ids) {
			go func() {
				errs <- func() (err error) {
					db, err := Open(t.Context(), Config{URL: url})
					if err != nil {
						return err
					}
					defer func() { err = errors.Join(err, db.Close()) }()
					if err := db.Migrate(t.Context()); err != nil {
						return err
					}
					deployment, err := db.DeploymentID(t.Context())
					ids <- deployment
					return err
				}()
			}()
		}
		for range cap(ids) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		close(ids)
		var all []string
		for deployment := range ids {
			all = append(all, deployment)
		}
		slices.Sort(all)
		if len(slices.Compact(all)) != 1 {
			t.Errorf("deployment ids %v, want one", all)
		}
	})
}

// TestSchemas: both databases have the same tables and columns.
func TestSchemas(t *testing.T) {
	var schemas []string
	for i, query := range []string{
		`SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%' ORDER BY 1`,
		`SELECT table_name || '.' || column_name FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name NOT LIKE 'goose_%' ORDER BY (table_name || '.' || column_name) COLLATE "C"`,
	} {
		db := opened(t, Config{URL: databases[i].fresh(t)})
		columns, err := all(t.Context(), db.reader(), scanID[string], query)
		if err != nil {
			t.Fatal(err)
		}
		schemas = append(schemas, strings.Join(columns, "\n"))
	}
	if d := cmp.Diff(schemas[0], schemas[1]); d != "" || schemas[0] == "" {
		t.Errorf("the schemas differ (-SQLite +PostgreSQL):\n%s", d)
	}
}

// TestOneConnection: nothing takes a second connection while it holds one.
func TestOneConnection(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		db := opened(t, Config{URL: url, Conns: 1})
		states := begun(t, db, 8)
		errs := make(chan error)
		for i := range 32 {
			go func() { errs <- everything(t.Context(), db.Backend(), states[i%8], i) }()
		}
		for range 32 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

// everything calls whatever takes more than one statement.
func everything(ctx context.Context, b store.Backend, s session.State, i int) error {
	at := time.Now()
	errs := []error{
		b.Accounts.Create(ctx, account.User{ID: id.NewUser(), Email: fmt.Sprintf("%d@%s", i, s.Session), Created: at}, audit.New(ctx, audit.UserRegistered, at)),
	}
	_, err := b.Generations.Rotate(ctx, session.Rotation{
		Session: s.Session, Generation: 1, Client: s.Client, Key: 7, Idle: time.Hour, Window: time.Hour, Now: at,
	})
	errs = append(errs, err)
	_, err = b.Ledger.End(ctx, session.Which{ID: s.Session}, audit.New(ctx, audit.SessionEnded, at))
	errs = append(errs, err)
	err = b.Indices.Set(ctx, at.Add(-time.Hour), func(int64) bool {
		_, err := b.Feed.Head(ctx)
		errs = append(errs, err)
		return true
	})
	errs = append(errs, err)
	_, err = b.Indices.Lease(ctx, 64)
	return errors.Join(append(errs, err, b.Generations.End(ctx, []session.Ended{{ID: s.Session}}))...)
}

func TestLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signet.db")
	release, err := LockFile("sqlite:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockFile(path); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second lock: %v, want ErrLocked with the path", err)
	}
	db := opened(t, Config{URL: "sqlite:" + path}) // the command line takes no lock
	begun(t, db, 1)
	release()
	release, err = LockFile(path)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	release()
	if _, err := LockFile("/proc/signet/signet.db"); err == nil || !strings.Contains(err.Error(), "writable") {
		t.Errorf("a lock that can't be made: %v", err)
	}
}

// TestUnavailable: a killed PostgreSQL is store.ErrUnavailable, soon, and comes back
// by itself.
func TestUnavailable(t *testing.T) {
	server := servers.StartPostgres(t, servers.PostgresConfig{Durable: true})
	db := opened(t, Config{URL: server.Database(), Timeout: 3 * time.Second})
	state := begun(t, db, 1)[0]
	b := db.Backend()
	r := session.Rotation{Session: state.Session, Generation: 1, Client: "web", Key: 7, Idle: time.Hour, Window: time.Hour, Now: state.Answered}
	server.Kill()
	for range 3 {
		start := time.Now()
		_, err := b.Generations.Rotate(t.Context(), r)
		wantUnavailable(t, "Rotate", err)
		wantUnavailable(t, "Append", b.Audit.Append(t.Context(), audit.New(t.Context(), audit.LoginFailed, time.Now())))
		wantUnavailable(t, "Reachable", db.Reachable(t.Context()))
		t.Logf("three calls took %v", time.Since(start))
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("three calls took %v", d)
		}
	}
	server.Start()
	res, err := b.Generations.Rotate(t.Context(), r)
	if err != nil || !res.Outcome.Gives() {
		t.Errorf("after the restart: %+v, %v", res, err)
	}
}

package sql

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestCloseLeavesOneFile: a database that was closed is one file, which can be
// copied by itself; its log and shared memory are gone.
func TestCloseLeavesOneFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(t *testing.T, db *DB)
	}{
		{"as opened", func(*testing.T, *DB) {}},
		{"written and read", func(t *testing.T, db *DB) {
			begun(t, db, 20)
			readAtOnce(t, db, mostReaders)
		}},
		{"closed by a reader last", readWhileClosing},
		{"by the command line beside a server", func(t *testing.T, db *DB) {
			beside, err := Open(t.Context(), Config{URL: "sqlite:" + engineOf[*sqliteEngine](t, db).path})
			if err != nil {
				t.Fatal(err)
			}
			begun(t, beside, 1)
			if err := beside.Close(); err != nil {
				t.Fatal(err)
			}
			begun(t, db, 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "signet.db")
			db := opened(t, Config{URL: "sqlite:" + path})
			c.before(t, db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if got := filesOf(t, path); !slices.Equal(got, []string{"signet.db", "signet.db.migrate-lock"}) {
				t.Errorf("after Close there are %q", got)
			}
		})
	}
}

// filesOf are the files beside a database.
func filesOf(t *testing.T, path string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// readAtOnce reads on n connections.
func readAtOnce(t *testing.T, db *DB, n int) {
	t.Helper()
	errs := make(chan error)
	for range n {
		go func() { errs <- db.Reachable(t.Context()) }()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// readWhileClosing has a connection under way, which is the last to be closed.
func readWhileClosing(t *testing.T, db *DB) {
	begun(t, db, 3)
	rows, err := db.reader().QueryContext(t.Context(), `SELECT id FROM sessions`)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal("no session to read")
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Error(err)
	}
}

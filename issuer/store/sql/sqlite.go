package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteEngine is SQLite: one writer with group commit, many readers.
type sqliteEngine struct {
	path    string
	writing *sql.DB
	reading *sql.DB
	reads   *prepared
	writes  *committer
	closing sync.Once
}

var _ engine = (*sqliteEngine)(nil)

// Pragmas of every connection: another process's commit is waited for (the
// command line beside a server); foreign keys hold; what a change of a shared commit
// overwrote, to be undone alone, is kept in memory (a temporary file costs a write a
// page); and of the writing ones.
const (
	pragmas      = "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)"
	writePragmas = pragmas + "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	readPragmas  = pragmas + "&_pragma=query_only(1)"
)

func openSQLite(ctx context.Context, path string, c Config) (engine, error) {
	path, err := sqlitePath(path)
	if err != nil {
		return nil, err
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	e := &sqliteEngine{path: path}
	if e.writing, err = openFile(path, writePragmas, 1); err != nil {
		return nil, err
	}
	conn, err := firstConn(ctx, e.writing)
	if err != nil {
		_ = e.writing.Close()
		return nil, unusable(path, err)
	}
	if e.reading, err = openFile(path, readPragmas, min(c.Conns, mostReaders)); err != nil {
		_ = e.writing.Close()
		return nil, err
	}
	e.reads = &prepared{on: e.reading}
	e.writes = newCommitter(conn)
	return e, nil
}

// mostBusy is how often firstConn tries: for some 4 s.
const mostBusy = 64

// firstConn opens the writing connection. What another process does while it is the
// first or the last that has the file open (turning on the log, deleting it) SQLite
// doesn't wait for, whatever the busy_timeout says.
func firstConn(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	for attempt := 1; ; attempt++ {
		conn, err := db.Conn(ctx)
		e, is := errors.AsType[*sqlite.Error](err)
		if !is || e.Code()&0xff != sqlite3.SQLITE_BUSY || attempt == mostBusy || !pause(ctx, attempt) {
			return conn, err
		}
	}
}

// sqlitePath is the absolute path of "sqlite:PATH"; "sqlite:///PATH" is
// understood too.
func sqlitePath(path string) (string, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || path == ":memory:" {
		return "", errors.New("no file named: write sqlite:PATH (a database in memory would be lost with the process)")
	}
	return filepath.Abs(path)
}

// makeFile makes the database file, for its owner alone, where there is none;
// SQLite gives its own files beside it the same mode. An existing file isn't
// opened: closing it would drop the locks that this process has on it
// (fcntl locks are the process's, not the descriptor's).
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return unusable(path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return unusable(path, err)
	}
	return f.Close()
}

// unusable says how to mend a path that can't be used.
func unusable(path string, err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_NOTADB {
		return fmt.Errorf("%s: %w; restore a backup, or move the file away to begin with an empty database", path, err)
	}
	return fmt.Errorf("can't write %s: %w; make the directory %s writable for the user that runs signet, or name another by SIGNET_DATA_DIR or SIGNET_DATABASE_URL",
		path, err, filepath.Dir(path))
}

func openFile(path, pragmas string, conns int) (*sql.DB, error) {
	// As a URI, with '?', '#' and '%' of the path escaped.
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + pragmas
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (e *sqliteEngine) name() string   { return "sqlite" }
func (e *sqliteEngine) reader() runner { return e.reads }

func (e *sqliteEngine) transact(ctx context.Context, f func(context.Context, runner) error) error {
	return e.writes.do(ctx, f)
}

func (e *sqliteEngine) clock() string { return "CAST(unixepoch('subsec') * 1000 AS INTEGER)" }

// forUpdate: a writing transaction has the whole database to itself.
func (e *sqliteEngine) forUpdate(string) string { return "" }

func (e *sqliteEngine) classify(err error) class {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		if strings.Contains(err.Error(), "sql: database is closed") { // no sentinel is exported
			return unavailable
		}
		return other
	}
	switch se.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return duplicate
	}
	switch se.Code() & 0xff { // the primary result code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL:
		return unavailable
	}
	return other
}

func (e *sqliteEngine) admin() (*sql.DB, error) { return openFile(e.path, writePragmas, 1) }

// lockMigration takes a lock file of its own: LockFile's is held by a server for
// as long as it runs.
func (e *sqliteEngine) lockMigration(ctx context.Context, _ *sql.DB) (func(), error) {
	return waitLock(ctx, e.path+".migrate-lock")
}

func (e *sqliteEngine) close() error {
	var err error
	e.closing.Do(func() {
		// The writer last: whoever is the last to close a file copies its log into it
		// and deletes the log, and readers should not have to.
		err = errors.Join(e.reading.Close(), e.writes.close(), e.writing.Close())
	})
	return err
}

package sql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// ErrLocked means that another process serves the database.
var ErrLocked = errors.New("another signet serves this database; stop it, or use PostgreSQL for replicas")

// errHeld is what tryLock says of a lock that another has.
var errHeld = errors.New("locked")

// LockFile takes the lock of whoever serves the SQLite database at path (or
// "sqlite:path"), a lock on path+".lock", without waiting; or says ErrLocked. The
// system frees it when the process ends, however it ends. release may be called
// once.
func LockFile(path string) (release func(), err error) {
	path, err = sqlitePath(strings.TrimPrefix(path, "sqlite:"))
	if err != nil {
		return nil, err
	}
	f, err := tryLock(path + ".lock")
	if errors.Is(err, errHeld) {
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	if err != nil {
		return nil, unusable(path, err)
	}
	// A file that nobody refers to is closed by the garbage collector, and the lock
	// with it: also where the caller has dropped release.
	held.Store(f, nil)
	return func() {
		held.Delete(f)
		_ = f.Close()
	}, nil
}

// held are the files whose locks are this process's.
var held sync.Map

// waitLock takes a lock when it is free.
func waitLock(ctx context.Context, path string) (release func(), err error) {
	for {
		f, err := tryLock(path)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, errHeld) {
			return nil, err
		}
		t := time.NewTimer(20 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
	}
}

func openLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

package sql

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/session"
)

// batched holds the writer back until n jobs wait, so that they are one batch.
func batched(t *testing.T, db *DB, n int, jobs ...func(context.Context, runner) error) []error {
	t.Helper()
	c := engineOf[*sqliteEngine](t, db).writes
	begun, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, n+1)
	go func() {
		done <- c.do(t.Context(), func(context.Context, runner) error { close(begun); <-release; return nil })
	}()
	<-begun
	results := make([]chan error, n)
	for i, job := range jobs {
		results[i] = make(chan error, 1)
		go func() {
			defer func() {
				if p := recover(); p != nil {
					err, ok := p.(error)
					if !ok {
						panic(p)
					}
					results[i] <- err
				}
			}()
			results[i] <- c.do(t.Context(), job)
		}()
		for len(c.queue) != i+1 { // they stand in the queue in order
			runtime.Gosched()
		}
	}
	close(release)
	errs := make([]error, n)
	for i := range errs {
		errs[i] = <-results[i]
	}
	return append(errs, <-done)
}

func insertMeta(name string, err error) func(context.Context, runner) error {
	return func(ctx context.Context, r runner) error {
		_, e := execute(ctx, r, `INSERT INTO meta (name, value) VALUES ($1, '')`, name)
		return errors.Join(e, err)
	}
}

// TestBatch: changes that share a commit stand or fall by themselves.
func TestBatch(t *testing.T) {
	db := opened(t, Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "signet.db")})
	refused, paniced := errors.New("refused"), errors.New("panic")
	errs := batched(t, db, 5,
		insertMeta("a", nil),
		insertMeta("b", refused),
		insertMeta("a", nil), // a duplicate
		func(ctx context.Context, r runner) error { _ = insertMeta("c", nil)(ctx, r); panic(paniced) },
		insertMeta("d", nil),
	)
	for i, want := range []error{nil, refused, nil, paniced, nil, nil} {
		if i == 2 {
			if db.classify(errs[2]) != duplicate {
				t.Errorf("a duplicate: %v", errs[2])
			}
			continue
		}
		if !errors.Is(errs[i], want) {
			t.Errorf("job %d: error %v, want %v", i, errs[i], want)
		}
	}
	got, err := all(t.Context(), db.reader(), scanID[string], `SELECT name FROM meta WHERE length(name) = 1 ORDER BY name`)
	if err != nil || len(got) != 2 || got[0] != "a" || got[1] != "d" {
		t.Errorf("durable: %q, %v; want a and d", got, err)
	}
}

// TestBatchFails: where the transaction is lost, nobody is told otherwise.
func TestBatchFails(t *testing.T) {
	db := opened(t, Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "signet.db")})
	errs := batched(t, db, 3,
		insertMeta("a", nil),
		// What a full disk does: all of the transaction is rolled back.
		func(ctx context.Context, r runner) error {
			_, err := r.ExecContext(ctx, `INSERT OR ROLLBACK INTO meta (name, value) VALUES ('deployment', '')`)
			return err
		},
		insertMeta("b", nil),
	)
	for i, err := range errs[:3] {
		if err == nil {
			t.Errorf("job %d of a lost transaction: no error", i)
		}
	}
	if err := db.transact(t.Context(), insertMeta("a", nil)); err != nil {
		t.Errorf("after a lost transaction: %v", err)
	}
}

// TestGiveUp: a caller that goes while its change waits leaves nothing behind.
func TestGiveUp(t *testing.T) {
	db := opened(t, Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "signet.db")})
	c := engineOf[*sqliteEngine](t, db).writes
	begun, release, held := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		held <- c.do(t.Context(), func(context.Context, runner) error { close(begun); <-release; return nil })
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		gone <- db.Backend().Audit.Append(ctx, audit.New(ctx, audit.LoginFailed, time.Now()))
	}()
	for len(c.queue) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: error %v, want context.Canceled", err)
	}
	close(release)
	if err := <-held; err != nil {
		t.Error(err)
	}
	// What stood in the queue is over when the next change is.
	if err := c.do(t.Context(), func(context.Context, runner) error { return nil }); err != nil {
		t.Error(err)
	}
	es, err := db.Backend().Audit.Events(t.Context(), audit.Query{Limit: 10})
	if err != nil || len(es) != 0 {
		t.Errorf("events %v, %v, want none", es, err)
	}
}

// TestCloseWhileBusy: whoever waits at Close is told.
func TestCloseWhileBusy(t *testing.T) {
	db := opened(t, Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "signet.db")})
	states := begun(t, db, 16)
	g := db.Backend().Generations
	errs := make(chan error)
	for _, s := range states {
		go func() {
			for {
				res, err := g.Rotate(t.Context(), session.Rotation{
					Session: s.Session, Generation: s.Generation, Client: "web", Key: 7, Idle: time.Hour, Window: time.Hour, Now: s.Answered,
				})
				if err != nil {
					errs <- err
					return
				}
				s = res.State
			}
		}()
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	for range states {
		wantUnavailable(t, "Rotate at Close", <-errs)
	}
}

package sql

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// prepared is a runner that prepares each statement once: SQLite would compile
// it again at every call. (pgx does the same by itself.) The texts are this
// package's own and few.
type prepared struct {
	on interface {
		runner
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu    sync.RWMutex // guards stmts
	stmts map[string]*sql.Stmt
}

var _ runner = (*prepared)(nil)

// mostPrepared bounds the statements kept; the package has fewer.
const mostPrepared = 512

// stmt returns the prepared form of a query; nil where it can't be prepared,
// and then running it unprepared says why.
func (p *prepared) stmt(ctx context.Context, query string) *sql.Stmt {
	p.mu.RLock()
	s := p.stmts[query]
	p.mu.RUnlock()
	if s != nil {
		return s
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.stmts[query]; s != nil || len(p.stmts) >= mostPrepared {
		return s
	}
	s, err := p.on.PrepareContext(ctx, query)
	if err != nil {
		return nil
	}
	if p.stmts == nil {
		p.stmts = make(map[string]*sql.Stmt)
	}
	p.stmts[query] = s
	return s
}

func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := p.stmt(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return p.on.ExecContext(ctx, query, args...)
}

func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := p.stmt(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return p.on.QueryContext(ctx, query, args...)
}

func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := p.stmt(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return p.on.QueryRowContext(ctx, query, args...)
}

// close closes the statements. Those of a *sql.Conn nobody else closes
// (database/sql keeps account of a *sql.DB's alone), and SQLite leaves the file and
// its log open behind a connection that has any.
func (p *prepared) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for query, s := range p.stmts {
		errs = append(errs, s.Close())
		delete(p.stmts, query)
	}
	return errors.Join(errs...)
}

package sql

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/sony/gobreaker/v2"
)

const (
	// tripAfter is how many calls in a row must have gone without an answer: more than
	// there are connections, so that one slow statement, for whose lock all of them
	// wait, isn't enough while anything else is answered.
	tripAfter = 2 * defaultConns
	// openFor is how long nothing is tried then; one call probes after it.
	openFor = 500 * time.Millisecond
)

var (
	// errOpen is what a call gets while the breaker is open.
	errOpen = errors.New("the database did not answer the last calls")

	errSilent = errors.New("no answer")
	errGaveUp = errors.New("the caller gave up")
)

// breaker has calls fail at once while PostgreSQL doesn't answer: with a server that
// hangs, requests would otherwise pile up, each for its whole timeout. Any answer is
// one, a refusal too: a database that takes no writes (a standby, a full disk), or
// that is in somebody's way, goes on being read.
type breaker = gobreaker.CircuitBreaker[struct{}]

func newBreaker() *breaker {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        "postgres",
		Timeout:     openFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		IsExcluded:  func(err error) bool { return errors.Is(err, errGaveUp) },
	})
}

// guard calls f unless the breaker is open.
func (db *DB) guard(ctx context.Context, f func() error) (err error) {
	if db.breaker == nil {
		return f()
	}
	_, refused := db.breaker.Execute(func() (struct{}, error) {
		err = f()
		return struct{}{}, db.silence(ctx, err)
	})
	if errors.Is(refused, gobreaker.ErrOpenState) || errors.Is(refused, gobreaker.ErrTooManyRequests) {
		return errOpen
	}
	return err
}

// silence says what an error tells of the server: nil when it answered.
func (db *DB) silence(ctx context.Context, err error) error {
	_, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil || answered || !db.lost(err):
		return nil
	case ctx.Err() != nil:
		return errGaveUp
	}
	return errSilent
}

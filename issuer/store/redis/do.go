package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// batch is how many commands go into one pipeline: enough to spare the round
// trips, few enough to keep others from waiting.
const batch = 128

// do runs one operation within the timeout, and tells its failures apart.
func (s *Store) do(ctx context.Context, op string, f func(context.Context) error) error {
	return s.guard(ctx, op, func() error {
		bounded, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		return f(bounded)
	})
}

// guard calls f, which bounds itself. While the breaker is open it fails at once:
// with a server that hangs, requests would otherwise pile up, each for its whole
// timeout.
func (s *Store) guard(ctx context.Context, op string, f func() error) error {
	_, err := s.breaker.Execute(func() (struct{}, error) {
		if err := f(); err != nil {
			return struct{}{}, classify(ctx, op, err)
		}
		return struct{}{}, nil
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return fmt.Errorf("redis %s: %w: it did not answer the last calls", op, store.ErrUnavailable)
	}
	return err
}

const (
	// tripAfter is how many calls in a row must fail: so many that a Cluster with
	// one master of three away doesn't trip it.
	tripAfter = 20
	// openFor is how long nothing is tried then; one call probes after it.
	openFor = 500 * time.Millisecond
)

func newBreaker() *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         "redis",
		Timeout:      openFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
		IsSuccessful: func(err error) bool { return !errors.Is(err, store.ErrUnavailable) },
	})
}

// run calls a script in one round trip, together with what else waits; two where
// the server doesn't know it.
func (s *Store) run(ctx context.Context, op string, script *driver.Script, keys []string, args ...any) (reply any, err error) {
	if s.together == nil {
		err = s.do(ctx, op, func(ctx context.Context) error {
			reply, err = script.Run(ctx, s.client, keys, args...).Result()
			return err
		})
		return reply, err
	}
	err = s.guard(ctx, op, func() error {
		reply, err = s.together.run(ctx, script, call{keys, args})
		return err
	})
	return reply, err
}

// command sends one command of a key, together with what else waits. A reply of nil is
// no error.
func (s *Store) command(ctx context.Context, op string, args ...any) (reply any, err error) {
	if s.together == nil {
		err = s.do(ctx, op, func(ctx context.Context) (err error) {
			reply, err = s.client.Do(ctx, args...).Result()
			return notNil(err)
		})
		return reply, err
	}
	err = s.guard(ctx, op, func() (err error) {
		reply, err = s.together.run(ctx, nil, call{args: args})
		return notNil(err)
	})
	return reply, err
}

// notNil is an error, unless it says that the reply is nil.
func notNil(err error) error {
	if errors.Is(err, driver.Nil) {
		return nil
	}
	return err
}

// call is one script for one session.
type call struct {
	keys []string
	args []any
}

// runAll calls a script for each of many, in pipelines; each call is atomic by
// itself. All of them are tried, also when some fail.
func (s *Store) runAll(ctx context.Context, op string, script *driver.Script, calls []call) error {
	var errs error
	for start := 0; start < len(calls); start += batch {
		chunk := calls[start:min(start+batch, len(calls))]
		errs = errors.Join(errs, s.do(ctx, op, func(ctx context.Context) error { return s.runChunk(ctx, script, chunk) }))
	}
	return errs
}

func (s *Store) runChunk(ctx context.Context, script *driver.Script, chunk []call) error {
	cmds, err := s.client.Pipelined(ctx, func(p driver.Pipeliner) error {
		for _, c := range chunk {
			p.EvalSha(ctx, script.Hash(), c.keys, c.args...)
		}
		return nil
	})
	if !driver.HasErrorPrefix(err, noScript) {
		return err
	}
	for i, cmd := range cmds {
		err := cmd.Err()
		if driver.HasErrorPrefix(err, noScript) {
			err = script.Run(ctx, s.client, chunk[i].keys, chunk[i].args...).Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noScript is what a server says that doesn't know a script by its hash.
const noScript = "NOSCRIPT"

// unavailable are the codes by which a server says that it can't serve now, or
// not us. (An OOM is a write refused under the policy noeviction.)
var unavailable = []string{
	"LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "MOVED", "ASK", "OOM", "MISCONF", "NOREPLICAS", "BUSY",
	"UNBLOCKED", "NOAUTH", "WRONGPASS", "NOPERM", "ERR max number of clients", "ERR invalid password", "ERR AUTH",
}

// classify turns a driver's error into one that callers can tell apart.
// Anything that isn't a reply of the server is a failure to get one.
func classify(caller context.Context, op string, err error) error {
	if errors.Is(caller.Err(), context.Canceled) {
		return fmt.Errorf("redis %s: %w", op, context.Canceled)
	}
	if errors.Is(err, session.ErrNotFound) {
		return fmt.Errorf("redis %s: %w", op, err)
	}
	if reply, ok := errors.AsType[driver.Error](err); ok && !isUnavailable(reply) {
		return fmt.Errorf("redis %s: %w", op, err)
	}
	return fmt.Errorf("redis %s: %w: %w", op, store.ErrUnavailable, err)
}

func isUnavailable(reply driver.Error) bool {
	text := reply.Error()
	for _, code := range unavailable {
		if strings.HasPrefix(text, code) {
			return true
		}
	}
	return false
}

// Reachable asks the server for a sign of life: that it would take a write from us
// is known only from writing.
func (s *Store) Reachable(ctx context.Context) error {
	return s.do(ctx, "ping", func(ctx context.Context) error {
		return s.eachServer(ctx, func(ctx context.Context, c *driver.Client) error { return c.Ping(ctx).Err() })
	})
}

// eachServer calls f for each server that takes writes: each master of a
// Cluster, else the one there is. On a Cluster the calls are concurrent.
func (s *Store) eachServer(ctx context.Context, f func(context.Context, *driver.Client) error) error {
	switch c := s.client.(type) {
	case *driver.ClusterClient:
		return c.ForEachMaster(ctx, f)
	case *driver.Client:
		return f(ctx, c)
	}
	return fmt.Errorf("a %T has no servers", s.client)
}

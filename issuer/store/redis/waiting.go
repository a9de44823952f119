package redis

import (
	"context"
	"crypto/rand"
	_ "embed" // the script
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/signet-oidc/signet/issuer/grant"
)

// waitSlack is how much longer than needed a document or a name stays, for clocks
// that differ. Many come and go, so it is shorter than Grace.
const waitSlack = time.Minute

var (
	//go:embed scripts/once.lua
	onceSource string
	onceScript = driver.NewScript(onceSource)
)

// Waiting is the Store as a grant.Store.
type Waiting struct{ redis *Store }

var _ grant.Store = Waiting{}

// Waiting returns the Store as a grant.Store.
func (s *Store) Waiting() Waiting { return Waiting{s} }

// errWaiting means that a value isn't one that this package wrote.
var errWaiting = errors.New("what waits is damaged")

func waitKey(name string) string { return "signet:{" + name + "}:waiting" }

func waitTTL(now, until time.Time) time.Duration {
	return min(max(until.Sub(now), 0), longest) + waitSlack
}

// Put keeps a document, after the time until which.
func (w Waiting) Put(ctx context.Context, name string, document []byte, now, until time.Time) error {
	value := append(strconv.AppendInt(make([]byte, 0, len(document)+20), until.UnixMilli(), 10), ' ')
	value = append(value, document...)
	_, err := w.redis.command(ctx, "put", "SET", waitKey(name), value, "PX", waitTTL(now, until).Milliseconds())
	return err
}

// Get returns a document.
func (w Waiting) Get(ctx context.Context, name string, now time.Time) ([]byte, error) {
	return w.document(ctx, "get", "GET", name, now)
}

// Take returns a document and removes it. One whose answer is lost on its way is gone.
func (w Waiting) Take(ctx context.Context, name string, now time.Time) ([]byte, error) {
	return w.document(ctx, "take away", "GETDEL", name, now)
}

func (w Waiting) document(ctx context.Context, op, command, name string, now time.Time) ([]byte, error) {
	reply, err := w.redis.command(ctx, op, command, waitKey(name))
	if err != nil {
		return nil, err
	}
	value, there := reply.(string)
	if !there {
		return nil, fmt.Errorf("redis %s: %w", op, grant.ErrNotFound)
	}
	until, document, _ := strings.Cut(value, " ")
	ms, err := strconv.ParseInt(until, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("redis %s: %w", op, errWaiting)
	}
	if ms <= now.UnixMilli() {
		return nil, fmt.Errorf("redis %s: %w", op, grant.ErrNotFound)
	}
	return []byte(document), nil
}

// Once remembers a name in one script.
func (w Waiting) Once(ctx context.Context, name string, now, until time.Time) (first bool, err error) {
	reply, err := w.redis.run(ctx, "once", onceScript, []string{waitKey(name)},
		now.UnixMilli(), until.UnixMilli(), waitTTL(now, until).Milliseconds(), rand.Text())
	return reply == int64(1), err
}

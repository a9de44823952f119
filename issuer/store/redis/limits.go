package redis

import (
	"context"
	"crypto/sha256"
	_ "embed" // the script
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/signet-oidc/signet/issuer/limit"
)

// limitSlack is how much longer than needed a limit stays: there are many, of
// attackers' making, so it is shorter than Grace.
const limitSlack = time.Minute

// limitHash is how much of the SHA-256 of a limit's key names it: 128 bits can't
// be made to collide with another's by chance, nor usefully on purpose.
const limitHash = 16

var (
	//go:embed scripts/take.lua
	takeSource string
	takeScript = driver.NewScript(strings.ReplaceAll(takeSource, "$SLACK", fmt.Sprint(limitSlack.Milliseconds())))
)

var _ limit.Store = (*Store)(nil)

// Take counts an attempt in one script. The key is hashed: addresses don't show in
// Redis, its log or its monitor, and its length is constant.
func (s *Store) Take(ctx context.Context, key string, rate limit.Rate, cost int, now time.Time) (limit.Decision, error) {
	if rate.Count < 1 || rate.Interval() < time.Microsecond || cost < 0 {
		return limit.Decision{}, fmt.Errorf("redis take: no such rate as %v at a cost of %d", rate, cost)
	}
	reply, err := s.run(ctx, "take", takeScript, []string{limitKey(key)},
		now.UnixMicro(), rate.Interval().Microseconds(), rate.Count, cost)
	if err != nil {
		return limit.Decision{}, err
	}
	over, ok := reply.(int64)
	switch {
	case !ok:
		return limit.Decision{}, fmt.Errorf("redis take: a reply of type %T", reply)
	case over < 0:
		return limit.Decision{Allowed: true}, nil
	}
	return limit.Decision{RetryAfter: time.Duration(over) * time.Microsecond}, nil
}

func limitKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "signet:{" + base64.RawURLEncoding.EncodeToString(sum[:limitHash]) + "}:limit"
}

package storetest

import (
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
)

// Limits tests an engine that keeps limits by themselves.
func Limits(t *testing.T, open func(t *testing.T) limit.Store) { limitsOf(t, open(t)) }

func limitsOf(t *testing.T, s limit.Store) {
	t.Run("burst and refill", func(t *testing.T) { testBurst(t, s) })
	t.Run("costs", func(t *testing.T) { testCosts(t, s) })
	t.Run("rates", func(t *testing.T) { testRates(t, s) })
	t.Run("at once", func(t *testing.T) { testLimitAtOnce(t, s) })
}

// take is one attempt and what must come of it.
type take struct {
	at      time.Duration // since the first
	cost    int
	allowed bool
	retry   time.Duration
}

func takes(t *testing.T, s limit.Store, rate limit.Rate, all []take) {
	t.Helper()
	start, key := now(), string(id.NewLogin())
	for i, a := range all {
		got, err := s.Take(t.Context(), key, rate, a.cost, start.Add(a.at))
		ok(t, err)
		if want := (limit.Decision{Allowed: a.allowed, RetryAfter: a.retry}); got != want {
			t.Errorf("take %d, %+v: got %+v, want %+v", i, a, got, want)
		}
	}
}

func testBurst(t *testing.T, s limit.Store) {
	takes(t, s, limit.Rate{Count: 3, Per: 3 * time.Second}, []take{
		{0, 1, true, 0}, {0, 1, true, 0}, {0, 1, true, 0},
		{0, 1, false, time.Second},
		{0, 1, false, time.Second}, // a refusal doesn't count
		{999 * time.Millisecond, 1, false, time.Millisecond},
		{time.Second, 1, true, 0},
		{time.Second, 1, false, time.Second},
		{2500 * time.Millisecond, 1, true, 0},
		{2500 * time.Millisecond, 1, false, 500 * time.Millisecond},
		{time.Minute, 1, true, 0}, {time.Minute, 1, true, 0}, {time.Minute, 1, true, 0},
		{time.Minute, 1, false, time.Second},
		{59 * time.Second, 1, false, 2 * time.Second}, // a clock behind
	})
}

func testCosts(t *testing.T, s limit.Store) {
	takes(t, s, limit.Rate{Count: 5, Per: 5 * time.Second}, []take{
		{0, 0, true, 0}, // looks
		{0, 2, true, 0}, {0, 0, true, 0}, {0, 3, true, 0},
		{0, 0, false, time.Second}, {0, 2, false, 2 * time.Second},
		{2 * time.Second, 0, true, 0}, {2 * time.Second, 3, false, time.Second}, {2 * time.Second, 2, true, 0},
		{2 * time.Second, 0, false, time.Second},
	})
	// More than the burst is never allowed, and takes nothing.
	takes(t, s, limit.Rate{Count: 2, Per: 2 * time.Second}, []take{{0, 3, false, time.Second}, {0, 2, true, 0}})
}

func testRates(t *testing.T, s limit.Store) {
	// An interval that is no whole number of microseconds is cut to one.
	takes(t, s, limit.Rate{Count: 7, Per: time.Minute}, []take{
		{0, 7, true, 0}, {0, 1, false, 8571428 * time.Microsecond}, {8571428 * time.Microsecond, 1, true, 0},
	})
	takes(t, s, limit.Rate{Count: 1_000_000, Per: time.Second}, []take{
		{0, 1_000_000, true, 0}, {0, 1, false, time.Microsecond}, {time.Second, 1_000_000, true, 0},
	})
	for _, key := range []string{"", "\x00\xff", "ip:2001:db8::/64", "{x}"} {
		d, err := s.Take(t.Context(), key, limit.Rate{Count: 1, Per: time.Hour}, 1, now())
		ok(t, err)
		if !d.Allowed {
			t.Errorf("key %q is limited by another's", key)
		}
	}
}

// testLimitAtOnce: of many attempts at once exactly the burst is allowed.
func testLimitAtOnce(t *testing.T, s limit.Store) {
	const burst = 10
	key, at, allowed := string(id.NewLogin()), now(), 0
	for _, d := range atOnce(rivals, func(int) limit.Decision {
		d, err := s.Take(t.Context(), key, limit.Rate{Count: burst, Per: time.Hour}, 1, at)
		if err != nil {
			t.Error(err)
		}
		return d
	}) {
		if d.Allowed {
			allowed++
		} else if d.RetryAfter <= 0 {
			t.Errorf("refused without a time: %+v", d)
		}
	}
	if allowed != burst {
		t.Errorf("%d of %d allowed at once, want %d", allowed, rivals, burst)
	}
}

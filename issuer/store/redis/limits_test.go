package redis

import (
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/limit"
)

var tenAMinute = limit.Rate{Count: 10, Per: time.Minute}

// TestTakeAgreesWithItsDefinition holds the script to limit.GCRA on random walks.
func TestTakeAgreesWithItsDefinition(t *testing.T) {
	s, _ := single(t)
	r := seeded(t)
	rates := []limit.Rate{tenAMinute, {Count: 1, Per: time.Hour}, {Count: 3, Per: time.Second}, {Count: 1_000_000, Per: time.Second}}
	for i, rate := range rates {
		var stored time.Time
		now, refused := start.Add(777*time.Microsecond), 0
		for range 400 {
			now = now.Add(time.Duration(r.Int64N(int64(2 * rate.Interval()))))
			cost := pick(r, 0, 1, 1, 1, 2, rate.Count/2+1)
			var want limit.Decision
			stored, want = limit.GCRA(stored, rate, cost, now)
			got, err := s.Take(t.Context(), "user {x}\n"+string(rune('a'+i)), rate, cost, now)
			if err != nil || got != want {
				t.Fatalf("rate %v, cost %d: %+v, %v; want %+v", rate, cost, got, err, want)
			}
			if !got.Allowed {
				refused++
			}
		}
		if refused == 0 || refused == 400 {
			t.Errorf("rate %v: %d of 400 refused", rate, refused)
		}
	}
}

func TestTakeRefusesNonsense(t *testing.T) {
	s := open(t, "redis://127.0.0.1:1")
	for name, c := range map[string]struct {
		rate limit.Rate
		cost int
	}{
		"no rate":       {limit.Rate{}, 1},
		"no time":       {limit.Rate{Count: 1}, 1},
		"too fast":      {limit.Rate{Count: 10_000_000, Per: time.Second}, 1},
		"negative cost": {tenAMinute, -1},
	} {
		t.Run(name, func(t *testing.T) {
			if d, err := s.Take(t.Context(), "k", c.rate, c.cost, start); err == nil || d.Allowed {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

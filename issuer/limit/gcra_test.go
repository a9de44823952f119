package limit

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestGCRA(t *testing.T) {
	rate := Rate{Count: 3, Per: 3 * time.Second} // one a second, three at once
	at := func(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }
	tests := []struct {
		name   string
		stored time.Time
		cost   int
		want   time.Time
		wantD  Decision
	}{
		{"first", time.Time{}, 1, at(1), Decision{Allowed: true}},
		{"second", at(1), 1, at(2), Decision{Allowed: true}},
		{"third", at(2), 1, at(3), Decision{Allowed: true}},
		{"fourth", at(3), 1, at(3), Decision{RetryAfter: time.Second}},
		{"half a second before the fourth", at(2.5), 1, at(2.5), Decision{RetryAfter: 500 * time.Millisecond}},
		{"a microsecond before", at(2.000001), 1, at(2.000001), Decision{RetryAfter: time.Microsecond}},
		{"long ago", at(-3600), 1, at(1), Decision{Allowed: true}},
		{"three at once", time.Time{}, 3, at(3), Decision{Allowed: true}},
		{"two where one is left", at(2), 2, at(2), Decision{RetryAfter: time.Second}},
		{"four at once", time.Time{}, 4, time.Time{}, Decision{RetryAfter: time.Second}},
		{"a look, first", time.Time{}, 0, time.Time{}, Decision{Allowed: true}},
		{"a look where one is left", at(2), 0, at(2), Decision{Allowed: true}},
		{"a look where none is left", at(3), 0, at(3), Decision{RetryAfter: time.Second}},
		{"ahead of a clock that went back", at(3600), 1, at(3600), Decision{RetryAfter: 3598 * time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, d := GCRA(tt.stored, rate, tt.cost, noon.Add(999)) // nanoseconds don't count
			if !got.Equal(tt.want) || d != tt.wantD {
				t.Errorf("GCRA = %v, %+v; want %v, %+v", got, d, tt.want, tt.wantD)
			}
		})
	}
}

// TestGCRAKeepsTheRate: of a client that tries all the time, Count and one each
// Interval are let through, whatever the rate; and RetryAfter is exact.
func TestGCRAKeepsTheRate(t *testing.T) {
	for _, text := range []string{"1/s", "7/m", "10/m", "60/m", "1000/h", "1000000/s", "1000000/h"} {
		rate, err := ParseRate(text)
		if err != nil {
			t.Fatal(err)
		}
		step := rate.Interval().Truncate(time.Microsecond)
		var tat time.Time
		var d Decision
		allowed, now, end := 0, noon, noon.Add(20*step)
		for !now.After(end) {
			if tat, d = GCRA(tat, rate, 1, now); d.Allowed {
				allowed++
				if allowed > rate.Count+20 {
					break
				}
				continue
			}
			if _, early := GCRA(tat, rate, 1, now.Add(d.RetryAfter-time.Microsecond)); early.Allowed {
				t.Fatalf("%s: allowed before RetryAfter", text)
			}
			now = now.Add(d.RetryAfter)
		}
		if want := rate.Count + 20; allowed != want {
			t.Errorf("%s: %d allowed in 20 intervals, want %d", text, allowed, want)
		}
	}
}

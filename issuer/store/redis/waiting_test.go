package redis

import (
	"errors"
	"testing"
	"time"
)

// TestWaitingGoes: whatever waits has a TTL, which is its time and a minute.
func TestWaitingGoes(t *testing.T) {
	s, server := single(t)
	w := s.Waiting()
	for name, life := range map[string]time.Duration{"n": 90 * time.Second, "over": -time.Hour, "absurd": 200 * 365 * 24 * time.Hour} {
		if err := w.Put(t.Context(), name, []byte("x"), start, start.Add(life)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Once(t.Context(), "once:"+name, start, start.Add(life)); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{waitKey(name), waitKey("once:" + name)} {
			got, err := s.client.PTTL(t.Context(), key).Result()
			want := min(max(life, 0), longest) + waitSlack
			if err != nil || got > want || got < want-10*time.Second {
				t.Errorf("%s goes after %v, %v; want %v", key, got, err, want)
			}
		}
	}
	if got := server.CLI("DBSIZE"); got != "6" {
		t.Errorf("%s keys, want 6", got)
	}
}

// TestOnceSentTwice: a driver that lost the answer sends the script again, and hears
// the same.
func TestOnceSentTwice(t *testing.T) {
	s, _ := single(t)
	ask := func(call string) any {
		t.Helper()
		got, err := s.run(t.Context(), "once", onceScript, []string{waitKey("n")}, 1000, 61_000, 120_000, call)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, c := range []struct {
		call string
		want int64
	}{{"a", 1}, {"b", 0}, {"a", 1}, {"b", 0}} {
		if got := ask(c.call); got != c.want {
			t.Errorf("call %s: %v, want %d", c.call, got, c.want)
		}
	}
}

// TestDamagedWaiting: what this package hasn't written is an error, not a document.
func TestDamagedWaiting(t *testing.T) {
	s, _ := single(t)
	for _, value := range []string{"", "x", "{} 1", " ", "12x 3", "99999999999999999999 x"} {
		if err := s.client.Set(t.Context(), waitKey("n"), value, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Waiting().Get(t.Context(), "n", start); !errors.Is(err, errWaiting) {
			t.Errorf("%q: error %v, want %v", value, err, errWaiting)
		}
	}
}

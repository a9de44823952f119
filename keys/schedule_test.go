package keys

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var (
	t0       = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	ordinary = Policy{}.withDefaults().marks()
)

func at(d time.Duration) time.Time { return t0.Add(d) }

// TestWaits holds the derived waits to what the design asks at least, and to their exact figures.
func TestWaits(t *testing.T) {
	for _, tc := range []struct {
		name          string
		policy        Policy
		wait, retain  time.Duration
		designs, tail time.Duration // the design's lower bounds
	}{
		{"defaults", Policy{}, 5*time.Minute + 31*time.Second, 31*time.Minute + 40*time.Second, 5*time.Minute + 11*time.Second, 25*time.Minute + 10*time.Second},
		{"short", Policy{MaxAge: time.Second, LongestToken: time.Minute}, 32 * time.Second, 12*time.Minute + 41*time.Second, 12 * time.Second, 11*time.Minute + 10*time.Second},
		{"long", Policy{MaxAge: 24 * time.Hour, LongestToken: 48 * time.Hour}, 24*time.Hour + 31*time.Second, 72*time.Hour + 11*time.Minute + 40*time.Second, 24*time.Hour + 11*time.Second, 48*time.Hour + 610*time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.policy.PublishWait(); got != tc.wait || got < tc.designs {
				t.Errorf("publish wait %s, want %s, at least %s", got, tc.wait, tc.designs)
			}
			if got := tc.policy.Retain(); got != tc.retain || got < tc.tail {
				t.Errorf("retain %s, want %s, at least %s", got, tc.retain, tc.tail)
			}
		})
	}
}

func TestState(t *testing.T) {
	full := record{Created: t0, Activate: at(time.Hour), Retire: at(2 * time.Hour), Remove: at(3 * time.Hour)}
	revoked := full
	revoked.Revoked = at(90 * time.Minute)
	once := record{Created: t0, Activate: t0, AtOnce: true}
	for _, tc := range []struct {
		name      string
		r         record
		at        time.Time
		want      State
		published bool
	}{
		{"before its time is set", record{Created: t0}, at(time.Hour), Standby, true},
		{"published under a clock that is behind", record{Created: t0}, at(-time.Hour), Standby, true},
		{"time set", full, t0, Pending, true},
		{"a tick before it signs", full, at(time.Hour - 1), Pending, true},
		{"signs", full, at(time.Hour), Active, true},
		{"a tick before it ends", full, at(2*time.Hour - 1), Active, true},
		{"ended", full, at(2 * time.Hour), Retired, true},
		{"a tick before it leaves", full, at(3*time.Hour - 1), Retired, true},
		{"left", full, at(3 * time.Hour), Removed, false},
		{"revoked", revoked, at(90 * time.Minute), Revoked, false},
		{"revoked, under a clock that is behind", revoked, t0, Revoked, false},
		{"the first key under a clock that is behind", once, at(-time.Hour), Active, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.r.state(tc.at); got != tc.want {
				t.Errorf("state %s, want %s", got, tc.want)
			}
			if got := tc.r.published(tc.at); got != tc.published {
				t.Errorf("published %v, want %v", got, tc.published)
			}
		})
	}
}

// line makes a document of ES256 keys.
func line(rs ...record) *document {
	d := &document{Marks: ordinary, Algs: []Algorithm{ES256}}
	for _, r := range rs {
		r.Alg = ES256
		d.Keys = append(d.Keys, r)
	}
	return d
}

func active(kid string) record { return record{KID: kid, Created: t0, Activate: t0} }
func standby(kid string, created time.Time) record {
	return record{KID: kid, Created: created}
}

func TestPlanRotation(t *testing.T) {
	wait := ordinary.publishWait()
	pending := record{KID: "new", Created: at(time.Hour), Activate: at(2 * time.Hour)}
	for _, tc := range []struct {
		name   string
		d      *document
		now    time.Time
		old    string
		next   string
		at     time.Time
		safe   time.Time
		hasten bool
		err    error
	}{
		{"ordinary", line(active("a"), standby("b", t0)), at(time.Hour), "a", "b", at(time.Hour + 2*time.Second), at(wait), false, nil},
		{"the clock went back", line(record{KID: "a", Created: t0, Activate: at(time.Hour)}, standby("b", t0)), at(time.Hour - time.Second), "a", "b", at(time.Hour + time.Second), at(wait), false, nil},
		{"a rotation under way", line(record{KID: "a", Created: t0, Activate: t0, Retire: at(2 * time.Second), Remove: at(time.Hour)}, record{KID: "b", Created: t0, Activate: at(2 * time.Second)}, standby("c", t0)), at(time.Second), "b", "c", at(3 * time.Second), at(wait), false, nil},
		{"a key that waits to become known", line(record{KID: "a", Created: t0, Activate: t0, Retire: at(2 * time.Hour)}, pending, standby("b", t0)), at(time.Hour), "a", "new", at(time.Hour + 2*time.Second), at(2 * time.Hour), true, nil},
		{"an algorithm just added", line(pending, standby("b", at(time.Hour))), at(time.Hour), "", "new", at(time.Hour + 2*time.Second), at(2 * time.Hour), true, nil},
		{"dropped", line(record{KID: "a", Created: t0, Activate: t0, Retire: at(time.Hour)}), t0, "", "", time.Time{}, time.Time{}, false, ErrAlgorithm},
		{"nothing there", line(), t0, "", "", time.Time{}, time.Time{}, false, ErrAlgorithm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := tc.d.planRotation(ES256, tc.now)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if err != nil {
				return
			}
			old := ""
			if r.old != nil {
				old = r.old.KID
			}
			if old != tc.old || r.next.KID != tc.next || !r.at.Equal(tc.at) || !r.safe.Equal(tc.safe) || r.hasten != tc.hasten {
				t.Errorf("old %q next %q at %s safe %s hasten %v", old, r.next.KID, r.at, r.safe, r.hasten)
			}
			if early := r.tooEarly(tc.safe.Add(-1)); !errors.Is(early, ErrTooEarly) {
				t.Errorf("a tick before it is safe: %v", early)
			}
			if early := r.tooEarly(tc.safe); early != nil {
				t.Errorf("when it is safe: %v", early)
			}
		})
	}
}

func TestDue(t *testing.T) {
	const every = 24 * time.Hour
	wait := ordinary.publishWait()
	late := standby("b", at(every))
	for _, tc := range []struct {
		name  string
		d     *document
		every time.Duration
		now   time.Time
		want  bool
	}{
		{"a tick early", line(active("a"), standby("b", t0)), every, at(every - 1), false},
		{"due", line(active("a"), standby("b", t0)), every, at(every), true},
		{"due, but the standby isn't known", line(active("a"), late), every, at(every + wait - 1), false},
		{"due, and known now", line(active("a"), late), every, at(every + wait), true},
		{"never", line(active("a"), standby("b", t0)), -1, at(1000 * every), false},
		{"no standby", line(active("a")), every, at(1000 * every), false},
		{"dropped", line(record{KID: "a", Created: t0, Activate: t0, Retire: at(1)}), every, at(1000 * every), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.d.due(ES256, tc.every, tc.now); got != tc.want {
				t.Errorf("due %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRevokePlan(t *testing.T) {
	hour, now := at(time.Hour), at(2*time.Hour)
	retain := ordinary.retain()
	underWay := func() *document {
		return line(
			record{KID: "a", Created: t0, Activate: t0, Retire: now.Add(time.Second), Remove: now.Add(retain)},
			record{KID: "b", Created: t0, Activate: now.Add(time.Second)}, standby("c", now))
	}
	waiting := func() *document { // an imported key "i" waits to become known
		return line(
			record{KID: "a", Created: t0, Activate: t0, Retire: at(3 * time.Hour), Remove: at(4 * time.Hour)},
			record{KID: "i", Created: hour, Activate: at(3 * time.Hour)}, standby("b", t0))
	}
	for _, tc := range []struct {
		name, revoke string
		d            *document
		next         string // what the plan names
		supply       bool
		signs        string // at once
		later        string // and two hours later
	}{
		{"active", "a", line(active("a"), standby("b", t0)), "b", true, "b", "b"},
		{"standby", "b", line(active("a"), standby("b", t0)), "", true, "a", "a"},
		{"active, a rotation under way", "a", underWay(), "b", false, "b", "b"},
		{"next, a rotation under way", "b", underWay(), "a", false, "a", "a"},
		{"active, a key waits to become known", "a", waiting(), "b", true, "b", "i"},
		{"the key that waits to become known", "i", waiting(), "a", false, "a", "a"},
		{"retired", "a", line(record{KID: "a", Created: t0, Activate: t0, Retire: hour, Remove: now.Add(1)}, active("b"), standby("c", t0)), "", false, "b", "b"},
		{"removed", "a", line(record{KID: "a", Created: t0, Activate: t0, Retire: hour, Remove: hour}, active("b"), standby("c", t0)), "", false, "b", "b"},
		{"of an algorithm just added", "p", line(record{KID: "p", Created: now, Activate: at(3 * time.Hour)}, standby("c", now)), "c", true, "", "c"},
		{"of a dropped algorithm, still signing", "a", line(record{KID: "a", Created: t0, Activate: t0, Retire: now.Add(1)}), "", false, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.d.revoke(tc.d.find(tc.revoke), now)
			next := ""
			if s.next != nil {
				next = s.next.KID
			}
			if next != tc.next || s.supply != tc.supply {
				t.Errorf("next %q supply %v, want %q %v", next, s.supply, tc.next, tc.supply)
			}
			if got := signerKID(tc.d, now); got != tc.signs {
				t.Errorf("%q signs, want %q", got, tc.signs)
			}
			// A clock that is behind the writer's by twice the leeway comes to the same.
			if got := signerKID(tc.d, now.Add(-2*Leeway)); got != tc.signs {
				t.Errorf("%q signs under a slow clock, want %q", got, tc.signs)
			}
			if got := signerKID(tc.d, at(4*time.Hour)); got != tc.later {
				t.Errorf("%q signs two hours later, want %q", got, tc.later)
			}
			if s.supply {
				tc.d.Keys = append(tc.d.Keys, record{KID: "fresh", Alg: ES256, Created: now})
			}
			if err := tc.d.check(); err != nil {
				t.Error(err)
			}
			if got := tc.d.lane(ES256); (got.standby == nil) != (got.current == nil) {
				t.Errorf("current %v, standby %v", got.current, got.standby)
			}
		})
	}
}

func signerKID(d *document, now time.Time) string {
	if r := d.signer(ES256, now); r != nil {
		return r.KID
	}
	return ""
}

func TestRaiseMarks(t *testing.T) {
	base := line(
		record{KID: "gone", Created: t0, Activate: t0, Retire: at(time.Minute), Remove: at(time.Minute + ordinary.retain())},
		record{KID: "retired", Created: t0, Activate: t0, Retire: at(time.Hour), Remove: at(time.Hour + ordinary.retain())},
		active("a"), standby("b", t0))
	now := at(time.Hour + time.Minute)
	for _, tc := range []struct {
		name   string
		m      marks
		raised bool
		grows  time.Duration
	}{
		{"the same", ordinary, false, 0},
		{"lower", marks{Token: 1, MaxAge: 1, Session: 1}, false, 0},
		{"longer tokens", marks{Token: ordinary.Token + span(time.Hour)}, true, time.Hour},
		{"a longer max-age", marks{MaxAge: ordinary.MaxAge + span(time.Minute)}, true, time.Minute},
		{"longer sessions", marks{Session: ordinary.Session + 1}, true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := base.clone()
			if got := d.raiseMarks(tc.m, now); got != tc.raised {
				t.Errorf("raised %v, want %v", got, tc.raised)
			}
			if got := d.find("retired").Remove.Sub(base.find("retired").Remove); got != tc.grows {
				t.Errorf("the retired key stays %s longer, want %s", got, tc.grows)
			}
			if !d.find("gone").Remove.Equal(base.find("gone").Remove) {
				t.Error("a key that left came back")
			}
			if d.Marks.Token < ordinary.Token || d.Marks.MaxAge < ordinary.MaxAge || d.Marks.Session < ordinary.Session {
				t.Error("a mark was lowered")
			}
		})
	}
}

func TestPolicyValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    Policy
		ok   bool
		says string
	}{
		{"zero", Policy{}, true, ""},
		{"all algorithms", Policy{Algs: Algorithms()}, true, ""},
		{"never rotate", Policy{RotateEvery: -1}, true, ""},
		{"rotation at the wait", Policy{RotateEvery: 5*time.Minute + 31*time.Second}, true, ""},
		{"rotation below the wait", Policy{RotateEvery: 5*time.Minute + 30*time.Second}, false, "SIGNET_KEY_ROTATE_EVERY"},
		{"too many keys", Policy{RotateEvery: 10 * time.Minute, LongestToken: 24 * time.Hour}, false, "at most 64"},
		{"unknown algorithm", Policy{Algs: []Algorithm{"HS256"}}, false, "SIGNET_KEY_ALGS"},
		{"none", Policy{Algs: []Algorithm{"none"}}, false, "SIGNET_KEY_ALGS"},
		{"twice", Policy{Algs: []Algorithm{ES256, ES256}}, false, "twice"},
		{"max-age of half seconds", Policy{MaxAge: 1500 * time.Millisecond}, false, "whole seconds"},
		{"max-age below a second", Policy{MaxAge: time.Millisecond}, false, "SIGNET_JWKS_MAX_AGE"},
		{"negative max-age", Policy{MaxAge: -time.Second}, false, "SIGNET_JWKS_MAX_AGE"},
		{"endless max-age", Policy{MaxAge: 10000 * time.Hour}, false, "SIGNET_JWKS_MAX_AGE"},
		{"negative token life", Policy{LongestToken: -1}, false, "SIGNET_ACCESS_TTL"},
		{"endless session", Policy{SessionTTL: 1 << 62}, false, "SIGNET_SESSION_TTL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.p.Validate()
			if (err == nil) != tc.ok || (err != nil && !errors.Is(err, ErrPolicy)) {
				t.Fatalf("error %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%q doesn't say %q", err, tc.says)
			}
		})
	}
}

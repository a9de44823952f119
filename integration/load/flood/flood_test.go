package flood

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

var long = flag.Bool("long", false, "measure for minutes, for the stated figures")

const (
	logins   = 64 // at once
	sessions = 16
	every    = 100 * time.Millisecond // each refreshes
	rounds   = 3                      // of which the best counts
	stated   = 5.0                    // times the quiet p99
	slack    = 4                      // what the short form allows over it: a machine has other work too
	within   = time.Second            // a refused login is answered
)

// TestFlood is promise 5 against the real thing.
func TestFlood(t *testing.T) {
	length := 2 * time.Second
	switch {
	case *long:
		length = 10 * time.Second
	case testing.Short():
		t.Skip("it takes some seconds of all cores")
	}
	s := start(t)
	for _, c := range []struct {
		name     string
		obedient bool
	}{{"64 logins at once that come back when they are told to", true}, {"64 logins at once that come back immediately", false}} {
		s.obedient = c.obedient
		var all []Round
		for range rounds {
			quiet := s.run(t.Context(), false, length)
			all = append(all, Round{*quiet, *s.run(t.Context(), true, length)})
		}
		if err := print(os.Stdout, c.name, all); err != nil {
			t.Fatal(err)
		}
		check(t, c.name, all)
	}
}

// check holds every round to the counts, and the best of all to the times.
func check(t *testing.T, name string, all []Round) {
	t.Helper()
	for _, r := range all {
		if r.Quiet.Errors+r.Flood.Errors+r.Flood.Strange > 0 {
			t.Errorf("%s: %d and %d refreshes failed and %d logins, want 0: %s%s", name, r.Quiet.Errors, r.Flood.Errors, r.Flood.Strange, r.Quiet.Sample, r.Flood.Sample)
		}
		if r.Flood.Untold > 0 || len(r.Flood.Refused) == 0 {
			t.Errorf("%s: of %d refused logins %d weren't told when to come back; want some and 0", name, len(r.Flood.Refused), r.Flood.Untold)
		}
	}
	if late := least(all, func(r Round) time.Duration { return r.Flood.Refused.Of(1) }); *long && late > within {
		t.Errorf("%s: in the best round a login was refused after %s, want %s at most", name, late, within)
	}
	most := stated
	if !*long {
		most *= slack
	}
	if got := Ratio(all); got > most {
		t.Errorf("%s: the p99 of a refresh is %.1f times its quiet value, the best of three each, want %.0f at most", name, got, most)
	}
}

// start runs the binary as it is shipped, without the race detector, at the
// default settings, but that our word on where a login comes from is believed.
func start(t *testing.T) *site {
	t.Helper()
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "signet")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/signet")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	t.Setenv(servers.BinaryEnv, binary)
	signet := servers.Signet(t, servers.Config{
		DatabaseURL: servers.Postgres(t), RedisURL: servers.Redis(t).URL,
		Env: map[string]string{"SIGNET_TRUSTED_PROXIES": "127.0.0.1", "SIGNET_LOG_LEVEL": "warn"},
	})
	s := &site{url: signet.URL, client: newClient(), every: every, logins: logins}
	s.open(t)
	return s
}

// open opens the sessions, one after the other, each of a person of its own: one
// alone would be throttled.
func (s *site) open(t *testing.T) {
	t.Helper()
	for i := range sessions {
		who := map[string]string{"email": fmt.Sprintf("person%d@example.com", i), "password": password}
		for _, path := range []string{"/register", "/login"} {
			a, err := s.post(t.Context(), path, anywhere(), who)
			if err != nil || a.status/100 != 2 {
				t.Fatalf("%s: %d %s %v", path, a.status, a.Error, err)
			}
			if a.Refresh != "" {
				s.sessions = append(s.sessions, a.Refresh)
			}
		}
	}
}

func TestTimes(t *testing.T) {
	hundred := make(Times, 100)
	for i := range hundred {
		hundred[99-i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		times Times
		q     float64
		want  time.Duration
	}{{nil, .5, 0}, {Times{7}, .99, 7}, {hundred, .5, 50}, {hundred, .99, 99}, {hundred, 1, 100}} {
		if got := c.times.Of(c.q); got != c.want {
			t.Errorf("%v of %d: %v, want %v", c.q, len(c.times), got, c.want)
		}
	}
}

func TestRatio(t *testing.T) {
	round := func(quiet, flood time.Duration) Round {
		return Round{Phase{Refreshes: Times{quiet}}, Phase{Refreshes: Times{flood}}}
	}
	if got := Ratio([]Round{round(2, 20), round(3, 6), round(9, 9)}); got != 3 {
		t.Errorf("the best of each are %v to one, want 3", got)
	}
}

// What would be wrong is seen as such.
func TestPhase(t *testing.T) {
	var p Phase
	p.refreshed(answer{status: 503}, nil, 1)
	p.loggedIn(answer{status: 503}, nil, 1)
	p.loggedIn(answer{status: 500}, nil, 1)
	p.loggedIn(answer{status: 401}, nil, 1)
	if p.Errors != 1 || p.Untold != 1 || len(p.Refused) != 1 || p.Strange != 1 || len(p.Served) != 1 || !strings.Contains(p.Sample, "500") {
		t.Errorf("%+v", p)
	}
}

package seed

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRegister: email and password, bcrypt, a duplicate refused.
func TestRegister(t *testing.T) {
	s := alone(t, nil)
	made := s.post(t, "/register", credentials("Ada@Example.com", password)).want(t, http.StatusCreated, "")
	if !strings.HasPrefix(made.text("id"), "usr_") || made.text("email") != "Ada@Example.com" || !strings.Contains(made.raw, `"roles":[]`) {
		t.Errorf("register answered %s", made.raw)
	}
	s.post(t, "/register", credentials("ada@EXAMPLE.com", password)).want(t, http.StatusConflict, "user_exists")
	s.post(t, "/register", credentials("ada", password)).want(t, http.StatusBadRequest, "invalid_request")
	s.post(t, "/register", credentials("eve@example.com", "short")).want(t, http.StatusBadRequest, "invalid_request")
	s.post(t, "/register", `{"email":"eve@example.com","password":"`+password+`","roles":["admin"]}`).want(t, http.StatusBadRequest, "invalid_request")
	s.login(t, "ada@example.com")

	kept := files(t, s.DataDir)
	if !bytes.Contains(kept, []byte("$2a$10$")) {
		t.Error("the database holds no bcrypt hash")
	}
	if bytes.Contains(kept, []byte(password)) || strings.Contains(s.Output(), password) {
		t.Error("the password stands in the database or in the log")
	}
}

// files is all that the files of a folder hold.
func files(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLogin: a token on success; the same answer, at the same cost, for either
// mistake.
func TestLogin(t *testing.T) {
	s := alone(t, nil)
	in := s.member(t, "ada@example.com")
	if in.text("token_type") != "Bearer" || !strings.HasPrefix(in.text("refresh_token"), "sgr_") || strings.Count(in.text("access_token"), ".") != 2 {
		t.Errorf("login answered %s", in.raw)
	}
	if got := in.header.Get("Cache-Control"); got != "no-store" { // RFC 6749 §5.1
		t.Errorf("Cache-Control of tokens is %q", got)
	}
	wrong := s.post(t, "/login", credentials("ada@example.com", "password124")).want(t, http.StatusUnauthorized, "invalid_credentials")
	unknown := s.post(t, "/login", credentials("bob@example.com", "password124")).want(t, http.StatusUnauthorized, "invalid_credentials")
	if a, b := seen(wrong), seen(unknown); a != b {
		t.Errorf("the answers differ:\n%s\n%s", a, b)
	}
	if wrong.header.Get("WWW-Authenticate") == "" { // RFC 9110 §15.5.2
		t.Error("a 401 without WWW-Authenticate")
	}
	sameCost(t, s)
}

// seen is an answer without what differs from one request to the next.
func seen(a answer) string {
	var lines []string
	for name := range a.header {
		if name != "Date" && name != "X-Request-Id" {
			lines = append(lines, name+": "+a.header.Get(name))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n" + strings.ReplaceAll(a.raw, a.text("request_id"), "")
}

// sameCost compares what the server's CPU does for a wrong password and for an
// unknown user: wall time would tell of this machine's other work.
func sameCost(t *testing.T, s site) {
	t.Helper()
	cost := func(email string) float64 {
		before := s.cpu(t)
		for range 2 {
			s.post(t, "/login", credentials(email, "password124")).want(t, http.StatusUnauthorized, "invalid_credentials")
		}
		return s.cpu(t) - before
	}
	var ratios []float64
	for try := range 3 {
		wrong, unknown := cost("ada@example.com"), cost(fmt.Sprintf("nobody%d@example.com", try))
		ratio := unknown / wrong
		if ratios = append(ratios, ratio); 0.5 < ratio && ratio < 2 {
			return
		}
	}
	t.Errorf("an unknown user costs %.2f times what a wrong password does", ratios)
}

// cpu is the CPU time that the server has used, in seconds.
func (s site) cpu(t *testing.T) float64 {
	t.Helper()
	return s.metric(t, "process_cpu_seconds_total")
}

// metric is the value of a series without labels.
func (s site) metric(t *testing.T, name string) float64 {
	t.Helper()
	metrics := get(t, s.AdminURL+"/metrics").want(t, http.StatusOK, "").raw
	for line := range strings.Lines(metrics) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("/metrics has no %s", name)
	return 0
}

// TestRateLimiting: on login, by address and by account, and in the store: a
// restart forgets nothing.
func TestRateLimiting(t *testing.T) {
	env := map[string]string{"SIGNET_LOGIN_RATE": "5/h", "SIGNET_LOGIN_RATE_ACCOUNT": "2/h"}
	onBoth(t, env, func(t *testing.T, s site) {
		in := s.member(t, "ada@example.com")
		s.post(t, "/login", credentials("ada@example.com", "wrong")).want(t, http.StatusUnauthorized, "invalid_credentials")
		throttled := s.post(t, "/login", credentials(" ADA@example.com", password)).want(t, http.StatusTooManyRequests, "too_many_requests")
		wantRetryAfter(t, throttled, time.Hour/2)
		s.Restart()
		s.post(t, "/login", credentials("ada@example.com", password)).want(t, http.StatusTooManyRequests, "too_many_requests")

		// Other accounts, until the address has had its share: two logins of
		// Ada were counted, and those that her account refused weren't.
		for i := range 3 {
			s.post(t, "/login", credentials(fmt.Sprintf("u%d@example.com", i), "wrong")).want(t, http.StatusUnauthorized, "invalid_credentials")
		}
		for i := range 3 { // a forwarded address is anybody's to write
			s.post(t, "/login", credentials("last@example.com", "wrong"), "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i)).
				want(t, http.StatusTooManyRequests, "too_many_requests")
		}
		s.refresh(t, in.text("refresh_token")).want(t, http.StatusOK, "")
	})
	t.Run("trusted proxy", func(t *testing.T) {
		s := alone(t, map[string]string{"SIGNET_LOGIN_RATE": "2/h", "SIGNET_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"})
		checkForwarded(t, s)
	})
}

func checkForwarded(t *testing.T, s site) {
	t.Helper()
	steps := []struct {
		name, forwarded string
		status          int
	}{
		{"first", "192.0.2.1", http.StatusUnauthorized},
		{"the same", "192.0.2.1", http.StatusUnauthorized},
		{"the same, too often", "192.0.2.1", http.StatusTooManyRequests},
		{"the same behind two proxies", "192.0.2.1, 10.1.2.3", http.StatusTooManyRequests},
		{"the same after one that it made up", "198.51.100.7, 192.0.2.1", http.StatusTooManyRequests},
		{"another", "192.0.2.2", http.StatusUnauthorized},
		{"of IPv6", "2001:db8:1:2::1", http.StatusUnauthorized},
		{"of the same /64", "2001:db8:1:2::2", http.StatusUnauthorized},
		{"of the same /64, too often", "2001:db8:1:2:ffff::3", http.StatusTooManyRequests},
		{"of another /64", "2001:db8:1:3::1", http.StatusUnauthorized},
	}
	for i, step := range steps {
		a := s.post(t, "/login", credentials(fmt.Sprintf("u%d@example.com", i), "wrong"), "X-Forwarded-For", step.forwarded)
		if a.status != step.status {
			t.Errorf("%s (%s): %d %s, want %d", step.name, step.forwarded, a.status, a.raw, step.status)
		}
	}
}

// wantRetryAfter wants whole seconds (RFC 9110 §10.2.3), at least one and at
// most so many.
func wantRetryAfter(t *testing.T, a answer, most time.Duration) {
	t.Helper()
	n, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || n < 1 || time.Duration(n)*time.Second > most {
		t.Errorf("Retry-After is %q, want 1 to %d", a.header.Get("Retry-After"), int(most/time.Second))
	}
}

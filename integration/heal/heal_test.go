package heal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

const password = "correct horse battery"

// site is a signet on PostgreSQL and Redis.
type site struct {
	t      *testing.T
	signet *servers.SignetServer
	redis  *servers.RedisServer
}

func open(t *testing.T, settings ...string) site {
	t.Helper()
	redis := servers.Redis(t, settings...)
	return site{t, servers.Signet(t, servers.Config{
		DatabaseURL: servers.Postgres(t), RedisURL: redis.URL,
		Env: map[string]string{"SIGNET_BCRYPT_COST": "10", "SIGNET_LOGIN_RATE": "10000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "10000/m"},
	}), redis}
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

func (s site) post(path string, body map[string]string) (int, http.Header, tokens) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.Post(s.signet.URL+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var got tokens
	if len(out) > 0 {
		if err := json.Unmarshal(out, &got); err != nil {
			s.t.Fatalf("%s answered %d %s", path, res.StatusCode, out)
		}
	}
	return res.StatusCode, res.Header, got
}

func (s site) want(status int, path string, body map[string]string) tokens {
	s.t.Helper()
	got, _, answer := s.post(path, body)
	if got != status {
		s.t.Fatalf("%s answered %d %s, want %d", path, got, answer.Error, status)
	}
	return answer
}

func (s site) person(n int) tokens {
	s.t.Helper()
	who := map[string]string{"email": fmt.Sprintf("user%d@example.com", n), "password": password}
	s.want(201, "/register", who)
	return s.want(200, "/login", who)
}

func (s site) refresh(token string) tokens {
	s.t.Helper()
	return s.want(200, "/refresh", map[string]string{"refresh_token": token})
}

func (s site) over(token string) {
	s.t.Helper()
	s.want(401, "/refresh", map[string]string{"refresh_token": token})
}

// eventually asks until the answer is yes, or fails.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ask(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// A Redis that lost everything: whoever had a session goes on with the token they
// have, whoever had none doesn't come back, and thieves are still found.
func TestFlushed(t *testing.T) {
	s := open(t)
	var held []string
	for n := range 5 {
		held = append(held, s.refresh(s.person(n).Refresh).Refresh)
	}
	gone := s.person(5)
	s.want(204, "/logout", map[string]string{"refresh_token": gone.Refresh})
	stolen := s.person(6)
	owner := s.refresh(s.refresh(stolen.Refresh).Refresh)
	s.redis.CLI("FLUSHALL")
	for _, token := range held {
		next := s.refresh(token)
		if again := s.refresh(token); again.Refresh != next.Refresh {
			t.Error("a retry after the loss got another successor")
		}
		s.refresh(next.Refresh)
	}
	s.over(gone.Refresh)
	owner = s.refresh(owner.Refresh)
	s.over(stolen.Refresh)
	s.over(owner.Refresh)
}

// A Redis that went back to a snapshot: tokens it never heard of are adopted, a
// logout since then stays one, and roles given since then are seen.
func TestRolledBack(t *testing.T) {
	s := open(t)
	reader, gone := s.person(0), s.person(1)
	var held []tokens
	for n := 2; n < 6; n++ {
		held = append(held, s.person(n))
	}
	s.redis.CLI("SAVE")
	snapshot, err := os.ReadFile(filepath.Join(s.redis.Dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range held {
		held[i] = s.refresh(s.refresh(s.refresh(held[i].Refresh).Refresh).Refresh)
	}
	s.want(204, "/logout", map[string]string{"refresh_token": gone.Refresh})
	s.signet.MustRun("", "users", "roles", "user0@example.com", "--role", "auditor")
	eventually(t, "the new role", func() bool {
		reader = s.refresh(reader.Refresh)
		return strings.Contains(claims(t, reader.Access), "auditor")
	})

	s.redis.Kill()
	if err := os.WriteFile(filepath.Join(s.redis.Dir, "dump.rdb"), snapshot, 0o600); err != nil {
		t.Fatal(err)
	}
	s.redis.Start()
	for _, h := range held {
		s.refresh(s.refresh(h.Refresh).Refresh)
	}
	s.over(gone.Refresh)
	eventually(t, "the role after the rollback", func() bool {
		reader = s.refresh(reader.Refresh)
		return strings.Contains(claims(t, reader.Access), "auditor")
	})
}

// An engine that is away is a 503 with Retry-After; when it is back, so is everybody.
func TestEngineAway(t *testing.T) {
	s := open(t, "--appendonly", "yes", "--appendfsync", "always")
	held := s.person(0)
	s.redis.Stop()
	status, header, answer := s.post("/refresh", map[string]string{"refresh_token": held.Refresh})
	if status != 503 || header.Get("Retry-After") == "" || answer.Error != "temporarily_unavailable" {
		t.Errorf("without Redis: %d %q %v", status, answer.Error, header)
	}
	if status, _, _ := s.post("/logout", map[string]string{"refresh_token": held.Refresh}); status != 503 {
		t.Errorf("a logout that not every replica can know of answered %d", status)
	}
	s.redis.Start()
	// The logout is durable, though Redis didn't hear of it.
	eventually(t, "recovery", func() bool {
		status, _, _ := s.post("/refresh", map[string]string{"refresh_token": held.Refresh})
		if status == 200 {
			t.Fatal("a session that was ended while Redis was away lives")
		}
		return status == 401
	})
	s.refresh(s.person(1).Refresh)
}

func claims(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

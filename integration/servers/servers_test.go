package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRedisRestart(t *testing.T) {
	tests := []struct {
		name     string
		settings []string
		end      func(*RedisServer)
		want     string
	}{
		{"in memory, stopped", nil, func(s *RedisServer) { s.Stop() }, ""},
		{"append-only, stopped", []string{"--appendonly", "yes"}, func(s *RedisServer) { s.Stop() }, "v"},
		{"append-only with each write synced, killed", []string{"--appendonly", "yes", "--appendfsync", "always"},
			func(s *RedisServer) { s.Kill() }, "v"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Redis(t, tt.settings...)
			s.CLI("SET", "k", "v")
			first := s.Pid()
			tt.end(s)
			if s.Running() || s.Pid() != 0 {
				t.Error("the server says that it runs after its end")
			}
			s.Start()
			if s.Pid() == first {
				t.Errorf("pid %d after a restart, as before", first)
			}
			if got := s.CLI("GET", "k"); got != tt.want {
				t.Errorf("GET k = %q after a restart, want %q", got, tt.want)
			}
		})
	}
}

func TestRedisIsOnItsAddress(t *testing.T) {
	s := Redis(t)
	if want := "redis://" + s.Addr + "/0"; s.URL != want {
		t.Errorf("URL = %q, want %q", s.URL, want)
	}
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestPostgresDatabasesAreApart(t *testing.T) {
	a, b := Postgres(t), Postgres(t)
	if a == b {
		t.Fatalf("two tests share the database %s", a)
	}
	psql(t, a, "CREATE TABLE only_in_a ()")
	if got := psql(t, b, "SELECT to_regclass('only_in_a') IS NULL"); got != "t" {
		t.Errorf("the second database shows the first one's table")
	}
}

func TestPostgresKilled(t *testing.T) {
	s := StartPostgres(t, PostgresConfig{Durable: true, Settings: []string{"max_connections = 20"}})
	url := s.Database()
	psql(t, url, "CREATE TABLE kept AS SELECT 42 AS n")
	s.Kill()
	s.Start()
	if got := psql(t, url, "SELECT n FROM kept"); got != "42" {
		t.Errorf("n = %q after kill -9 and a restart, want 42", got)
	}
	for setting, want := range map[string]string{"fsync": "on", "max_connections": "20"} {
		if got := psql(t, url, "SHOW "+setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}
}

// orphanEnv has TestOrphans' child start servers and die in the named way.
const orphanEnv = "SIGNET_SERVERS_ORPHAN"

// TestOrphans has a test binary that started servers die without any cleanup,
// and wants the servers and their files gone.
func TestOrphans(t *testing.T) {
	if how := os.Getenv(orphanEnv); how != "" {
		becomeOrphaner(t, how)
		return
	}
	for _, how := range []string{"panic", "kill"} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOrphans$")
			cmd.Env = append(os.Environ(), orphanEnv+"="+how)
			out, err := cmd.Output()
			if err == nil {
				t.Fatalf("the child didn't die:\n%s", out)
			}
			left := parseOrphans(t, string(out))
			awaitGone(t, "the folder "+left.dir, func() bool {
				_, err := os.Stat(left.dir)
				return errors.Is(err, fs.ErrNotExist)
			})
			for _, pid := range left.pids {
				awaitGone(t, fmt.Sprintf("process %d", pid), func() bool {
					return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
				})
			}
		})
	}
}

func becomeOrphaner(t *testing.T, how string) {
	Postgres(t)
	r := Redis(t)
	// Redis' folder can't be removed by a dead test; this one is nobody's business then.
	fmt.Printf("orphans %d %d %s\n", shared.cluster.Pid(), r.Pid(), shared.cluster.Dir)
	if err := os.RemoveAll(r.Dir); err != nil {
		t.Error(err)
	}
	switch how {
	case "panic":
		panic("as asked")
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

type orphans struct {
	pids []int
	dir  string
}

func parseOrphans(t *testing.T, out string) orphans {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 4 || f[0] != "orphans" {
			continue
		}
		var o orphans
		for _, s := range f[1:3] {
			pid, err := strconv.Atoi(s)
			if err != nil || pid <= 0 {
				t.Fatalf("the child printed %q", lines.Text())
			}
			o.pids = append(o.pids, pid)
		}
		o.dir = f[3]
		return o
	}
	t.Fatalf("the child didn't say what it started:\n%s", out)
	return orphans{}
}

func awaitGone(t *testing.T, what string, gone func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !gone() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s is still there", what)
		case <-tick.C:
		}
	}
}

// recorder is a testing.TB that notes how a test would have ended.
type recorder struct {
	testing.TB
	ended, message string
}

func (r *recorder) Helper() {}
func (r *recorder) Skipf(format string, args ...any) {
	r.end("skip", format, args)
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.end("fail", format, args)
}

func (r *recorder) end(how, format string, args []any) {
	r.ended, r.message = how, fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestNeed(t *testing.T) {
	tests := []struct {
		name, strict, program, want string
	}{
		{"there", "1", "sh", ""},
		{"missing, alone", "", "no-such-server", "skip"},
		{"missing, not strict", "0", "no-such-server", "skip"},
		{"missing, strict", "1", "no-such-server", "fail"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(StrictEnv, tt.strict)
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				Need(r, tt.program, "its-package", "/nowhere/*")
			}()
			<-done
			if r.ended != tt.want {
				t.Errorf("Need ended the test by %q, want %q", r.ended, tt.want)
			}
			if tt.want != "" && !strings.Contains(r.message, "apt-get install its-package") {
				t.Errorf("%q doesn't say how to get it", r.message)
			}
		})
	}
}

func TestOutputKeepsTheEnd(t *testing.T) {
	var o output
	line := strings.Repeat("x", 1<<16)
	for range 3 * outputLimit / len(line) {
		if _, err := o.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	got := o.String()
	if len(got) > 2*outputLimit || len(got) < outputLimit {
		t.Errorf("kept %d bytes, want between %d and %d", len(got), outputLimit, 2*outputLimit)
	}
	if !strings.HasSuffix(got, "the end") {
		t.Error("the end is gone")
	}
}

// psql runs one query on the database of url and returns what it prints.
func psql(t *testing.T, url, query string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), Need(t, "psql", "postgresql-client"), "-X", "-q", "-t", "-A",
		"-v", "ON_ERROR_STOP=1", "-c", query, url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql %q: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

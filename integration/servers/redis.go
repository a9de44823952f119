package servers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// RedisServer is a redis-server of one test. It listens on a spare port of
// the loopback and on a unix socket.
type RedisServer struct {
	Daemon
	Addr   string // "127.0.0.1:PORT"
	URL    string // "redis://127.0.0.1:PORT/0"
	Socket string // path of its unix socket
	Dir    string // where it keeps its append-only file and snapshots
}

// Redis starts a Redis for t and ends it with t. Further settings are given
// as on redis-server's command line, for instance "--appendonly", "yes",
// "--appendfsync", "always"; without any, nothing is written to disk, and a
// restart has lost everything.
func Redis(t testing.TB, settings ...string) *RedisServer {
	t.Helper()
	binary := Need(t, "redis-server", "redis-server")
	addr, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	dir := shortTempDir(t)
	s := &RedisServer{Addr: addr, URL: "redis://" + addr + "/0", Dir: dir, Socket: filepath.Join(dir, "redis.sock")}
	s.t, s.name, s.quit = t, "redis-server", syscall.SIGTERM
	s.ready = s.ping
	s.command = func() *exec.Cmd {
		return exec.Command(binary, append(s.arguments(), settings...)...)
	}
	s.atEnd()
	s.Start()
	return s
}

// CLI runs redis-cli against the server and returns what it prints, trimmed.
// It serves a test that wants no client library; it fails the test on errors.
func (s *RedisServer) CLI(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), Need(s.t, "redis-cli", "redis-tools"),
		append([]string{"-s", s.Socket, "-e"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("redis-cli %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (s *RedisServer) arguments() []string {
	_, port, _ := net.SplitHostPort(s.Addr) // it was made by FreeAddr
	return []string{
		"--bind", "127.0.0.1", "--port", port,
		"--unixsocket", s.Socket, "--unixsocketperm", "700",
		"--dir", s.Dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
	}
}

// ping wants +PONG: a server that still loads its file answers -LOADING.
func (s *RedisServer) ping(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	// NOAUTH is a server with a password, and serves.
	if line = strings.TrimSpace(line); line != "+PONG" && !strings.HasPrefix(line, "-NOAUTH") {
		return fmt.Errorf("redis answers %q", line)
	}
	return nil
}

// shortTempDir is a folder of t with a short path: a unix socket's may have
// 107 bytes at most, and t.TempDir spends them on the test's name.
func shortTempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "signet-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing %s: %v", dir, err)
		}
	})
	return dir
}

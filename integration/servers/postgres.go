package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Where Debian, PGDG's packages and Homebrew put PostgreSQL's server programs,
// which aren't on PATH.
var postgresFolders = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"}

// postgresUser is the superuser of every cluster made here.
const postgresUser = "signet"

// PostgresConfig says what a cluster is for.
type PostgresConfig struct {
	// Durable has commits reach the disk, as in production: for tests that
	// kill the server. The zero value is fast and loses data in a crash.
	Durable bool
	// Settings are further lines of postgresql.conf, such as
	// "max_connections = 20"; they win over those made here.
	Settings []string
}

// PostgresServer is a PostgreSQL cluster that listens on a unix socket only,
// in a folder that nobody else may enter.
type PostgresServer struct {
	Daemon
	Dir     string // holds the data directory, "data", and the socket
	bin     string // the folder of its programs
	account *syscall.Credential
}

// Postgres returns the URL of a new, empty database. All tests of one test
// binary share one cluster, which ends with the binary, however that ends;
// the database is dropped when t ends.
func Postgres(t testing.TB) string {
	t.Helper()
	bin := postgresPrograms(t)
	s, err := sharedCluster(bin)
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.createDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// FORCE also ends the connections of a Signet that was killed.
		if err := s.sql(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}

// StartPostgres starts a cluster of t's own, which t may stop, kill and
// restart; it ends with t.
func StartPostgres(t testing.TB, config PostgresConfig) *PostgresServer {
	t.Helper()
	bin := postgresPrograms(t)
	s, err := newCluster(bin, config)
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	t.Cleanup(func() {
		if err := os.RemoveAll(s.Dir); err != nil {
			t.Errorf("removing the cluster: %v", err)
		}
	})
	s.atEnd()
	s.Start()
	return s
}

// Database creates an empty database in the cluster and returns its URL.
func (s *PostgresServer) Database() string {
	s.t.Helper()
	name, err := s.createDatabase(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.url(name)
}

var shared struct {
	once    sync.Once
	cluster *PostgresServer
	err     error
	leash   *os.File // closed by the system when this process is gone
}

func sharedCluster(bin string) (*PostgresServer, error) {
	shared.once.Do(func() {
		s, err := newCluster(bin, PostgresConfig{})
		if err != nil {
			shared.err = err
			return
		}
		if shared.leash, shared.err = s.watch(); shared.err != nil {
			return
		}
		if err := s.start(); err != nil {
			shared.err = fmt.Errorf("%w\n%s", err, s.tail())
			return
		}
		shared.cluster = s
	})
	return shared.cluster, shared.err
}

// postgresPrograms is the folder of PostgreSQL's own programs, behind
// whatever link or wrapper may stand on PATH.
func postgresPrograms(t testing.TB) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(Need(t, "initdb", "postgresql", postgresFolders...))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

// newCluster makes the files of a cluster. It doesn't start it.
func newCluster(bin string, config PostgresConfig) (*PostgresServer, error) {
	account, err := postgresAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "signet-pg-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for PostgreSQL: %w", err)
	}
	s := &PostgresServer{Dir: dir, bin: bin, account: account}
	s.name, s.quit = "postgres", syscall.SIGINT // a "fast" shutdown: sessions are ended
	s.command = func() *exec.Cmd {
		cmd := s.program("postgres", "-D", s.data())
		deathSignal(cmd.SysProcAttr, syscall.SIGQUIT) // an "immediate" one: the whole family ends
		return cmd
	}
	s.ready = func(ctx context.Context) error { return s.sql(ctx, "SELECT 1") }
	if err := s.initialise(config); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *PostgresServer) initialise(config PostgresConfig) error {
	if s.account != nil {
		if err := os.Chown(s.Dir, int(s.account.Uid), int(s.account.Gid)); err != nil {
			return fmt.Errorf("giving PostgreSQL its folder: %w", err)
		}
	}
	// "trust" is safe here: the socket's folder is closed to everybody else.
	initdb := s.program("initdb", "-D", s.data(), "-U", postgresUser, "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s.configure(config)
}

func (s *PostgresServer) configure(config PostgresConfig) error {
	lines := []string{
		"listen_addresses = ''",
		"unix_socket_directories = '" + s.Dir + "'",
		"max_connections = 200",
	}
	if !config.Durable {
		lines = append(lines, "fsync = off", "synchronous_commit = off", "full_page_writes = off")
	}
	text := "\n" + strings.Join(append(lines, config.Settings...), "\n") + "\n"
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configuring PostgreSQL: %w", err)
	}
	if _, err := f.WriteString(text); err != nil {
		return fmt.Errorf("configuring PostgreSQL: %w", err)
	}
	return f.Close()
}

// watch starts a shell that removes the cluster when this process is gone: it
// reads a pipe whose other end nobody else holds. It needs no working test
// binary, so it also cleans up after a panic, a timeout or a kill.
func (s *PostgresServer) watch() (*os.File, error) {
	const script = `cat
pidfile=$1/data/postmaster.pid
kill -QUIT "$(head -n 1 "$pidfile")"
for i in 1 2 3 4 5 6 7 8 9 10; do
	test -e "$pidfile" || break
	sleep 0.2
done
rm -rf "$1"`
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("sh", "-c", script, "sh", s.Dir) // output goes nowhere: `go test` waits for whoever holds its own
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL's watchdog: %w", err)
	}
	return w, r.Close()
}

func (s *PostgresServer) data() string { return filepath.Join(s.Dir, "data") }

// url follows libpq's form for a socket: the host is a folder.
func (s *PostgresServer) url(database string) string {
	q := url.Values{"host": {s.Dir}, "user": {postgresUser}, "sslmode": {"disable"}}
	return "postgres:///" + database + "?" + q.Encode()
}

func (s *PostgresServer) createDatabase(ctx context.Context) (string, error) {
	name := "t_" + strings.ToLower(rand.Text())
	return name, s.sql(ctx, "CREATE DATABASE "+name)
}

// sql runs one statement as the superuser.
func (s *PostgresServer) sql(ctx context.Context, statement string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "psql"), "-X", "-q", "-h", s.Dir,
		"-U", postgresUser, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("psql %q: %w\n%s", statement, err, out)
	}
	return nil
}

// program is a command of the cluster's owner, run in its folder.
func (s *PostgresServer) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + s.Dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account}
	return cmd
}

// postgresAccount is whom PostgreSQL runs as: it refuses root, and a plain
// user can be only itself (nil).
func postgresAccount() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return credential(u)
		}
	}
	return nil, errors.New("PostgreSQL doesn't run as root, and there is no user postgres or nobody to run it as")
}

func credential(u *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the uid of %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the gid of %s: %w", u.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

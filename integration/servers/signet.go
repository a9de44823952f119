package servers

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// requestPatience bounds one question for readiness.
const requestPatience = 2 * time.Second

// Config says how to run a Signet. Its zero value is `signet serve` on an
// embedded database in a folder of the test, with a seal key of its own and
// spare ports.
type Config struct {
	// Command is the subcommand and its flags; nil means "serve".
	Command []string
	// DataDir is SIGNET_DATA_DIR; empty means a temporary folder of the test.
	DataDir string
	// DatabaseURL and RedisURL are the settings of these names; empty leaves
	// them unset.
	DatabaseURL, RedisURL string
	// TLS has the public address speak HTTPS, with a certificate for 127.0.0.1 and
	// localhost that SignetServer.CA trusts.
	TLS bool
	// Env sets further variables and wins over all others. An empty value
	// takes a variable away. Of this process's environment only PATH, HOME
	// and TMPDIR are handed down.
	Env map[string]string
}

// SignetServer is a running signet of one test.
type SignetServer struct {
	Daemon
	URL      string // of the public address, "http://127.0.0.1:PORT" (https with Config.TLS); also the issuer
	AdminURL string // of the operations address
	DataDir  string
	CA       *x509.CertPool // trusts the public address's certificate; nil without Config.TLS
	env      []string
	binary   string
}

// Signet starts a signet for t and ends it with t. Both its addresses answer
// /healthz when it returns. A data race that the server saw fails the test.
func Signet(t testing.TB, config Config) *SignetServer {
	t.Helper()
	s := prepare(t, config)
	t.Cleanup(s.checkRaces) // runs after the end: some races show only there
	s.atEnd()
	s.Start()
	return s
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int // the exit status; -1 for a signal
}

// Run runs signet once with the settings of config, for instance
// Run(t, config, "", "version"), and returns how it ended: a status that isn't 0
// is for the caller to judge. config.Command isn't used.
func Run(t testing.TB, config Config, stdin string, args ...string) Result {
	t.Helper()
	return prepare(t, config).Run(stdin, args...)
}

// Run runs signet once with the server's settings, running or not, and the
// given standard input.
func (s *SignetServer) Run(stdin string, args ...string) Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), startPatience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Dir, cmd.Env = s.DataDir, s.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = pipeDelay
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("running signet %s: %v", strings.Join(args, " "), err)
	}
	if ctx.Err() != nil {
		s.t.Fatalf("signet %s took longer than %v\n%s%s", strings.Join(args, " "), startPatience, &stdout, &stderr)
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

// MustRun is Run for a command that must succeed; it returns what it printed
// on standard output.
func (s *SignetServer) MustRun(stdin string, args ...string) string {
	s.t.Helper()
	r := s.Run(stdin, args...)
	if r.Code != 0 {
		s.t.Fatalf("signet %s: exit status %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

func prepare(t testing.TB, config Config) *SignetServer {
	t.Helper()
	public, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	admin, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	if config.DataDir == "" {
		config.DataDir = t.TempDir()
	}
	command := config.Command
	if command == nil {
		command = []string{"serve"}
	}
	s := &SignetServer{URL: "http://" + public, AdminURL: "http://" + admin, DataDir: config.DataDir, binary: Binary(t)}
	env := map[string]string{}
	if config.TLS {
		s.URL = "https://" + public
		s.certify(t, env)
	}
	env["SIGNET_ISSUER"] = s.URL
	s.env = environment(config, env, public, admin)
	s.t, s.name, s.quit, s.ready = t, "signet "+command[0], syscall.SIGTERM, s.healthy
	s.command = func() *exec.Cmd {
		cmd := exec.Command(s.binary, command...)
		cmd.Dir, cmd.Env = s.DataDir, s.env // no .env and no signet.yaml of the working tree
		return cmd
	}
	return s
}

// environment builds the process's whole environment, sorted; env is what is known of it.
func environment(config Config, env map[string]string, public, admin string) []string {
	maps.Copy(env, map[string]string{
		"SIGNET_ADDR":         public,
		"SIGNET_ADMIN_ADDR":   admin,
		"SIGNET_DATA_DIR":     config.DataDir,
		"SIGNET_DATABASE_URL": config.DatabaseURL,
		"SIGNET_REDIS_URL":    config.RedisURL,
		"SIGNET_SEAL_KEY":     SealKey(),
	})
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		env[name] = os.Getenv(name)
	}
	maps.Copy(env, config.Env)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if env[name] != "" {
			list = append(list, name+"="+env[name])
		}
	}
	return list
}

// SealKey makes a value for SIGNET_SEAL_KEY: 32 random bytes in base64. Two
// servers on one database need the same.
func SealKey() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // crypto/rand.Read never fails
	return base64.StdEncoding.EncodeToString(key[:])
}

func (s *SignetServer) healthy(ctx context.Context) error {
	for _, base := range []string{s.URL, s.AdminURL} {
		if err := get200(ctx, s.transport(), base+"/healthz"); err != nil {
			return err
		}
	}
	return nil
}

func get200(ctx context.Context, by http.RoundTripper, url string) error {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: by}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}

func (s *SignetServer) checkRaces() {
	if strings.Contains(s.Output(), "WARNING: DATA RACE") {
		s.t.Errorf("signet saw a data race:\n%s", s.tail())
	}
}

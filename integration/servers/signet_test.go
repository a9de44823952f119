package servers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeEnv has this test binary play signet, so that the harness can be tested
// without one.
const fakeEnv = "SIGNET_FAKE"

func TestMain(m *testing.M) {
	if os.Getenv(fakeEnv) != "" {
		os.Exit(fakeSignet(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fakeSignet serves /healthz on both addresses and counts its starts in the
// data directory. Any other command prints itself, its input and environment,
// and exits with the status 7.
func fakeSignet(args []string) int {
	if len(args) == 0 || args[0] != "serve" {
		in, _ := io.ReadAll(os.Stdin)
		fmt.Printf("%q %q\n%s\n", args, in, strings.Join(os.Environ(), "\n"))
		fmt.Fprintln(os.Stderr, "as asked")
		return 7
	}
	if os.Getenv("SIGNET_LOG_LEVEL") == "broken" {
		fmt.Fprintln(os.Stderr, "signet: the log level is broken: mend it")
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	go func() { fmt.Println(http.ListenAndServe(os.Getenv("SIGNET_ADMIN_ADDR"), mux)) }()
	go func() {
		if cert := os.Getenv("SIGNET_TLS_CERT"); cert != "" {
			fmt.Println(http.ListenAndServeTLS(os.Getenv("SIGNET_ADDR"), cert, os.Getenv("SIGNET_TLS_KEY"), mux))
		}
		fmt.Println(http.ListenAndServe(os.Getenv("SIGNET_ADDR"), mux))
	}()
	if err := countStart(os.Getenv("SIGNET_DATA_DIR")); err != nil {
		fmt.Println(err)
		return 1
	}
	if os.Getenv("SIGNET_LOG_LEVEL") == "racy" {
		fmt.Println("WARNING: DATA RACE")
	}
	<-ctx.Done()
	return 0
}

func countStart(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "starts"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString("s"); err != nil {
		return err
	}
	return f.Close()
}

func useFake(t *testing.T) map[string]string {
	t.Helper()
	t.Setenv(BinaryEnv, os.Args[0])
	return map[string]string{fakeEnv: "1"}
}

func TestSignetLife(t *testing.T) {
	s := Signet(t, Config{Env: useFake(t)})
	url := s.URL
	s.Kill()
	if err := get200(t.Context(), http.DefaultTransport, url+"/healthz"); err == nil {
		t.Error("a killed server answers")
	}
	s.Start()
	s.Restart()
	if s.URL != url {
		t.Errorf("URL = %s after restarts, want %s as before", s.URL, url)
	}
	if err := s.healthy(t.Context()); err != nil {
		t.Error(err)
	}
	starts, err := os.ReadFile(filepath.Join(s.DataDir, "starts"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(starts), "sss"; got != want {
		t.Errorf("%d starts in the data directory, want %d", len(got), len(want))
	}
}

// Over HTTPS, it is ready when HTTPS answers, to who trusts its certificate.
func TestSignetTLS(t *testing.T) {
	s := Signet(t, Config{Env: useFake(t), TLS: true})
	if err := get200(t.Context(), s.transport(), s.URL+"/healthz"); err != nil || !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Errorf("%s: %v", s.URL, err)
	}
	if err := get200(t.Context(), http.DefaultTransport, s.URL+"/healthz"); err == nil {
		t.Error("anybody trusts its certificate")
	}
	if got := s.Run("").Stdout; !strings.Contains(got, "SIGNET_ISSUER="+s.URL+"\n") {
		t.Errorf("the issuer isn't %s:\n%s", s.URL, got)
	}
}

func TestSignetRun(t *testing.T) {
	t.Setenv("SIGNET_ISSUER", "https://of.the.tester")
	env := useFake(t)
	env["SIGNET_ACCESS_TTL"] = "1m"
	env["SIGNET_SEAL_KEY"] = ""
	r := Run(t, Config{Env: env, RedisURL: "redis://x"}, "a secret\n", "users", "add")
	if r.Code != 7 || r.Stderr != "as asked\n" {
		t.Errorf("Run = status %d, stderr %q", r.Code, r.Stderr)
	}
	for _, want := range []string{`["users" "add"] "a secret\n"`, "SIGNET_ACCESS_TTL=1m\n", "SIGNET_REDIS_URL=redis://x\n", "SIGNET_ISSUER=http://127.0.0.1:"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("the command saw no %q:\n%s", want, r.Stdout)
		}
	}
	for _, not := range []string{"SIGNET_SEAL_KEY", "SIGNET_DATABASE_URL", "of.the.tester"} {
		if strings.Contains(r.Stdout, not) {
			t.Errorf("the command saw %q:\n%s", not, r.Stdout)
		}
	}
}

func TestSignetThatDoesNotStart(t *testing.T) {
	env := useFake(t)
	env["SIGNET_LOG_LEVEL"] = "broken"
	r := &recorder{TB: t}
	done := make(chan struct{})
	begun := time.Now()
	go func() {
		defer close(done)
		Signet(r, Config{Env: env})
	}()
	<-done
	if r.ended != "fail" || !strings.Contains(r.message, "mend it") {
		t.Errorf("a server that can't start ended the test by %q: %s", r.ended, r.message)
	}
	if took := time.Since(begun); took > startPatience/2 {
		t.Errorf("it took %v to see that the process was gone", took)
	}
}

func TestSignetRaceFailsTheTest(t *testing.T) {
	env := useFake(t)
	env["SIGNET_LOG_LEVEL"] = "racy"
	s := Signet(t, Config{Env: env})
	s.Stop()
	var failed bytes.Buffer
	s.t = &errorRecorder{TB: t, to: &failed}
	s.checkRaces()
	s.t = t
	if !strings.Contains(failed.String(), "signet saw a data race") {
		t.Errorf("a data race went by: %q", &failed)
	}
	s.out = output{} // seen; the cleanup needn't see it again
}

type errorRecorder struct {
	testing.TB
	to io.Writer
}

func (r *errorRecorder) Helper()                           {}
func (r *errorRecorder) Errorf(format string, args ...any) { fmt.Fprintf(r.to, format, args...) }

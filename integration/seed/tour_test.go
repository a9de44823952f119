package seed

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/servers"
)

// step is one line of the tour: how it begins, and what it must print; a line
// of the tour that no step is for fails the test, as does a step without a line.
type step struct{ begins, prints string }

// tourSteps is what a newcomer sees, line by line.
var tourSteps = []step{
	{`field() {`, `^$`},
	{`R=$(curl -s http://localhost:\d+/login`, `^\{"access_token":"ey[^"]+","token_type":"Bearer","expires_in":900,"refresh_token":"sgr_[^"]+","refresh_expires_in":604800,`},
	{`A=`, `^$`},
	{`curl -si http://localhost:\d+/protected`, `(?s)^HTTP/1.1 200 OK\r\n.*"message":"Hello, usr_`},
	{`curl -si http://localhost:\d+/admin `, `(?s)^HTTP/1.1 403 Forbidden\r\n.*insufficient_scope`},

	{`R=$(curl -s http://localhost:\d+/refresh`, `^\{"access_token":"ey[^"]+".*"refresh_token":"sgr_`},
	{`T2=`, `^$`},
	{`curl -s http://localhost:\d+/refresh`, `^sgr_\S+\n$`},

	{`T3=`, `^$`},
	{`curl -si http://localhost:\d+/refresh`, `(?s)^HTTP/1.1 401 Unauthorized\r\n.*"error":"invalid_grant"`},
	{`curl -si http://localhost:\d+/refresh`, `(?s)^HTTP/1.1 401 Unauthorized\r\n.*"error":"invalid_grant"`},

	{`A=`, `^$`},
	{`K=`, `^$`},
	{`curl -s http://127.0.0.1:\d+/admin/keys/rotate`, `"forced":true`},
	{`curl -si http://localhost:\d+/protected`, `(?s)^HTTP/1.1 200 OK\r\n.*"message":"Hello, usr_`},

	{`curl -si http://localhost:\d+/logout`, `^HTTP/1.1 204 No Content\r\n`},
	{`sleep 3; curl -si http://localhost:\d+/protected`, `(?s)^HTTP/1.1 401 Unauthorized\r\n.*the access token was revoked`},

	{`C=`, `^$`},
	{`curl -si http://localhost:\d+/protected`, `(?s)^HTTP/1.1 200 OK\r\n.*"message":"Hello, demo"`},
}

// TestTour pastes what `signet dev` prints into a shell, line by line, and
// reads what each line prints before the next.
func TestTour(t *testing.T) {
	servers.Need(t, "curl", "curl")
	lines := tourOf(t)
	if len(lines) != len(tourSteps) {
		t.Errorf("dev prints %d commands, this test knows %d:\n%s", len(lines), len(tourSteps), strings.Join(lines, "\n"))
	}
	sh := newShell(t)
	for i, line := range lines[:min(len(lines), len(tourSteps))] {
		want := tourSteps[i]
		begins := regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(want.begins), `\\d\+`, `\d+`))
		if !begins.MatchString(line) {
			t.Fatalf("line %d is %q, want one that begins %q", i+1, line, want.begins)
		}
		printed, status := sh.paste(t, line)
		if status != 0 || !regexp.MustCompile(want.prints).MatchString(printed) {
			t.Errorf("status %d of\n%s\nwhich printed\n%s\nwant %s", status, line, printed, want.prints)
		}
	}
}

// tourOf starts `signet dev` as a newcomer does, but for its ports, and returns
// the commands that it prints.
func tourOf(t *testing.T) []string {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	// The settings that the harness makes are for servers; dev has its own.
	s := servers.Signet(t, servers.Config{
		Command: []string{"dev", "--demo-addr", addr},
		Env:     map[string]string{"SIGNET_ISSUER": "", "SIGNET_SEAL_KEY": "", "SIGNET_HASH_DEADLINE": "30s"},
	})
	await(t, "the demo API answers", func() bool {
		resp, err := browser.Get("http://" + addr + "/healthz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	var commands []string
	for line := range strings.Lines(s.Output()) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "{") { // comments; the log is JSON
			commands = append(commands, line)
		}
	}
	return commands
}

// shell is a running sh that is typed into.
type shell struct {
	in   io.WriteCloser
	out  *bufio.Reader
	mark string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "no_proxy=localhost,127.0.0.1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe() // both streams, as a terminal shows them
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close() // the shell has it
	t.Cleanup(func() {
		_ = in.Close() // ends the shell
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("the shell: %v", err)
		}
		_ = r.Close()
	})
	return &shell{in: in, out: bufio.NewReader(r), mark: "-- the line has ended: "}
}

// paste gives the shell a line, and returns what that printed and its status.
func (s *shell) paste(t *testing.T, line string) (printed string, status int) {
	t.Helper()
	if _, err := fmt.Fprintf(s.in, "%s\necho '%s'$?\n", line, s.mark); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for {
		text, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("the shell went away after %q: %v", line, err)
		}
		before, after, done := strings.Cut(text, s.mark)
		b.WriteString(before) // what doesn't end in a line end stands before the mark
		if done {
			status, err := strconv.Atoi(strings.TrimSpace(after))
			if err != nil {
				t.Fatal(err)
			}
			return b.String(), status
		}
	}
}

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be signet: the scripts run the real main as a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"signet": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"addr":    scriptAddr,
			"await":   scriptAwait,
			"capture": scriptCapture,
			"status":  scriptStatus,
			"sqlite":  scriptSQLite,
			"post":    scriptPost,
			"until":   scriptUntil,
			"newkey":  scriptNewKey,
			"newcert": scriptNewCert,
		},
	})
}

// scriptAddr sets each variable to a loopback address that nothing listens on: addr ADDR ADMIN.
func scriptAddr(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(name, l.Addr().String())
		ts.Check(l.Close())
	}
}

// patience bounds what a script waits for.
const patience = 60 * time.Second

// scriptAwait asks a URL until the answer is 200: await http://$ADDR/healthz.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		resp, err := http.Get(args[0])
		if err == nil {
			ts.Check(resp.Body.Close())
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(10 * time.Millisecond) // between two questions; what is waited for is the answer
	}
	ts.Fatalf("no answer from %s", args[0])
}

// scriptCapture sets a variable to the first group of a pattern in a file, or in stdout: capture KID stdout 'kid (\S+)'.
func scriptCapture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(m) != 2 {
		ts.Fatalf("%s: no %s", args[1], args[2])
	}
	ts.Setenv(args[0], m[1])
}

// scriptStatus runs a command that must end with a status, and keeps what it said in a file: status 2 out signet frob.
func scriptStatus(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[2], args[3:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(ts.ReadFile("stdout")+ts.ReadFile("stderr")), 0o600))
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// scriptSQLite changes a database behind signet's back: sqlite FILE STATEMENT.
func scriptSQLite(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(args[1])
	ts.Check(err)
	ts.Check(db.Close())
}

// scriptPost posts JSON, or with a user and password a form, and keeps the answer in a file: post OUT URL BODY [ID:SECRET].
func scriptPost(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(args[2]))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	if len(args) > 3 {
		name, password, _ := strings.Cut(args[3], ":")
		req.SetBasicAuth(name, password)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	body, err := io.ReadAll(resp.Body)
	ts.Check(errors.Join(err, resp.Body.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), fmt.Appendf(nil, "%s\n%s\n", resp.Status, body), 0o600))
}

// scriptUntil posts until the answer matches: until PATTERN OUT URL BODY [ID:SECRET].
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	wanted := regexp.MustCompile(args[0])
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		scriptPost(ts, neg, args[1:])
		if wanted.MatchString(ts.ReadFile(args[1])) {
			return
		}
	}
	ts.Fatalf("no answer matches %s; the last was %s", args[0], ts.ReadFile(args[1]))
}

// scriptNewKey writes a private key made elsewhere: newkey FILE.
func scriptNewKey(ts *testscript.TestScript, _ bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), block, 0o600))
}

// scriptNewCert writes a self-signed certificate of 127.0.0.1 and its key: newcert CERT KEY.
func scriptNewCert(ts *testscript.TestScript, _ bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	_, certPEM, keyPEM, err := selfSigned("script", key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), certPEM, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), keyPEM, 0o600))
}

// command runs run as main would, without a process.
func command(t *testing.T, env []string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(context.WithoutCancel(t.Context()), args, env, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestExitStatus(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		env  []string
		args []string
		want int
	}{
		"version":                   {nil, []string{"version"}, 0},
		"help":                      {nil, []string{"--help"}, 0},
		"help of a command":         {nil, []string{"clients", "add", "--help"}, 0},
		"no command":                {nil, nil, 2},
		"an unknown command":        {nil, []string{"frob"}, 2},
		"an unknown flag":           {nil, []string{"config", "--frob"}, 2},
		"a flag of a wrong type":    {nil, []string{"config", "--access-ttl=x"}, 2},
		"a flag not in the list":    {nil, []string{"config", "--registration=ajar"}, 2},
		"a missing flag":            {nil, []string{"clients", "add"}, 2},
		"a missing argument":        {nil, []string{"users", "disable"}, 2},
		"nothing to set":            {nil, []string{"users", "set", "a@example.com"}, 2},
		"no change of a client":     {nil, []string{"clients", "set", "a"}, 2},
		"a client without an id":    {nil, []string{"clients", "set", "--name=A"}, 2},
		"a redirect left empty":     {nil, []string{"clients", "add", "--id=a", "--redirect-uri="}, 2},
		"sessions of nobody":        {nil, []string{"sessions", "list"}, 2},
		"the end of nothing":        {nil, []string{"sessions", "end"}, 2},
		"the end of too much":       {nil, []string{"sessions", "end", "x", "--user=usr_x"}, 2},
		"no kind of event":          {nil, []string{"audit", "list", "--event=x"}, 2},
		"no time of events":         {nil, []string{"audit", "list", "--since=yesterday"}, 2},
		"too many events":           {nil, []string{"audit", "list", "--limit=100001"}, 2},
		"no password":               {nil, []string{"users", "add", "--email=a@example.com"}, 2},
		"a bad limit":               {nil, []string{"users", "list", "--limit=0"}, 2},
		"a bad variable":            {[]string{"SIGNET_ACCESS_TTL=x"}, []string{"config"}, 1},
		"a contradiction":           {[]string{"SIGNET_ACCESS_TTL=1s"}, []string{"config"}, 1},
		"version in a bad shell":    {[]string{"SIGNET_FROB=x"}, []string{"version"}, 0},
		"serve without a seal key":  {[]string{"SIGNET_ADDR=127.0.0.1:0", "SIGNET_ADMIN_ADDR=127.0.0.1:0"}, []string{"serve"}, 1},
		"a token that isn't":        {nil, []string{"token", "inspect", "--issuer=http://127.0.0.1:1", "frob"}, 1},
		"a token left out":          {nil, []string{"token", "inspect"}, 2},
		"dev open to the world":     {nil, []string{"dev", "--addr=:0"}, 1},
		"dev open by its demo":      {nil, []string{"dev", "--demo-addr=0.0.0.0:0"}, 1},
		"dev open by its admin":     {nil, []string{"dev", "--admin-addr=192.0.2.1:0"}, 1},
		"refresh and an algorithm":  {nil, []string{"keys", "rotate", "--refresh", "--alg=ES256"}, 2},
		"roles and none":            {nil, []string{"users", "roles", "a@example.com", "admin", "--none"}, 2},
		"secrets kept in the past":  {nil, []string{"clients", "secret", "a", "--keep=-1h"}, 2},
		"an import as nothing":      {nil, []string{"keys", "import", "--as=king"}, 2},
		"health of nobody":          {nil, []string{"healthcheck", "--admin-addr=127.0.0.1:1"}, 1},
		"a file that isn't there":   {nil, []string{"config", "--config=frob.yaml"}, 1},
		"a variable's missing file": {[]string{"SIGNET_CONFIG=frob.yaml"}, []string{"config"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := command(t, c.env, "", c.args...)
			if code != c.want {
				t.Errorf("status %d, want %d\n%s%s", code, c.want, stdout, stderr)
			}
			if (code == 0) != (stderr == "") {
				t.Errorf("status %d and on standard error %q", code, stderr)
			}
		})
	}
}

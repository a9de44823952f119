package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/signet-oidc/signet/integration/servers"
)

const (
	mostConns  = 64
	password   = "a long and winding passphrase"
	audience   = "https://api.example.com"
	clientID   = "bench"
	formType   = "Content-Type: application/x-www-form-urlencoded"
	refreshing = "grant_type=refresh_token&refresh_token="
)

// target is one endpoint of one server, with the processes that it costs.
type target struct {
	name          string
	job           job
	server, store int // pids; store 0: none
	generator     string
	// codes makes what is good once, before each slice; nil: nothing is.
	codes func(l lengths) []string
}

// measure runs one slice. Refresh tokens go on from slice to slice.
func (tg *target) measure(t *testing.T, conns int, l lengths) cost {
	t.Helper()
	j := tg.job
	j.Bodies, j.Warm, j.For, j.Pids = j.Bodies[:conns], l.warm, l.slice, []int{tg.server}
	if tg.store != 0 {
		j.Pids = append(j.Pids, tg.store)
	}
	if tg.codes != nil {
		j.Once = tg.codes(l)
	}
	res := generate(t, tg.generator, j)
	copy(tg.job.Bodies, res.Bodies)
	c := cost{server: microseconds(res.CPU[0], res.Requests)}
	if tg.store != 0 {
		c.store = microseconds(res.CPU[1], res.Requests)
	}
	return c
}

func microseconds(d time.Duration, requests int) float64 {
	return float64(d.Nanoseconds()) / float64(requests) / 1000
}

// generate runs the generator as a process of its own.
func generate(t *testing.T, binary string, j job) (res result) {
	t.Helper()
	in, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the generator: %v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	if res.Requests == 0 {
		t.Fatalf("no answer from %s in %v", j.Path, j.For)
	}
	return res
}

// arrange starts everything and says what is compared with what.
func arrange(t *testing.T) []contest {
	t.Helper()
	bin := build(t)
	redis := servers.Redis(t)
	b := startBare(t, bin, redis)
	onRedis := startSignet(t, bin, redis.URL)
	onSQLite := startSignet(t, bin, "")
	onPostgres := startSignet(t, bin, servers.Redis(t).URL, "SIGNET_DATABASE_URL="+servers.Postgres(t))

	refresh := onRedis.refresh("refresh on Redis", redis.Pid())
	embedded := onSQLite.refresh("refresh on SQLite", 0)
	first := contest{b.target("bare: EVALSHA + ES256", "POST", "/refresh", redis.Pid()), []row{
		{target: refresh, most: 1.5},
		{target: onRedis.introspect("introspection on Redis, times that refresh", redis.Pid()), most: 1.0, against: refresh},
		{target: embedded, most: 2.0},
		{target: onPostgres.exchange("code to tokens on PostgreSQL and Redis, times that refresh", 0), most: 2.0, against: refresh, alone: true},
		{target: onSQLite.exchange("code to tokens on SQLite, times that refresh", 0), most: 2.0, against: embedded, alone: true},
	}}
	if *full {
		quiet := servers.Redis(t)
		silent := startSignet(t, bin, quiet.URL, "SIGNET_LOG_LEVEL=warn")
		first.rows = append(first.rows,
			row{target: silent.refresh("refresh on Redis, no request log", quiet.Pid())},
			row{target: onRedis.firstParty("refresh on Redis, first-party call", redis.Pid())})
	}
	return []contest{
		first,
		{b.target("bare: ES256", "POST", "/sign", 0), []row{{target: onRedis.clientCredentials("client_credentials"), most: 1.6}}},
		{b.target("bare: a constant", "GET", "/constant", 0), []row{
			{target: onRedis.get("JWKS", "/.well-known/jwks.json"), most: 3.0},
			{target: onRedis.get("discovery", "/.well-known/openid-configuration"), most: 3.0},
		}},
	}
}

// build makes the three binaries as they are shipped: without the race detector,
// under which a ratio says nothing, whatever this test runs with.
func build(t *testing.T) (folder string) {
	t.Helper()
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", folder, "./cmd/signet", "./integration/bench", "./integration/bench/bare")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	t.Setenv(servers.BinaryEnv, filepath.Join(folder, "signet"))
	return folder
}

// server is what is asked, bare or Signet.
type server struct {
	t         *testing.T
	addr      string
	pid       int
	generator string
	basic     string // the client's Authorization
	secret    string
	run       func(args ...string) string // the command line on the same settings
}

func startBare(t *testing.T, bin string, redis *servers.RedisServer) server {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	d := servers.Other(t, "bare",
		func() *exec.Cmd { return exec.Command(filepath.Join(bin, "bare"), "-addr", addr, "-redis", redis.Addr) },
		func(ctx context.Context) error { return healthy(ctx, "http://"+addr+"/healthz") })
	return server{t: t, addr: addr, pid: d.Pid(), generator: filepath.Join(bin, "bench")}
}

func healthy(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// startSignet starts the real binary with all its defaults (a log event a request,
// into the test's pipe), but for what makes the preparations quick.
func startSignet(t *testing.T, bin, redisURL string, env ...string) server {
	t.Helper()
	c := servers.Config{RedisURL: redisURL, Env: map[string]string{
		"SIGNET_AUDIENCE": audience, "SIGNET_BCRYPT_COST": "10", "SIGNET_HASH_WORKERS": strconv.Itoa(runtime.NumCPU()),
		"SIGNET_LOGIN_RATE": "10000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "10000/m",
	}}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		c.Env[name] = value
	}
	s := servers.Signet(t, c)
	for i := range sessionsOf {
		s.MustRun(password+"\n", "users", "add", "--email", address(i), "--password-stdin")
	}
	var added struct {
		Secret string `json:"client_secret"`
	}
	out := s.MustRun("", "clients", "add", "--id", clientID, "--scope", "read", "--audience", audience, "--json",
		"--grant", "password", "--grant", "refresh_token", "--grant", "client_credentials")
	if err := json.Unmarshal([]byte(out), &added); err != nil {
		t.Fatal(err)
	}
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(clientID+":"+added.Secret))
	addr, _ := strings.CutPrefix(s.URL, "http://")
	return server{t: t, addr: addr, pid: s.Pid(), generator: filepath.Join(bin, "bench"), basic: basic, secret: added.Secret,
		run: func(args ...string) string { return s.MustRun("", args...) }}
}

// sessionsOf: a user has at most a hundred sessions.
const sessionsOf = 3

func address(i int) string { return fmt.Sprintf("user%d@example.com", i) }

// target is an endpoint that is asked the same by all, with a form such as a
// refresh has.
func (s server) target(name, method, path string, store int) *target {
	j := job{Addr: s.addr, Method: method, Path: path, Bodies: make([]string, mostConns)}
	if method == "POST" {
		// What it costs to read such a request is part of the floor.
		j.Header = []string{formType, "Authorization: Basic " + strings.Repeat("x", 70)}
		j.Bodies = slices.Repeat([]string{refreshing + "sgr_" + strings.Repeat("x", 83)}, mostConns)
	}
	return &target{name: name, job: j, server: s.pid, store: store, generator: s.generator}
}

func (s server) get(name, path string) *target { return s.target(name, "GET", path, 0) }

// refresh rotates at the token endpoint, as a confidential client.
func (s server) refresh(name string, store int) *target {
	tg := s.target(name, "POST", "/oauth/token", store)
	tg.job.Header, tg.job.Rotates, tg.job.Prefix = []string{formType, s.basic}, true, refreshing
	for i, login := range s.tokens(address(0)) {
		tg.job.Bodies[i] = refreshing + login.Refresh
	}
	return tg
}

// firstParty rotates at the first-party call, in JSON.
func (s server) firstParty(name string, store int) *target {
	tg := s.target(name, "POST", "/refresh", store)
	const prefix, suffix = `{"refresh_token":"`, `"}`
	tg.job.Header, tg.job.Rotates, tg.job.Prefix, tg.job.Suffix = []string{"Content-Type: application/json"}, true, prefix, suffix
	for i, login := range s.logins("/login", "application/json", `{"email":"`+address(1)+`","password":"`+password+`"}`) {
		tg.job.Bodies[i] = prefix + login.Refresh + suffix
	}
	return tg
}

// introspect asks about access tokens whose sessions live: each connection about
// its own again and again, as a resource server does that asks at every request.
func (s server) introspect(name string, store int) *target {
	tg := s.target(name, "POST", "/oauth/introspect", store)
	tg.job.Header = []string{formType, s.basic}
	for i, login := range s.tokens(address(2)) {
		tg.job.Bodies[i] = "token=" + login.Access
	}
	return tg
}

func (s server) clientCredentials(name string) *target {
	tg := s.target(name, "POST", "/oauth/token", 0)
	tg.job.Header = []string{formType, s.basic}
	tg.job.Bodies = slices.Repeat([]string{"grant_type=client_credentials&scope=read"}, mostConns)
	return tg
}

type login struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// tokens opens a session of the client for each connection.
func (s server) tokens(email string) []login {
	s.t.Helper()
	form := url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}}.Encode()
	return s.logins("/oauth/token", "application/x-www-form-urlencoded", form)
}

// logins asks for a session for each connection, as many at once as are hashed.
func (s server) logins(path, media, body string) []login {
	s.t.Helper()
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	all := make([]login, mostConns)
	for i := range all {
		g.Go(func() (err error) {
			all[i], err = s.login(path, media, body)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s server) login(path, media, body string) (l login, err error) {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		return l, err
	}
	req.Header.Set("Content-Type", media)
	if path == "/oauth/token" {
		req.SetBasicAuth(clientID, s.secret)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return l, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(got, &l) != nil || l.Refresh == "" {
		return l, fmt.Errorf("POST %s: %s: %s (%w)", path, resp.Status, got, err)
	}
	return l, nil
}

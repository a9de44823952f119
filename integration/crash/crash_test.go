// Package crash kills a Signet that is at work, as kill -9, an out-of-memory
// killer or a power switch does, and starts it again: nobody is logged out, and
// who had logged out stays out.
//
// It owns what a client sees of the process's death; what a store's own death
// does is tested with the engines.
//
//	go test ./integration/crash -args -long    # ten times as long
package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

var long = flag.Bool("long", false, "kill ten times as often")

const (
	clients  = 16
	kills    = 6
	password = "a long and winding passphrase"
	patience = 60 * time.Second
	// between is about how many refreshes are answered between two kills, so
	// that each one meets a stream of them; how many is drawn, and what the others
	// of the crowd have got to at that moment is anybody's guess.
	between = 10 * clients
	// poll is how often what is waited for is looked at.
	poll = 20 * time.Millisecond
)

// deployments are what a refresh token's state is kept in.
var deployments = []struct {
	name   string
	config func(t *testing.T) servers.Config
}{
	{"SQLite", func(*testing.T) servers.Config { return servers.Config{} }},
	{"PostgreSQL and Redis", func(t *testing.T) servers.Config {
		redis := servers.Redis(t, "--appendonly", "yes")
		return servers.Config{DatabaseURL: servers.Postgres(t), RedisURL: redis.URL}
	}},
}

func start(t *testing.T, config servers.Config) *servers.SignetServer {
	t.Helper()
	config.Env = map[string]string{
		"SIGNET_BCRYPT_COST": "10", "SIGNET_HASH_DEADLINE": "30s", "SIGNET_KEY_ALGS": "ES256",
		"SIGNET_LOGIN_RATE": "1000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "1000/m", "SIGNET_LOG_LEVEL": "warn",
	}
	return servers.Signet(t, config)
}

// TestRefreshesSurviveKills kills the server in the middle of a stream of
// refreshes. Every client goes on with the token that it received last, or
// retries the one that it had: not one is told that its session is over.
func TestRefreshesSurviveKills(t *testing.T) {
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			s := start(t, d.config(t))
			crowd := newCrowd(t, s)
			crowd.run(t, func() {
				for range rounds() {
					crowd.awaitAnswers(t, 1+rand.Int64N(2*between))
					s.Kill()
					s.Start()
				}
				crowd.awaitAnswers(t, between)
			})
			t.Logf("%d refreshes, %d of them asked again, over %d kills", crowd.answers.Load(), crowd.retries.Load(), rounds())
		})
	}
}

func rounds() int {
	if *long {
		return 10 * kills
	}
	return kills
}

// crowd is many clients, each with a session of its own.
type crowd struct {
	url     string
	tokens  []string
	answers atomic.Int64
	retries atomic.Int64
	failed  chan error
}

func newCrowd(t *testing.T, s *servers.SignetServer) *crowd {
	t.Helper()
	c := &crowd{url: s.URL, failed: make(chan error, clients)}
	register(t, s)
	for range clients {
		c.tokens = append(c.tokens, login(t, s).Refresh)
	}
	return c
}

// run has all clients refresh while work is done, and a last time after it, on
// a server that nobody kills.
func (c *crowd) run(t *testing.T, work func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range c.tokens {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := c.refresh(t.Context(), i); err != nil {
					c.failed <- fmt.Errorf("client %d: %w", i, err)
					return
				}
			}
		})
	}
	defer func() {
		stop()
		all.Wait()
		c.check(t)
		for i := range c.tokens {
			if err := c.refresh(t.Context(), i); err != nil {
				t.Errorf("client %d, in the end: %v", i, err)
			}
		}
	}()
	work()
}

// refresh gets the client its next token, asking again with the one it has for
// as long as no answer comes.
func (c *crowd) refresh(ctx context.Context, i int) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		next, err := refresh(ctx, c.url, c.tokens[i])
		if err == nil {
			c.tokens[i] = next.Refresh
			c.answers.Add(1)
			return nil
		}
		if !errors.Is(err, errNoAnswer) {
			return err
		}
		c.retries.Add(1)
	}
	return errors.New("no answer in " + patience.String())
}

// awaitAnswers waits until n more refreshes have been answered.
func (c *crowd) awaitAnswers(t *testing.T, n int64) {
	t.Helper()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	deadline := time.Now().Add(patience)
	for until := c.answers.Load() + n; c.answers.Load() < until; <-tick.C {
		c.check(t)
		if time.Now().After(deadline) {
			t.Fatalf("%d refreshes were answered in %v, want %d", c.answers.Load()+n-until, patience, n)
		}
	}
}

func (c *crowd) check(t *testing.T) {
	t.Helper()
	for {
		select {
		case err := <-c.failed:
			t.Error(err)
		default:
			if t.Failed() {
				t.FailNow()
			}
			return
		}
	}
}

// TestEndsSurviveKill kills the server right after it has said that somebody is
// logged out, and that a token was used before: both sessions stay ended, and
// their neighbour stays alive.
func TestEndsSurviveKill(t *testing.T) {
	for _, d := range deployments {
		t.Run(d.name, func(t *testing.T) {
			s := start(t, d.config(t))
			register(t, s)
			for range 2 {
				out, stolen, stays := login(t, s), login(t, s), login(t, s)
				last := stealAndUse(t, s, stolen)
				if status, body := post(t, s.URL+"/logout", `{"refresh_token":"`+out.Refresh+`"}`); status != http.StatusNoContent {
					t.Fatalf("logout: %d %s", status, body)
				}
				s.Kill()
				s.Start()
				wantOver(t, s, "logged out", out)
				wantOver(t, s, "ended for reuse", last)
				if _, err := refresh(t.Context(), s.URL, stays.Refresh); err != nil {
					t.Errorf("a session that nothing was done to: %v", err)
				}
			}
		})
	}
}

// stealAndUse refreshes twice and presents the first token again. It returns the
// last good one, which the reuse has ended.
func stealAndUse(t *testing.T, s *servers.SignetServer, first tokens) (last tokens) {
	t.Helper()
	last = first
	for range 2 {
		var err error
		if last, err = refresh(t.Context(), s.URL, last.Refresh); err != nil {
			t.Fatal(err)
		}
	}
	wantOver(t, s, "used before", first)
	return last
}

func wantOver(t *testing.T, s *servers.SignetServer, why string, token tokens) {
	t.Helper()
	if _, err := refresh(t.Context(), s.URL, token.Refresh); !errors.Is(err, errInvalidGrant) {
		t.Errorf("a session that is over (%s) was answered: %v", why, err)
	}
}

// tokens are what login and refresh answer.
type tokens struct {
	Refresh string `json:"refresh_token"`
}

var (
	// errNoAnswer is a refresh that can be asked again: nothing came back, or a
	// 503.
	errNoAnswer     = errors.New("no answer")
	errInvalidGrant = errors.New("invalid_grant")
)

// caller keeps connections, as clients do: those to a killed server fail.
var caller = &http.Client{
	Timeout:   patience,
	Transport: &http.Transport{MaxIdleConnsPerHost: clients},
}

// refresh asks once.
func refresh(ctx context.Context, url, token string) (tokens, error) {
	status, body, err := send(ctx, url+"/refresh", `{"refresh_token":"`+token+`"}`)
	switch {
	case ctx.Err() != nil:
		return tokens{}, ctx.Err()
	case err != nil:
		return tokens{}, fmt.Errorf("%w: %w", errNoAnswer, err)
	case status == http.StatusServiceUnavailable:
		return tokens{}, fmt.Errorf("%w: %s", errNoAnswer, body)
	case strings.Contains(string(body), `"invalid_grant"`):
		return tokens{}, fmt.Errorf("%w: %d %s", errInvalidGrant, status, body)
	case status != http.StatusOK:
		return tokens{}, fmt.Errorf("refresh: %d %s", status, body)
	}
	return decode(body)
}

func decode(body []byte) (t tokens, err error) {
	if err := json.Unmarshal(body, &t); err != nil {
		return t, fmt.Errorf("tokens: %w: %s", err, body)
	}
	if t.Refresh == "" {
		return t, fmt.Errorf("tokens without a refresh token: %s", body)
	}
	return t, nil
}

// send posts JSON. An error is an answer that didn't come, or not whole.
func send(ctx context.Context, url, body string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := caller.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, err
}

// post is send for what must be answered.
func post(t *testing.T, url, body string) (int, []byte) {
	t.Helper()
	status, answer, err := send(t.Context(), url, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

const person = `{"email":"ada@example.com","password":"` + password + `"}`

func register(t *testing.T, s *servers.SignetServer) {
	t.Helper()
	if status, body := post(t, s.URL+"/register", person); status != http.StatusCreated {
		t.Fatalf("register: %d %s", status, body)
	}
}

func login(t *testing.T, s *servers.SignetServer) tokens {
	t.Helper()
	status, body := post(t, s.URL+"/login", person)
	if status != http.StatusOK {
		t.Fatalf("login: %d %s", status, body)
	}
	in, err := decode(body)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

package rotate

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/keys"
)

const (
	audience     = "https://api.example.com"
	password     = "a long and winding passphrase"
	personEmail  = "ann@example.com"
	adminEmail   = "root@example.com"
	readyTimeout = 60 * time.Second
)

// Names of the table's rows.
const (
	refreshing = "refreshes"
	byOurs     = "verifier: ours"
	byMaxAge   = "verifier: max-age"
	byJose     = "verifier: jose"
	byPyJWT    = "verifier: PyJWKClient"
)

// algorithms are all that Signet signs with.
var algorithms = []string{"ES256", "RS256", "ES384", "PS256", "EdDSA"}

// Plan says how a run goes.
type Plan struct {
	Algs        []string      // with a ring each, and apps pinned to each
	MaxAge      time.Duration // SIGNET_JWKS_MAX_AGE
	RotateEvery time.Duration // SIGNET_KEY_ROTATE_EVERY
	ByHand      bool          // rotate by the admin call, when it is safe, and not by the schedule
	Rotations   int           // how many end the run; a rotation of any algorithm counts
	KillAfter   int           // rotations before a replica is killed
	RevokeAfter int           // rotations before a key is revoked
	Apps        int           // sessions that refresh, an algorithm
	Pace        time.Duration // between two refreshes of a session
	Limit       time.Duration // of the whole run
}

// publishWait is how long a key is published before it signs under the plan.
func (p Plan) publishWait() time.Duration { return keys.Policy{MaxAge: p.MaxAge}.PublishWait() }

// rig is everything that a run needs, started.
type rig struct {
	t        testing.TB
	plan     Plan
	config   servers.Config
	proxy    *Proxy
	replicas []*servers.SignetServer
	operator *operator
	judges   map[string]judge
	apps     []*app
	tally    *Tally
}

// newRig starts three replicas behind the proxy, the verifiers and the apps.
func newRig(t testing.TB, plan Plan) *rig {
	t.Helper()
	proxy, err := NewProxy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	r := &rig{t: t, plan: plan, proxy: proxy, tally: NewTally(refreshing, byOurs, byMaxAge, byJose, byPyJWT)}
	r.config = servers.Config{DatabaseURL: servers.Postgres(t), RedisURL: servers.Redis(t).URL, Env: plan.settings(proxy.URL)}
	for range 3 {
		r.addReplica()
	}
	r.operator = &operator{issuer: proxy.URL, email: adminEmail, password: password, admin: r.replicas[2].AdminURL}
	r.people()
	r.signIn()
	r.startJudges()
	return r
}

func (p Plan) settings(issuer string) map[string]string {
	return map[string]string{
		"SIGNET_ISSUER":             issuer,
		"SIGNET_SEAL_KEY":           servers.SealKey(),
		"SIGNET_AUDIENCE":           audience,
		"SIGNET_KEY_ALGS":           strings.Join(p.Algs, ","),
		"SIGNET_JWKS_MAX_AGE":       p.MaxAge.String(),
		"SIGNET_KEY_ROTATE_EVERY":   p.RotateEvery.String(),
		"SIGNET_ACCESS_TTL":         "1m",
		"SIGNET_BCRYPT_COST":        "10",
		"SIGNET_HASH_DEADLINE":      "20s",
		"SIGNET_LOG_LEVEL":          "warn", // requests are counted here
		"SIGNET_LOGIN_RATE":         "1000/m",
		"SIGNET_LOGIN_RATE_ACCOUNT": "1000/m",
	}
}

// addReplica starts one, and lets it take part when it says that it is ready.
func (r *rig) addReplica() {
	r.t.Helper()
	s := servers.Signet(r.t, r.config)
	ctx, cancel := context.WithTimeout(r.t.Context(), readyTimeout)
	defer cancel()
	for {
		a, err := call(ctx, http.MethodGet, s.AdminURL+"/readyz", nil, nil)
		if err == nil && a.status == http.StatusOK {
			break
		}
		if !pause(ctx, 50*time.Millisecond) {
			r.t.Fatalf("the replica isn't ready: %v %v", a, err)
		}
	}
	if err := r.proxy.Add(s.URL); err != nil {
		r.t.Fatal(err)
	}
	r.replicas = append(r.replicas, s)
}

// people adds a person, an operator and a client for each algorithm.
func (r *rig) people() {
	r.t.Helper()
	s := r.replicas[0]
	s.MustRun(password+"\n", "users", "add", "--email", personEmail, "--password-stdin")
	s.MustRun(password+"\n", "users", "add", "--email", adminEmail, "--role", "admin", "--password-stdin")
	for _, alg := range r.plan.Algs {
		s.MustRun("", "clients", "add", "--id", clientOf(alg), "--public", "--grant", "password", "--grant", "refresh_token",
			"--audience", audience, "--token-alg", alg)
	}
}

func clientOf(alg string) string { return "app-" + strings.ToLower(alg) }

func (r *rig) signIn() {
	r.t.Helper()
	for _, alg := range r.plan.Algs {
		for range r.plan.Apps {
			a := &app{issuer: r.proxy.URL, client: clientOf(alg)}
			if err := a.signIn(r.t.Context(), personEmail, password); err != nil {
				r.t.Fatalf("%s signs in: %v", a.client, err)
			}
			r.apps = append(r.apps, a)
		}
	}
}

func (r *rig) startJudges() {
	r.t.Helper()
	own, err := newOurs(r.t.Context(), r.proxy.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(own.Close)
	r.judges = map[string]judge{
		byOurs:   own,
		byMaxAge: newMaxAgeHolders(r.proxy.URL, 5),
		byJose:   startNode(r.t, r.proxy.URL),
		byPyJWT:  startPython(r.t, r.proxy.URL),
	}
}

// load runs the apps until the function that it returns is called.
func (r *rig) load() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	var all sync.WaitGroup
	for _, a := range r.apps {
		all.Go(func() { a.run(ctx, r.plan.Pace, r.tally, func(token string) { r.show(ctx, token) }) })
	}
	return func() { cancel(); all.Wait() }
}

// show has all verifiers judge a token at the same time.
func (r *rig) show(ctx context.Context, token string) {
	var all sync.WaitGroup
	for name, j := range r.judges {
		all.Go(func() { ask(ctx, r.tally, name, j, token) })
	}
	all.Wait()
}

// pause waits; false: ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// say tells what happens, with the time.
func (r *rig) say(format string, args ...any) {
	r.t.Helper()
	line := time.Now().Format("15:04:05.0 ") + fmt.Sprintf(format, args...)
	if testing.Verbose() {
		_, _ = fmt.Fprintln(os.Stderr, line) // at once: a run takes minutes
		return
	}
	r.t.Log(line)
}

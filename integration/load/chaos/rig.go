package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/signet-oidc/signet/integration/servers"
)

const (
	password     = "a long and winding passphrase"
	sessionsEach = 50 // of a person, who may have a hundred
	loginsAtOnce = 4
)

// rig is everything that a run needs, started.
type rig struct {
	t        testing.TB
	plan     Plan
	redis    *pair
	postgres *servers.PostgresServer
	database string
	replicas []*servers.SignetServer
	site     *site
	tally    *Tally
	owners   []*owner // in random order
	used     int      // of these, by a theft or a logout
	thefts   []*theft

	ctx context.Context // of the load
	all sync.WaitGroup  // the load
}

// newRig starts stores and replicas, and opens the sessions.
func newRig(t testing.TB, plan Plan) *rig {
	t.Helper()
	r := &rig{t: t, plan: plan, tally: &Tally{}}
	r.postgres = servers.StartPostgres(t, servers.PostgresConfig{Durable: true})
	r.database = r.postgres.Database()
	r.redis = startPair(t)
	config := servers.Config{DatabaseURL: r.database, RedisURL: r.redis.url(), Env: plan.settings()}
	var urls []string
	for range 2 {
		s := servers.Signet(t, config)
		r.replicas, urls = append(r.replicas, s), append(urls, s.URL)
	}
	r.site = newSite(urls)
	r.signIn()
	return r
}

// settings are the defaults, but for the window and what makes the start quick.
func (p Plan) settings() map[string]string {
	return map[string]string{
		"SIGNET_ISSUER":               "http://localhost:8080", // of both
		"SIGNET_SEAL_KEY":             servers.SealKey(),
		"SIGNET_REFRESH_RETRY_WINDOW": p.Window.String(),
		"SIGNET_BCRYPT_COST":          "10",
		"SIGNET_HASH_DEADLINE":        "30s",
		"SIGNET_LOG_LEVEL":            "warn",
		"SIGNET_LOGIN_RATE":           "100000/m",
		"SIGNET_LOGIN_RATE_ACCOUNT":   "100000/m",
	}
}

// signIn opens all sessions, some of each person.
func (r *rig) signIn() {
	r.t.Helper()
	for n := 0; n*sessionsEach < r.plan.Clients; n++ {
		r.must("/register", credentials(n))
	}
	var all errgroup.Group
	all.SetLimit(loginsAtOnce)
	r.owners = make([]*owner, r.plan.Clients)
	for n := range r.owners {
		all.Go(func() error {
			a := r.site.post(r.t.Context(), "/login", credentials(n/sessionsEach))
			if a.verdict != given || a.Refresh == "" {
				return fmt.Errorf("login: %s", a)
			}
			r.owners[n] = newOwner(fmt.Sprintf("owner %d", n), a.Refresh, &r.plan, r.site, r.tally)
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		r.t.Fatal(err)
	}
	rand.Shuffle(len(r.owners), func(i, j int) { r.owners[i], r.owners[j] = r.owners[j], r.owners[i] })
}

func credentials(n int) map[string]string {
	return map[string]string{"email": fmt.Sprintf("person%d@example.com", n), "password": password}
}

func (r *rig) must(path string, body any) {
	r.t.Helper()
	if a := r.site.post(r.t.Context(), path, body); a.verdict != given {
		r.t.Fatalf("%s: %s", path, a)
	}
}

// load runs the owners until the function that it returns is called.
func (r *rig) load() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.ctx = ctx
	for _, o := range r.owners {
		r.all.Go(func() { o.run(ctx) })
	}
	return func() { cancel(); r.all.Wait() }
}

// next is an owner of whom nothing special was asked yet.
func (r *rig) next() *owner {
	r.used++
	return r.owners[r.used-1]
}

// steal sets the thief on somebody.
func (r *rig) steal() {
	t := steal(r.next())
	r.thefts = append(r.thefts, t)
	r.all.Go(func() { t.run(r.ctx) })
}

// leave has some log out, at once. What they had is presented from then on.
func (r *rig) leave(some int) {
	for range some {
		o := r.next()
		r.all.Go(func() {
			if o.leave(r.ctx) {
				r.tally.add(&r.tally.counts.Left)
				o.haunt(r.ctx)
			}
		})
	}
}

// count asks the database for two columns: a name, and how many there are of it.
func (r *rig) count(query string) map[string]int {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(r.t.Context())) }()
	rows, err := conn.Query(r.t.Context(), query)
	if err != nil {
		r.t.Fatal(err)
	}
	counts, name, n := map[string]int{}, "", 0
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error { counts[name] = n; return nil })
	if err != nil {
		r.t.Fatal(err)
	}
	return counts
}

// ends are the sessions by why they ended; those that live under "".
func (r *rig) ends() map[string]int {
	r.t.Helper()
	return r.count(`SELECT coalesce(reason, ''), count(*) FROM sessions GROUP BY 1`)
}

// adopted is how many sessions were ahead of what Redis knew.
func (r *rig) adopted() int {
	r.t.Helper()
	return r.count(`SELECT kind, count(*) FROM audit GROUP BY 1`)["session.adopted"]
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

// list writes counts in the order of their names.
func list(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

package scale

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/store/redis"
	store "github.com/signet-oidc/signet/issuer/store/sql"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
	"github.com/signet-oidc/signet/keys/secret"
)

var long = flag.Bool("long", false, "take a million sessions, a million refreshes and ten million indices")

// size of a run.
type size struct {
	sessions  int   // in Redis
	refreshes int   // of the soak
	indices   int64 // of the status lists
	rows      int64 // of the database
}

var (
	small = size{20_000, 24_000, 1_000_000, 200_000}
	whole = size{1_000_000, 1_000_000, 10_000_000, 10_000_000}
)

const (
	mostBytes   = 640  // that Redis may take for a session, its index of keys included
	mostGrowth  = 32   // of it over a thousand refreshes: digits of the generation
	mostRSS     = 1.15 // that the server's memory may grow by over a soak's last three quarters
	mostListKiB = 16   // of a signed list at 5 % ended: it is fetched by every resource server
	looks       = 40
)

func sized(t *testing.T) size {
	t.Helper()
	switch {
	case *long:
		return whole
	case testing.Short():
		t.Skip("it takes some seconds of all cores")
	}
	return small
}

// TestRedis is what sessions take in Redis, and then the soak on that Redis.
func TestRedis(t *testing.T) {
	n := sized(t)
	server := servers.Redis(t, "--maxmemory-policy", "noeviction")
	g, err := redis.Open(t.Context(), redis.Config{URL: secret.New("unix://" + server.Socket)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()

	before := usedMemory(t, server)
	start := time.Now()
	one, err := begin(t.Context(), g, n.sessions)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	each := float64(usedMemory(t, server)-before) / float64(n.sessions+1)
	key := fmt.Sprintf("signet:{%.2s}:%s", one.Session, one.Session)
	first := number(t, server.CLI("MEMORY", "USAGE", key))
	if err := rotate(t.Context(), g, one, 1000); err != nil {
		t.Fatal(err)
	}
	last := number(t, server.CLI("MEMORY", "USAGE", key))
	fmt.Printf("%d live sessions in Redis, begun in %s: %.0f bytes each; one key %d bytes, and %d after a thousand refreshes\n",
		n.sessions, took.Round(time.Millisecond), each, first, last)
	if each > mostBytes || last > first+mostGrowth {
		t.Errorf("%.0f bytes a session, want %d at most; %d after a thousand refreshes, want %d at most", each, mostBytes, last, first+mostGrowth)
	}
	soak(t, server, n)
}

func usedMemory(t *testing.T, server *servers.RedisServer) int64 {
	t.Helper()
	n, err := field(server.CLI("INFO", "memory"), "used_memory")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// soak refreshes and holds the server's memory flat.
func soak(t *testing.T, server *servers.RedisServer, n size) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a process's memory is read from Linux's /proc")
	}
	signet := plainSignet(t, servers.Config{
		DatabaseURL: servers.Postgres(t), RedisURL: server.URL,
		Env: map[string]string{
			"SIGNET_BCRYPT_COST": "10", "SIGNET_HASH_DEADLINE": "20s", "SIGNET_LOG_LEVEL": "warn",
			"SIGNET_LOGIN_RATE": "10000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "10000/m",
		},
	})
	s := newSite(signet.URL)
	tokens, err := s.open(t.Context(), 16)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards rss
	var rss []int64
	start := time.Now()
	err = s.soak(t.Context(), tokens, n.refreshes, looks, func() error {
		mu.Lock()
		defer mu.Unlock()
		now, err := resident(signet.Pid())
		rss = append(rss, now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	early, late := slices.Max(rss[looks/8:looks/4]), slices.Max(rss[len(rss)-looks/4:])
	fmt.Printf("soak of %d refreshes in %s: the server's memory (RSS) %.1f MiB after a quarter, %.1f at the end\n",
		n.refreshes, time.Since(start).Round(time.Second), mib(early), mib(late))
	if float64(late) > float64(early)*mostRSS {
		t.Errorf("the server's memory grew from %d to %d bytes", early, late)
	}
}

// plainSignet runs the binary as it is shipped: under the race detector memory
// says nothing.
func plainSignet(t *testing.T, c servers.Config) *servers.SignetServer {
	t.Helper()
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "signet")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/signet")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	t.Setenv(servers.BinaryEnv, binary)
	return servers.Signet(t, c)
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// TestLists is what the status lists of many sessions cost.
func TestLists(t *testing.T) {
	n := sized(t)
	ring := keystest.Open(t, keys.Config{Policy: keys.Policy{Algs: []keys.Algorithm{keys.ES256}}}).Ring()
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d SESSIONS, ENDED\tlists\tKiB a list\tMiB in all\tms to sign one\ts to sign all\tMiB of memory\t\n", n.indices)
	for _, ended := range []float64{0.001, 0.01, 0.05} {
		m, err := measureLists(n.indices, ended, ring)
		if err != nil {
			t.Fatal(err)
		}
		each := float64(m.bytes) / 1024 / float64(m.lists)
		fmt.Fprintf(out, "%.1f %%\t%d\t%.1f\t%.2f\t%.2f\t%.2f\t%.1f\t\n", ended*100, m.lists, each, mib(int64(m.bytes)),
			m.sign.Seconds()*1000/float64(m.lists), m.sign.Seconds(), mib(m.memory))
		if each > mostListKiB {
			t.Errorf("%.1f %% ended: %.1f KiB a list, want %d at most", ended*100, each, mostListKiB)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestStart is how long a server reads before it serves.
func TestStart(t *testing.T) {
	n := sized(t)
	path := filepath.Join(t.TempDir(), "signet.db")
	if err := fill(t.Context(), path, n.rows); err != nil {
		t.Fatal(err)
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d ROWS IN SQLITE, ENDED\tlists\tbits set\tms to read them\tms from start to service\t\n", n.rows)
	for _, oneIn := range []int{1000, 100, 20} {
		if err := end(t.Context(), path, oneIn); err != nil {
			t.Fatal(err)
		}
		lists, set, took := read(t, path)
		if want := (n.rows + int64(oneIn) - 1) / int64(oneIn); int64(set) != want {
			t.Errorf("%d bits were read, want %d", set, want)
		}
		fmt.Fprintf(out, "%.1f %%\t%d\t%d\t%d\t%d\t\n", 100/float64(oneIn), lists, set, took.Milliseconds(), service(t, path).Milliseconds())
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) (lists, set int, took time.Duration) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	lists, set, took, err = readBits(t.Context(), db.Backend().Indices)
	if err != nil {
		t.Fatal(err)
	}
	return lists, set, took
}

// service is how long a server takes from its start until it answers.
func service(t *testing.T, path string) time.Duration {
	t.Helper()
	binary := servers.Binary(t) // not part of the time
	t.Setenv(servers.BinaryEnv, binary)
	start := time.Now()
	s := servers.Signet(t, servers.Config{DatabaseURL: "sqlite:" + path, Env: map[string]string{"SIGNET_LOG_LEVEL": "warn", "SIGNET_SEAL_KEY": sealKey()}})
	took := time.Since(start)
	s.Stop()
	return took
}

// sealKey is one for the whole run: a server opens the ring of the one before.
var sealKey = sync.OnceValue(servers.SealKey)

//go:build linux

// The clock of one thread is Linux's.

package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
	"unsafe"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/signet-oidc/signet/integration/behaviours"
	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// BenchmarkPeers is the full check of one RFC 9068 token with 14 claims by each
// library with its keys in memory, in CPU time beside the bare check of the signature
// by the standard library on a ready digest: the floor. It prints a table.
//
// All take turns in one run, in slices of 20 calls on one thread, each with a slice
// of the floor next to it. "best" is the least slice over the floor's least, which
// has the least noise in it; "median" is of neighbours, in which the collector
// shows as far as it works on this thread. What a library does on other threads is
// in neither: "elsewhere" is its share, with the collector off.
//
// The libraries don't do the same: Signet's verifier looks the session up in the
// status list too, zitadel asks for no audience, go-jwt-middleware is its validator
// without the middleware.
func BenchmarkPeers(b *testing.B) {
	for _, alg := range behaviours.Algorithms {
		b.Run(alg, func(b *testing.B) {
			for b.Loop() {
				c := newContest(b, alg)
				c.measure(500, 20*time.Second)
				c.print(os.Stdout)
			}
		})
	}
}

// contest is one token, the floor, and the libraries that check it.
type contest struct {
	alg    string
	rounds int
	bare   func()
	least  float64 // ns of the floor
	peers  []*peer
}

type peer struct {
	name    string
	check   func()
	least   float64   // ns
	ratios  []float64 // each slice over its neighbour of the floor
	allocs  int64     // a check, above the floor, as bytes
	bytes   int64
	outside float64 // share of the CPU time on other threads
}

func newContest(b *testing.B, alg string) *contest {
	iss, set := newIssuer(b)
	kid := iss.Rotate(alg)
	raw := iss.Token(func(c verifiertest.Claims) {
		c["aud"], c["auth_time"], c["acr"] = []string{behaviours.Audience}, c["iat"], "1"
	})
	c := &contest{alg: alg, least: math.Inf(1), bare: bareCheck(b, set, kid, raw)}
	libraries := all()
	for n, l := range libraries {
		if open := inMemory[l.Name]; open != nil {
			libraries[n].Open = open
		}
	}
	for _, l := range libraries {
		verify, err := l.Open(b.Context(), behaviours.Setup{Issuer: iss.URL, JWKS: set})
		if err != nil {
			b.Fatalf("%s: %v", l.Name, err)
		}
		c.peers = append(c.peers, &peer{name: l.Name, least: math.Inf(1), check: checked(b, l.Name, verify, raw)})
	}
	return c
}

// newIssuer is an issuer on loopback with the address of its keys. Its discovery
// names algorithms, for go-oidc takes them from there.
func newIssuer(b *testing.B) (*verifiertest.Issuer, string) {
	iss := verifiertest.New(b)
	mux := http.NewServeMux()
	mux.Handle("/", iss)
	mux.HandleFunc(verifiertest.DiscoveryPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{ // a client that left asks again
			"issuer": iss.URL, "jwks_uri": iss.URL + verifiertest.JWKSPath, "id_token_signing_alg_values_supported": behaviours.Algorithms,
			verifier.StatusListEndpoint: iss.URL + "/oauth/status",
		})
	})
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)
	iss.URL = server.URL
	return iss, iss.URL + verifiertest.JWKSPath
}

// inMemory opens, of the libraries that the scoreboard opens otherwise, what checks a
// token and nothing else.
var inMemory = map[string]func(context.Context, behaviours.Setup) (behaviours.Verify, error){
	behaviours.Signet().Name: func(ctx context.Context, s behaviours.Setup) (behaviours.Verify, error) {
		v, err := verifier.New(ctx, verifier.Config{Issuer: s.Issuer, Audience: behaviours.Audience, CacheSize: -1})
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, v.Close)
		return func(ctx context.Context, raw string) error {
			_, err := v.Verify(ctx, raw)
			return err
		}, nil
	},
	auth0().Name: func(_ context.Context, s behaviours.Setup) (behaviours.Verify, error) {
		v, err := newAuth0Validator(s)
		return func(ctx context.Context, raw string) error {
			_, err := v.ValidateToken(ctx, raw)
			return err
		}, err
	},
	jwx().Name: func(ctx context.Context, s behaviours.Setup) (behaviours.Verify, error) {
		set, err := jwk.Fetch(ctx, s.JWKS)
		return func(_ context.Context, raw string) error {
			_, err := jwt.Parse([]byte(raw), jwt.WithKeySet(set), jwt.WithIssuer(s.Issuer), jwt.WithAudience(behaviours.Audience), jwt.WithRequiredClaim(jwt.ExpirationKey))
			return err
		}, err
	},
}

// checked is verify of raw, once it has shown that it checks signatures. With that
// its keys are in memory.
func checked(b *testing.B, name string, verify behaviours.Verify, raw string) func() {
	ctx := context.Background()
	check := func() {
		if err := verify(ctx, raw); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
	}
	at := strings.LastIndexByte(raw, '.') + 10
	other := "A"
	if raw[at] == 'A' {
		other = "B"
	}
	if verify(ctx, raw[:at]+other+raw[at+1:]) == nil {
		b.Fatalf("%s takes a token with another signature", name)
	}
	check()
	return check
}

// bareCheck is the floor.
func bareCheck(b *testing.B, set, kid, raw string) func() {
	keys, err := fetchSet(b.Context(), set)
	if err != nil || len(keys.Key(kid)) != 1 {
		b.Fatalf("key %q: %v", kid, err)
	}
	dot := strings.LastIndexByte(raw, '.')
	digest := sha256.Sum256([]byte(raw[:dot]))
	sig, err := base64.RawURLEncoding.DecodeString(raw[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	good := func() bool { return false }
	switch k := keys.Key(kid)[0].Key.(type) {
	case *rsa.PublicKey:
		good = func() bool { return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], sig) == nil }
	case *ecdsa.PublicKey:
		der := derOf(sig)
		good = func() bool { return ecdsa.VerifyASN1(k, digest[:], der) }
	}
	return func() {
		if !good() {
			b.Fatal("floor: bad signature")
		}
	}
}

// derOf puts r and s into the form that ecdsa.VerifyASN1 takes.
func derOf(sig []byte) []byte {
	der, _ := asn1.Marshal(struct{ R, S *big.Int }{ // integers always encode
		new(big.Int).SetBytes(sig[:len(sig)/2]), new(big.Int).SetBytes(sig[len(sig)/2:]),
	})
	return der
}

// measure runs that many rounds, or as many as begin within limit.
func (c *contest) measure(rounds int, limit time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	bare := costOf(c.bare)
	for _, p := range c.peers {
		its := costOf(p.check)
		p.allocs, p.bytes, p.outside = its.allocs-bare.allocs, its.bytes-bare.bytes, its.outside
	}
	for start := time.Now(); c.rounds < rounds && time.Since(start) < limit; c.rounds++ {
		for _, p := range c.peers {
			its, bare := slice(p.check), slice(c.bare)
			p.least, c.least = min(p.least, its), min(c.least, bare)
			p.ratios = append(p.ratios, its/bare)
		}
	}
}

// slice is what 20 calls of f cost on this thread, in ns each.
func slice(f func()) float64 {
	start := cpuTime(threadCPU)
	for range 20 {
		f()
	}
	return float64(cpuTime(threadCPU)-start) / 20
}

type cost struct {
	allocs, bytes int64
	outside       float64
}

// costOf is what f allocates and does elsewhere, the least of several runs: other
// goroutines work too. The collector is off meanwhile, for it would empty pools.
func costOf(f func()) cost {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	least := cost{math.MaxInt64, math.MaxInt64, 1}
	for range 5 {
		const n = 100
		var before, after runtime.MemStats
		f()
		runtime.ReadMemStats(&before)
		thread, process := cpuTime(threadCPU), cpuTime(processCPU)
		for range n {
			f()
		}
		thread, process = cpuTime(threadCPU)-thread, cpuTime(processCPU)-process
		runtime.ReadMemStats(&after)
		least.allocs = min(least.allocs, int64(after.Mallocs-before.Mallocs)/n)
		least.bytes = min(least.bytes, int64(after.TotalAlloc-before.TotalAlloc)/n)
		least.outside = min(least.outside, max(0, 1-float64(thread)/float64(process)))
	}
	return least
}

// Clocks of clock_gettime(2).
const (
	processCPU = 2 // CLOCK_PROCESS_CPUTIME_ID
	threadCPU  = 3 // CLOCK_THREAD_CPUTIME_ID: what else runs on the machine isn't in it
)

func cpuTime(clock uintptr) time.Duration {
	var at syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&at)), 0); errno != 0 {
		panic(errno)
	}
	return time.Duration(at.Nano())
}

func (c *contest) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: the floor is %.1f µs of CPU time; %d slices of 20 each\n", c.alg, c.least/1e3, c.rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "library\tµs\tx floor, best\tx floor, median\tallocs above it\tbytes above it\telsewhere\t")
	for _, p := range c.peers {
		slices.Sort(p.ratios)
		fmt.Fprintf(t, "%s\t%.1f\t%.2f\t%.2f\t%d\t%d\t%.0f %%\t\n",
			p.name, p.least/1e3, p.least/c.least, p.ratios[len(p.ratios)/2], p.allocs, p.bytes, 100*p.outside)
	}
	_ = t.Flush() // to a terminal, as Fprint
}

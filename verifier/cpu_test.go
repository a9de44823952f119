package verifier_test

import (
	"context"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// slice is what n calls of f cost on this thread, each.
func slice(n int, f func()) float64 {
	start := threadCPU()
	for range n {
		f()
	}
	return float64(threadCPU()-start) / float64(n)
}

// ratio is what a full check costs in CPU time, over the floor, in slices of 20 calls
// that alternate: best over best, which has the least noise in it, and the median of
// neighbours, in which the collector and the rest of the machine show.
type ratio struct{ check, floor, best, median float64 }

func ratioOf(tb testing.TB, x bench, n int) ratio {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	verify, floor := x.calls(tb)
	r := ratio{check: 1e18, floor: 1e18}
	var all []float64
	for range n {
		a, b := slice(20, verify), slice(20, floor)
		r.check, r.floor = min(r.check, a), min(r.floor, b)
		all = append(all, a/b)
	}
	slices.Sort(all)
	r.best, r.median = r.check/r.floor, all[len(all)/2]
	return r
}

func (x bench) calls(tb testing.TB) (verify, floor func()) {
	ctx := context.Background()
	verify = func() {
		if _, err := x.v.Verify(ctx, x.raw); err != nil {
			tb.Fatal(err)
		}
	}
	floor = func() {
		if !x.floor() {
			tb.Fatal("floor: bad signature")
		}
	}
	return verify, floor
}

// hitCost is what a hit costs on each of n threads at once: the median of slices, in
// ns of CPU time. Threads that take each other's cache lines pay for it there.
func hitCost(tb testing.TB, x bench, n int) float64 {
	hit, _ := x.calls(tb)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var all []float64
	for range n {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var own []float64
			for range 100 {
				own = append(own, slice(10_000, hit))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
		})
	}
	wg.Wait()
	slices.Sort(all)
	return all[len(all)/2]
}

// bestHit is the least that a hit costs, in ns.
func bestHit(tb testing.TB, x bench) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	hit, _ := x.calls(tb)
	best := slice(1000, hit)
	for range 1000 {
		best = min(best, slice(1000, hit))
	}
	return best
}

// TestCPU holds CPU time to twice what BenchmarkVerify and BenchmarkVerifyCached
// state, the best of three: 10 % over the floor for RS256 and 4 % for ES256, 100 ns
// a hit (as a share of the bare ES256 check, 60 µs or more), 1.8 on two cores.
func TestCPU(t *testing.T) {
	if raced {
		out, err := exec.CommandContext(t.Context(), "go", "test", "-run=^TestCPU$", "-count=1", "-v", ".").CombinedOutput()
		if t.Logf("without the race detector:\n%s", out); err != nil {
			t.Error(err)
		}
		return
	}
	var bareES256 float64
	for _, c := range []struct {
		alg  string
		most float64
	}{{"RS256", 1.20}, {"ES256", 1.08}} {
		x := newBench(t, c.alg, -1)
		gate(t, c.alg, func() bool {
			r := ratioOf(t, x, 200)
			bareES256 = r.floor
			t.Logf("%s: %.1f µs over %.1f µs = %.3f (median %.3f), at most %.2f", c.alg, r.check/1e3, r.floor/1e3, r.best, r.median, c.most)
			return r.best <= c.most
		})
	}
	x := newBench(t, "ES256", 0)
	gate(t, "hit", func() bool {
		hit := bestHit(t, x)
		t.Logf("hit: %.1f ns, 1/%.0f of the bare check, at most 1/300", hit, bareES256/hit)
		return hit <= bareES256/300
	})
	if runtime.GOMAXPROCS(0) > 1 {
		gate(t, "scaling", func() bool {
			scale := 2 * hitCost(t, x, 1) / hitCost(t, x, 2)
			t.Logf("hits on two cores: %.2f times those on one, at least 1.6", scale)
			return scale >= 1.6
		})
	}
}

func gate(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 3 {
		if holds() {
			return
		}
	}
	t.Errorf("%s: over the gate three times", what)
}

// BenchmarkVerify is the full check of an RFC 9068 token with 14 claims, in CPU time
// beside the floor: x-floor and x-floor-median as of ratio.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256"} {
		b.Run(alg, func(b *testing.B) {
			x := newBench(b, alg, -1)
			var r ratio
			for b.Loop() {
				r = ratioOf(b, x, 1000)
			}
			b.ReportMetric(r.check, "ns/check")
			b.ReportMetric(r.floor, "ns/floor")
			b.ReportMetric(r.best, "x-floor")
			b.ReportMetric(r.median, "x-floor-median")
		})
	}
}

// BenchmarkVerifyCached is a hit of the cache in CPU time, of which time.Now is the
// largest part, and what a second core adds.
func BenchmarkVerifyCached(b *testing.B) {
	x := newBench(b, "ES256", 0)
	var hit, clock, scale float64
	for b.Loop() {
		hit, clock = bestHit(b, x), bestClock()
		scale = 2 * hitCost(b, x, 1) / hitCost(b, x, 2)
	}
	b.ReportMetric(hit, "ns/hit")
	b.ReportMetric(clock, "ns/clock")
	b.ReportMetric(scale, "x-on-two-cores")
}

func bestClock() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := 1e18
	for range 1000 {
		best = min(best, slice(1000, func() { now = time.Now() }))
	}
	return best
}

var now time.Time // so that the call isn't compiled away

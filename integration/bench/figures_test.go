package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

var full = flag.Bool("full", false, "measure for minutes, for the stated figures")

// slack is what the short run allows over the stated ratio.
const slack = 2

// lengths of a slice and of the warm-up before it, and how many slices there are of
// each, interleaved, of which the best counts: in much less than two seconds, the
// kernel's ticks and a garbage collection show; in few, what else the machine does.
var (
	stated = lengths{1800 * time.Millisecond, 300 * time.Millisecond, 5}
	quick  = lengths{300 * time.Millisecond, 50 * time.Millisecond, 3}
)

type lengths struct {
	slice, warm time.Duration
	rounds      int
}

// contest is a floor and what is measured beside it, slice by slice in turn.
type contest struct {
	floor *target
	rows  []row
}

type row struct {
	*target
	most    float64 // times the floor, or the row that it is held against; 0: only printed
	against *target // nil: the floor
	alone   bool    // the server's CPU alone counts, on both sides
}

// times is what a row costs in terms of what it is held against.
func (r row) times(own, other cost) float64 {
	if r.alone {
		return own.server / other.server
	}
	return own.sum() / other.sum()
}

// cost is the CPU of server and store for one request.
type cost struct{ server, store float64 } // µs

func (c cost) sum() float64 { return c.server + c.store }

// TestFigures measures, prints and holds the ratios of the issues.
func TestFigures(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("CPU time is read from Linux's /proc")
	}
	l := quick
	if *full {
		l = stated
	}
	contests := arrange(t)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "CPU a request, best of %d\tconnections\tserver µs\tstore µs\ttimes\tat most\t\n", l.rounds)
	for _, conns := range []int{8, 64} {
		for _, c := range contests {
			c.run(t, out, conns, l)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}

// run measures the floor and each row in turn, as often as the lengths say.
func (c contest) run(t *testing.T, out io.Writer, conns int, l lengths) {
	t.Helper()
	floor, best := worst(), make([]cost, len(c.rows))
	for i := range best {
		best[i] = worst()
	}
	for range l.rounds {
		floor = better(floor, c.floor.measure(t, conns, l))
		for i, r := range c.rows {
			best[i] = better(best[i], r.measure(t, conns, l))
		}
	}
	print(out, c.floor.name, conns, floor, 1, 0)
	measured := map[*target]cost{nil: floor}
	for i, r := range c.rows {
		measured[r.target] = best[i]
		ratio := r.times(best[i], measured[r.against])
		print(out, r.name, conns, best[i], ratio, r.most)
		if r.most > 0 && ratio > slack*r.most {
			t.Errorf("%s, %d connections: %.2f times what it is held against, more than %d times the stated %.1f", r.name, conns, ratio, slack, r.most)
		}
	}
}

func worst() cost { return cost{server: math.Inf(1)} }

func better(a, b cost) cost {
	if b.sum() < a.sum() {
		return b
	}
	return a
}

func print(out io.Writer, name string, conns int, c cost, ratio, most float64) {
	limit := ""
	if most > 0 {
		limit = fmt.Sprintf("%.1f", most)
	}
	name = strings.ReplaceAll(name, "\t", " ")
	fmt.Fprintf(out, "%s\t%d\t%.1f\t%.1f\t%.2f\t%s\t\n", name, conns, c.server, c.store, ratio, limit)
}

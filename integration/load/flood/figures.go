package flood

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// Times are how long things took.
type Times []time.Duration

// Of returns a quantile, between 0 and 1, by the nearest rank; 0 of none.
func (t Times) Of(q float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// Phase is some seconds of a run, quiet or not.
type Phase struct {
	Refreshes Times
	Errors    int // refreshes that weren't answered with tokens
	Sample    string

	Served, Refused Times // logins whose password was looked at; and those that were sent away
	Untold          int   // refused without Retry-After
	Strange         int   // logins that were neither
}

// Round is a quiet phase and then the flood.
type Round struct{ Quiet, Flood Phase }

// least is the least that a phase of all rounds had: the others were disturbed by
// something else.
func least(rounds []Round, of func(Round) time.Duration) time.Duration {
	var all Times
	for _, r := range rounds {
		all = append(all, of(r))
	}
	return all.Of(0)
}

// Ratio is how many times its quiet value the p99 of a refresh has, best against best.
func Ratio(rounds []Round) float64 {
	quiet := least(rounds, func(r Round) time.Duration { return r.Quiet.Refreshes.Of(0.99) })
	flood := least(rounds, func(r Round) time.Duration { return r.Flood.Refreshes.Of(0.99) })
	return float64(flood) / float64(max(quiet, 1))
}

// print writes a line for each round.
func print(w io.Writer, name string, rounds []Round) error {
	fmt.Fprintf(w, "%s\n", name)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "REFRESHES\tp50 ms\tp99 ms\tmax ms\tIN THE FLOOD\tp50 ms\tp99 ms\tmax ms\tERRORS\tp99, TIMES\tLOGINS SERVED\tREFUSED\tp99 ms\tmax ms\tNO RETRY-AFTER\t")
	for _, r := range rounds {
		f := r.Flood
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%d\t%.1f\t%d\t%d\t%s\t%s\t%d\t\n",
			len(r.Quiet.Refreshes), ms(r.Quiet.Refreshes, .5), ms(r.Quiet.Refreshes, .99), ms(r.Quiet.Refreshes, 1),
			len(f.Refreshes), ms(f.Refreshes, .5), ms(f.Refreshes, .99), ms(f.Refreshes, 1), r.Quiet.Errors+f.Errors, Ratio([]Round{r}),
			len(f.Served), len(f.Refused), ms(f.Refused, .99), ms(f.Refused, 1), f.Untold)
	}
	fmt.Fprintf(tw, "\t\t\t\t\t\t\t\tBEST OF EACH\t%.1f\t\t\t\t\t\t\n", Ratio(rounds))
	return tw.Flush()
}

func ms(t Times, q float64) string {
	return fmt.Sprintf("%.1f", float64(t.Of(q))/float64(time.Millisecond))
}

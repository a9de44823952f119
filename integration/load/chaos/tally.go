package chaos

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// mostSamples is how many faults of a kind are kept to be shown.
const mostSamples = 5

// Counts are of a whole run.
type Counts struct {
	Given, Lost, Away int // answers to owners; lost ones are among those given
	Tabs, Slept       int
	LoggedOut         int // owners, by anything but theft
	Left, Revived     int // sessions ended by logout; those that live again
	Faults            int // answers that no client should ever see
}

// Tally counts, for all at once.
type Tally struct {
	mu      sync.Mutex // guards what follows
	counts  Counts
	samples []string
}

func (t *Tally) add(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

func (t *Tally) bad(n *int, what, sample string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if *n++; *n <= mostSamples {
		t.samples = append(t.samples, what+": "+sample)
	}
}

func (t *Tally) loggedOut(sample string) { t.bad(&t.counts.LoggedOut, "logged out", sample) }
func (t *Tally) revived(sample string)   { t.bad(&t.counts.Revived, "lives again", sample) }
func (t *Tally) fault(sample string)     { t.bad(&t.counts.Faults, "fault", sample) }

// answered counts an answer to an owner.
func (t *Tally) answered(name string, a answer, lost bool) {
	switch a.verdict {
	case given:
		t.add(&t.counts.Given)
	case away:
		t.add(&t.counts.Away)
	case broken:
		t.fault(name + ": " + a.String())
	}
	if lost {
		t.add(&t.counts.Lost)
	}
}

// Of returns the counts so far.
func (t *Tally) Of() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// Samples are the first faults.
func (t *Tally) Samples() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.samples, "\n")
}

// thieves sums up thefts that are over.
type thieves struct {
	stolen, in, undecided int   // undecided: not found, and the owner had no ten refreshes yet
	after                 []int // refreshes that the owner had until the family ended, sorted
}

func judge(thefts []*theft) thieves {
	sum := thieves{stolen: len(thefts)}
	for _, t := range thefts {
		switch {
		case t.stillIn():
			sum.in++
		case !t.found:
			sum.undecided++
		default:
			sum.after = append(sum.after, t.seen())
		}
	}
	slices.Sort(sum.after)
	return sum
}

// median is that of the thieves that were found; -1 of none.
func (s thieves) median() int {
	if len(s.after) == 0 {
		return -1
	}
	return s.after[(len(s.after)-1)/2]
}

// print writes the table.
func print(w io.Writer, p Plan, s story, c Counts, th thieves) error {
	fmt.Fprintf(w, "%d clients for %s: %d answers, %d of them lost, %d refreshes by two tabs, %d retries after a sleep past %s, %d times nobody there\n",
		p.Clients, p.For, c.Given, c.Lost, c.Tabs, c.Slept, p.Window, c.Away)
	fmt.Fprintf(w, "%s\n", s)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "owners logged out by anything but theft\t%d\tof %d\n", c.LoggedOut, p.Clients)
	fmt.Fprintf(tw, "sessions ended by logout that live again\t%d\tof %d\n", c.Revived, c.Left)
	last := -1
	if len(th.after) > 0 {
		last = th.after[len(th.after)-1]
	}
	fmt.Fprintf(tw, "thieves still in after the owner's next ten refreshes\t%d\tof %d (found after %d, the median; %d at most; %d undecided)\n",
		th.in, th.stolen, th.median(), last, th.undecided)
	fmt.Fprintf(tw, "answers that no client should see\t%d\t\n", c.Faults)
	return tw.Flush()
}

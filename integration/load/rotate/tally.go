package rotate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// maxSamples is how many failures of a kind are kept to be shown.
const maxSamples = 5

// Count is what one kind of client or verifier met.
type Count struct {
	Done    int             // answered, or accepted
	Retried int             // had no answer at first, and one at the retry or not
	Failed  int             // no answer at the retry either
	Refused int             // refused by whatever right; of a revoked key not counted
	Revoked int             // refused because its key was revoked
	Late    int             // accepted although every verifier should know of the revocation
	Keys    map[string]bool // kids of what was accepted
}

// Tally counts, for all at once.
type Tally struct {
	mu      sync.Mutex // guards what follows
	names   []string   // in the order of the table
	counts  map[string]*Count
	revoked map[string]time.Time // by kid: when a verifier may last trust it
	samples map[string][]string
}

// NewTally returns one with a row for each name.
func NewTally(names ...string) *Tally {
	t := &Tally{names: names, counts: map[string]*Count{}, revoked: map[string]time.Time{}, samples: map[string][]string{}}
	for _, name := range names {
		t.counts[name] = &Count{Keys: map[string]bool{}}
	}
	return t
}

// Revoke says that from now on a refusal of the key's tokens is right. It is
// called before the revocation, and again when its answer tells until when the
// key may be trusted.
func (t *Tally) Revoke(kid string, trusted time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.revoked[kid] = trusted
}

// Retried counts a question that had no answer at first.
func (t *Tally) Retried(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[name].Retried++
}

// Failed counts a question that had no answer at the retry either.
func (t *Tally) Failed(name string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[name].Failed++
	t.sample(name, "failed", err)
}

// Done counts a good answer, asked for at a moment.
func (t *Tally) Done(name, kid string, asked time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts[name]
	c.Done++
	c.Keys[kid] = true
	if trusted, ok := t.revoked[kid]; ok && asked.After(trusted) {
		c.Late++
	}
}

// Refused counts a token that wasn't accepted.
func (t *Tally) Refused(name, kid string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.revoked[kid]; ok {
		t.counts[name].Revoked++
		return
	}
	t.counts[name].Refused++
	t.sample(name, "refused a token of "+kid, err)
}

func (t *Tally) sample(name, what string, err error) {
	if len(t.samples[name]) < maxSamples {
		t.samples[name] = append(t.samples[name], fmt.Sprintf("%s %s %s: %.300v", time.Now().Format("15:04:05.000"), name, what, err))
	}
}

// Of returns a copy of one row.
func (t *Tally) Of(name string) Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := *t.counts[name]
	c.Keys = maps.Clone(c.Keys)
	return c
}

// Samples are the first failures and refusals of each row.
func (t *Tally) Samples() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []string
	for _, name := range t.names {
		all = append(all, t.samples[name]...)
	}
	return strings.Join(all, "\n")
}

// Print writes the table.
func (t *Tally) Print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "WHO\tGOOD ANSWERS\tKEYS\tRETRIED ONCE\tFAILED\tREFUSED\tREFUSED, KEY REVOKED\tTRUSTED TOO LATE")
	for _, name := range slices.Clone(t.names) {
		c := t.Of(name)
		_, _ = fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", name, c.Done, len(c.Keys), c.Retried, c.Failed, c.Refused, c.Revoked, c.Late)
	}
	return tw.Flush()
}

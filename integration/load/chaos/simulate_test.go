package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/signet-oidc/signet/issuer/session"
)

// family is a session and those who hold its tokens, simulated on the rule alone.
type family struct {
	state       session.State
	window      time.Duration
	random      *rand.Rand
	pace, thief Span
	lost        float64
}

var epoch = time.Unix(1_800_000_000, 0)

func (f *family) present(generation uint32, at time.Time) bool {
	res := session.Decide(f.state, session.Rotation{Generation: generation, Idle: 1 << 60, Window: f.window, Now: at})
	f.state = res.State
	return res.Outcome.Gives()
}

func (f *family) draw(s Span) time.Duration {
	return s.Least + time.Duration(f.random.Int64N(int64(s.Most-s.Least)+1))
}

// afterLoss is when the owner tries again.
func (f *family) afterLoss() time.Duration {
	if f.random.Float64() < 0.4 {
		return f.draw(Span{300 * time.Millisecond, 2 * time.Second})
	}
	return f.draw(f.pace)
}

// refreshes is how many the owner has had when the family ends, from a theft at a
// random moment on; most at most.
func (f *family) refreshes(most int) (n int) {
	f.state = session.State{Generation: 1, Answered: epoch, NotAfter: epoch.Add(1 << 60), Expires: epoch.Add(1 << 60)}
	owner, thief := uint32(1), uint32(1)
	owners := epoch.Add(time.Duration(f.random.Float64() * float64(f.draw(f.pace))))
	thiefs := epoch.Add(time.Duration(f.random.Float64() * float64(f.thief.Most)))
	for n < most {
		if thiefs.Before(owners) {
			if !f.present(thief, thiefs) {
				return n
			}
			thief, thiefs = f.state.Generation, thiefs.Add(f.draw(f.thief))
			continue
		}
		if !f.present(owner, owners) {
			return n
		}
		if f.random.Float64() < f.lost {
			owners = owners.Add(f.afterLoss())
			continue
		}
		owner, owners = f.state.Generation, owners.Add(f.draw(f.pace))
		n++
	}
	return n
}

// TestThievesByPace says how long thieves last by the rule, whatever their pace. Both
// holders of a token get the same successor while nobody has used that; so who refreshes
// as often as the owner may keep in step for a while, and the less time there is between
// two refreshes the longer: within 5 s of the owner each time, it looks like a second
// tab. The run's own thief is quicker than owners are.
func TestThievesByPace(t *testing.T) {
	const thefts = 20_000
	second, minute := time.Second, time.Minute
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "OWNER REFRESHES EVERY\tTHIEF EVERY\tFOUND AFTER, MEDIAN\tMEAN\tSTILL IN AFTER TEN\t")
	for _, c := range []struct {
		owner, thief Span
		most         float64 // of the thieves may be in after ten
	}{
		{whole.Pace, whole.Thief, 0.0002},
		{whole.Pace, Span{second, 3 * second}, 0.0002},
		{whole.Pace, Span{30 * second, 60 * second}, 0.0002},
		{whole.Pace, whole.Pace, 0.12}, // in step
		{Span{13 * minute, 15 * minute}, Span{13 * minute, 15 * minute}, 0.02},
		{Span{13 * minute, 15 * minute}, Span{5 * minute, 8 * minute}, 0.0002},
	} {
		f := family{window: whole.Window, random: rand.New(rand.NewPCG(1, 2)), pace: c.owner, thief: c.thief, lost: whole.Lost}
		var after []int
		sum, in := 0, 0
		for range thefts {
			n := f.refreshes(4 * mostRefreshes)
			after, sum = append(after, n), sum+n
			if n > mostRefreshes {
				in++
			}
		}
		slices.Sort(after)
		share := float64(in) / thefts
		fmt.Fprintf(out, "%s\t%s\t%d\t%.1f\t%.2f %%\t\n", c.owner, c.thief, after[thefts/2], float64(sum)/thefts, 100*share)
		if share > c.most {
			t.Errorf("owner every %s, thief every %s: %.2f %% of the thieves are in after ten refreshes, want %.2f %% at most", c.owner, c.thief, 100*share, 100*c.most)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}

func (s Span) String() string { return fmt.Sprintf("%s–%s", s.Least, s.Most) }

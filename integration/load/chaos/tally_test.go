package chaos

import (
	"testing"
)

// The judgement of thefts must be able to say no.
func TestJudge(t *testing.T) {
	of := func(refreshes int, found, in bool) *theft {
		return &theft{victim: &owner{generation: 1 + refreshes}, found: found, in: in}
	}
	for name, c := range map[string]struct {
		theft                        *theft
		in, undecided, foundAfterTwo bool
	}{
		"found":                           {theft: of(2, true, false), foundAfterTwo: true},
		"got in after ten":                {theft: of(11, true, true), in: true},
		"was refused and then let in":     {theft: of(3, true, true), in: true},
		"never refused, ten went by":      {theft: of(10, false, false), in: true},
		"never refused, only nine so far": {theft: of(9, false, false), undecided: true},
	} {
		got := judge([]*theft{c.theft})
		if (got.in == 1) != c.in || (got.undecided == 1) != c.undecided || (got.median() == 2) != c.foundAfterTwo {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		after []int
		want  int
	}{{nil, -1}, {[]int{3}, 3}, {[]int{1, 2}, 1}, {[]int{0, 2, 9}, 2}} {
		if got := (thieves{after: c.after}).median(); got != c.want {
			t.Errorf("of %v: %d, want %d", c.after, got, c.want)
		}
	}
}

// An owner that is refused is counted, unless that was a thief's doing or its own.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		stolen, left bool
		want         int
	}{
		"for no reason": {want: 1},
		"after a theft": {stolen: true},
		"after logout":  {left: true},
	} {
		o := &owner{stolen: c.stolen, left: c.left, tally: &Tally{}}
		if o.refused(answer{}); o.tally.Of().LoggedOut != c.want {
			t.Errorf("%s: %d counted, want %d", name, o.tally.Of().LoggedOut, c.want)
		}
	}
}

func TestMayRetryLate(t *testing.T) {
	for _, c := range []struct {
		generation, last int
		want             bool
	}{{1, -8, true}, {8, 1, false}, {9, 1, true}} {
		if got := mayRetryLate(c.generation, c.last); got != c.want {
			t.Errorf("generation %d after %d: %v", c.generation, c.last, got)
		}
	}
}

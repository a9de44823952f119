package redis

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// decoded is a state after it was a value.
func decoded(s session.State) (session.State, error) { return decodeState(s.Session, encodeState(s)) }

func TestStateRoundTrip(t *testing.T) {
	full := newState(start)
	full.Generation, full.Key, full.Streak, full.Late = math.MaxUint32, math.MaxUint32, 9, math.MaxUint32
	full.Counted, full.Ended, full.BoundKey, full.Status = true, true, "thumb print", math.MaxInt64
	full.Client, full.Login, full.Person.User = "a\nb", " ", "%20"
	full.Scope, full.Person.Roles = []string{"", "\x00", "ä"}, []string{"100%", "%41"}
	full.Person.Version, full.Person.Disabled = math.MaxInt64, true
	for name, want := range map[string]session.State{
		"zero": {}, "usual": newState(start), "full": full,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decoded(want)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func FuzzStateRoundTrip(f *testing.F) {
	f.Add("webapp", "openid profile", "", uint32(1), int64(41))
	f.Add("a b", "\n", "%", uint32(1<<31), int64(-1))
	f.Fuzz(func(t *testing.T, client, scope, role string, n uint32, i int64) {
		want := newState(start)
		want.Client, want.BoundKey = id.Client(client), role
		want.Scope, want.Person.Roles = strings.Split(scope, ","), []string{role, client}
		want.Generation, want.Status = n, i
		got, err := decoded(want)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestDamagedReplies(t *testing.T) {
	good := "B0 1 2 3 4 0 0 0 5\nc \n\n\nl 1\nu 6\n4 0 "
	if _, err := decodeResult("sid", good); err != nil {
		t.Fatal(err)
	}
	for name, reply := range map[string]string{
		"empty":         "",
		"short":         "B",
		"no outcome":    "Z0",
		"no fields":     "B0x",
		"a word":        strings.Replace(good, "2 3", "2 x", 1),
		"too large":     strings.Replace(good, "B0 1", "B0 4294967296", 1),
		"negative":      strings.Replace(good, "B0 1", "B0 -1", 1),
		"cut escape":    strings.Replace(good, "\nc ", "\n%4 ", 1),
		"broken escape": strings.Replace(good, "\nc ", "\n%zz ", 1),
		"another mark":  strings.Replace(good, "B0", "B2", 1),
		"more words":    strings.Replace(good, " 5\n", " 5 6\n", 1),
		"more lines":    good + "\nmore",
		"cut":           good[:len(good)-len("u 6\n4 0 ")],
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := decodeResult("sid", reply); !errors.Is(err, errState) {
				t.Errorf("%+v, %v; want errState", got, err)
			}
		})
	}
}

func FuzzDecodeResult(f *testing.F) {
	f.Add("B0 1 2 3 4 0 0 0 5\nc \n\n\nl 1\nu 6\n4 0 admin ")
	f.Add("A")
	f.Add("E1")
	f.Fuzz(func(t *testing.T, reply string) {
		r, err := decodeResult("sid", reply)
		if err == nil && r.Outcome > session.Reused {
			t.Errorf("%q gives outcome %d", reply, r.Outcome)
		}
	})
}

func TestPartitions(t *testing.T) {
	all := map[string]bool{}
	for _, tag := range tags() {
		all[tag] = true
	}
	if len(all) != 1025 {
		t.Errorf("%d partitions", len(all))
	}
	odd := []id.Session{"", "a", "}{", "Zz", "wx", "ä0", "w"}
	for _, sid := range odd {
		if got := tagOf(sid); got != oddTag {
			t.Errorf("%q lies in %q", sid, got)
		}
	}
	for range 1000 {
		if sid := id.NewSession(); tagOf(sid) == oddTag || !all[tagOf(sid)] {
			t.Errorf("%q lies in %q", sid, tagOf(sid))
		}
	}
}

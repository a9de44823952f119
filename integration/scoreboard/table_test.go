package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/behaviours"
)

func TestTable(t *testing.T) {
	cell := func(library string, na bool, err error) behaviours.Result {
		return behaviours.Result{Library: library, Behaviour: "b", NA: na, Err: err}
	}
	table := table{
		libraries: []behaviours.Library{{Name: "signet"}, {Name: "other"}},
		rows:      []behaviours.Behaviour{{Point: 1, Name: "one"}, {Point: 3, Name: "two, wider"}},
		results:   []behaviours.Result{cell("signet", false, nil), cell("other", false, errors.New("taken")), cell("signet", false, nil), cell("other", true, nil)},
	}
	want := strings.Join([]string{
		"behaviour                   signet  other",
		"tokens: one                 ok      FAIL",
		"revocation: two, wider      ok      n.a.",
		"holds, of those that apply  2/2     0/1",
	}, "\n") + "\n"
	var got bytes.Buffer
	table.print(&got, false)
	if got.String() != want {
		t.Errorf("print:\n%s\nwant\n%s", &got, want)
	}
	if !table.holds("signet") || table.holds("other") {
		t.Error("holds is wrong")
	}
	table.results[2].Err = errors.New("taken")
	if table.holds("signet") {
		t.Error("a failed row goes unseen")
	}
}

// Each column is set up right: it takes a good token.
func TestLibrariesTakeGoodTokens(t *testing.T) {
	first := behaviours.All()[:1]
	for _, r := range behaviours.Run(t.Context(), all(), first, 4) {
		if r.NA || r.Err != nil {
			t.Errorf("%s: %v", r.Library, r.Err)
		}
	}
}

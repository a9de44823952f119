package grant

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	a = "https://a.example"
	b = "https://b.example"
)

func words(s string) []string { return strings.Fields(s) }

func TestCovers(t *testing.T) {
	given := Consent{}.With(words("openid read"), []string{a}).With(words("openid"), []string{b})
	old := Consent{Allowed: []Allowed{{Scope: words("openid read")}}}
	for name, c := range map[string]struct {
		given           Consent
		scope, audience string
		want            bool
	}{
		"as given":                         {given, "openid read", a, true},
		"less":                             {given, "read", a, true},
		"no scope":                         {given, "", a, true},
		"more scope":                       {given, "read write", a, false},
		"another audience":                 {given, "openid", "https://c.example", false},
		"a scope of the other audience":    {given, "read", b, false},
		"both":                             {given, "openid", a + " " + b, true},
		"both, with a scope of one":        {given, "openid read", a + " " + b, false},
		"one that begins alike":            {given, "openid", a + "/", false},
		"no audience":                      {given, "openid", "", false},
		"nothing given":                    {Consent{}, "openid", a, false},
		"from before, at the default":      {old.At(a), "openid read", a, true},
		"from before, elsewhere":           {old.At(a), "openid", b, false},
		"from before, both":                {old.At(a), "openid", a + " " + b, false},
		"from before, and nothing said":    {old, "openid", a, false},
		"from before, and more since":      {old.At(a).With(words("email"), []string{a}), "openid read email", a, true},
		"from before, and elsewhere since": {old.At(a).With(words("email"), []string{b}), "openid", b, false},
	} {
		if got := c.given.Covers(words(c.scope), words(c.audience)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Two that are added to one consent don't write to each other's memory.
func TestWith(t *testing.T) {
	given := Consent{User: "u", Client: "c"}.With(words("read openid read"), []string{b, a})
	first, second := given.With(words("x"), []string{a}), given.With(words("y z"), []string{a, "urn:c"})
	for name, c := range map[string]struct {
		got  Consent
		want []Allowed
	}{
		"before": {given, []Allowed{{a, words("openid read")}, {b, words("openid read")}}},
		"first":  {first, []Allowed{{a, words("openid read x")}, {b, words("openid read")}}},
		"second": {second, []Allowed{{a, words("openid read y z")}, {b, words("openid read")}, {"urn:c", words("y z")}}},
		"at":     {Consent{User: "u", Client: "c", Allowed: []Allowed{{"", words("z")}, {a, words("a")}}}.At(a), []Allowed{{a, words("a z")}}},
	} {
		if diff := cmp.Diff(Consent{User: "u", Client: "c", Allowed: c.want}, c.got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(words("openid read y z"), second.Scope()); diff != "" {
		t.Error(diff)
	}
}

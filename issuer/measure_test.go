package issuer

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadmeMetrics: the README names every metric that there is, and no other.
func TestReadmeMetrics(t *testing.T) {
	read := func(path ...string) string {
		text, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	name := regexp.MustCompile("[\"`](signet_[a-z_]+)[\"`{]")
	named := func(text string) []string {
		all := map[string]bool{}
		for _, found := range name.FindAllStringSubmatch(text, -1) {
			all[found[1]] = true
		}
		return slices.Sorted(maps.Keys(all))
	}
	_, after, _ := strings.Cut(read("..", "README.md"), "<!-- metrics:begin -->")
	table, _, _ := strings.Cut(after, "<!-- metrics:end -->")
	got, want := named(table), named(read("internal", "metrics", "metrics.go")+read("measure.go"))
	if !slices.Equal(got, want) {
		t.Errorf("the README names %v\nthere are       %v", got, want)
	}
}

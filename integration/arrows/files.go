package arrows

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// topLevel is all that may lie at the top beside dotfiles.
var topLevel = []string{
	"cmd", "issuer", "keys", "verifier", "discovery", "integration",
	"go.mod", "go.sum", "Taskfile.yml", "README.md", "LICENSE",
}

// CheckTop returns a line for each committed path whose first element has no
// place at the top level.
func CheckTop(paths []string) []string {
	var faults []string
	for _, path := range paths {
		top, _, _ := strings.Cut(path, "/")
		fault := top + " has no place at the top level"
		if !strings.HasPrefix(top, ".") && !slices.Contains(topLevel, top) && !slices.Contains(faults, fault) {
			faults = append(faults, fault)
		}
	}
	return faults
}

// forbidden is what no committed file may hold, each with the reason.
var forbidden = []struct {
	what string
	expr *regexp.Regexp
}{
	// A lock file that names one registry ties everybody to it.
	{"the host of a package registry", regexp.MustCompile(
		`registry\.npmjs\.org|registry\.yarnpkg\.com|proxy\.golang\.org|sum\.golang\.org|(files\.)?pythonhosted\.org|pypi\.org|` +
			`repo1?\.maven\.(apache\.)?org|(static|index)\.crates\.io|deb\.debian\.org`)},
	{"an address resolved in a lock file", regexp.MustCompile(`"resolved":\s*"https?:`)},
	// A path of somebody's machine works on that machine only.
	{"a path of one machine", regexp.MustCompile(`(^|[^A-Za-z0-9_./~*-])/(work|root|home/[a-z]+|Users/[A-Za-z]+)/`)},
	{"a private key", regexp.MustCompile(`-----BEGIN ([A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z0-9+/]{40}`)},
}

// CheckContent returns a line for each thing in a committed file that may not
// be there. Files that aren't text are let through.
func CheckContent(path string, content []byte) []string {
	if slices.Contains(content, 0) {
		return nil
	}
	var faults []string
	for _, f := range forbidden {
		if at := f.expr.FindIndex(content); at != nil {
			line := 1 + strings.Count(string(content[:at[0]]), "\n")
			faults = append(faults, fmt.Sprintf("%s:%d holds %s: %q", path, line, f.what, content[at[0]:at[1]]))
		}
	}
	return faults
}

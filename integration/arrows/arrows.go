// Package arrows holds the house of Signet together: which package may import
// which, what may lie at the top level, and what no committed file may hold.
//
// It owns the table of bands, from the design, and the checks over it; its
// tests run them over this module. It owns no style that a linter can check.
//
// Imports go down only. A package imports packages of lower bands; packages
// of one band don't know each other. Imports of tests are free.
package arrows

import (
	"fmt"
	"slices"
	"strings"
)

// Module is the import path of this module.
const Module = "github.com/signet-oidc/signet"

// bands holds the packages of each band, by their path within the module; a
// last element of "*" stands for any one element, and "..." for what is left,
// at least one. It may name what doesn't exist yet. A new package needs a line
// here, and so a reviewer's eye.
var bands = [...][]string{
	0: {"keys/secret", "discovery", "verifier/jws", "issuer/id"},
	1: {"keys", "verifier/dpop", "issuer/audit", "issuer/internal/*"},
	2: {"issuer/account", "issuer/client", "issuer/grant", "issuer/session", "issuer/limit", "issuer/token", "verifier", "keys/keystest"},
	3: {"issuer/flow", "verifier/verifiertest", "verifier/introspect"},
	4: {"issuer/oauth", "issuer/api", "issuer/admin", "issuer/web", "issuer/store"},
	5: {"issuer", "issuer/store/redis", "issuer/store/sql", "issuer/store/storetest"},
	6: {"cmd/signet"},
	7: {"integration/servers", "integration/browser"}, // what the rest of integration stands on
	8: {"integration/..."},
}

// unknown is the band of a package that the table doesn't name.
const unknown = -1

// Band returns the band of a package, or -1 when the table doesn't name it.
// An exact line wins over one with a wildcard.
func Band(path string) int {
	for band, names := range bands {
		if slices.Contains(names, path) {
			return band
		}
	}
	for band, names := range bands {
		if slices.ContainsFunc(names, func(pattern string) bool { return matches(pattern, path) }) {
			return band
		}
	}
	return unknown
}

func matches(pattern, path string) bool {
	if folder, ok := strings.CutSuffix(pattern, "..."); ok {
		return strings.HasPrefix(path, folder) && path != folder
	}
	folder, ok := strings.CutSuffix(pattern, "*")
	rest, inside := strings.CutPrefix(path, folder)
	return ok && inside && rest != "" && !strings.Contains(rest, "/")
}

// Package is a package and what its non-test files import, as `go list -json`
// prints them.
type Package struct {
	ImportPath string
	Imports    []string
}

// Check returns a line for each package that the table doesn't know and for
// each import within the module that doesn't go down.
func Check(packages []Package) []string {
	var faults []string
	for _, p := range packages {
		from, _ := within(p.ImportPath)
		if Band(from) == unknown {
			faults = append(faults, from+" is in no band: give it a line in integration/arrows")
			continue
		}
		for _, path := range p.Imports {
			if to, ok := within(path); ok {
				faults = append(faults, checkArrow(from, to)...)
			}
		}
	}
	return faults
}

func checkArrow(from, to string) []string {
	a, b := Band(from), Band(to)
	switch {
	case b == unknown: // reported as a package
		return nil
	case b > a:
		return []string{fmt.Sprintf("%s (band %d) imports %s (band %d): upward", from, a, to, b)}
	case b == a:
		return []string{fmt.Sprintf("%s imports %s: sideways in band %d", from, to, a)}
	}
	return nil
}

// within returns the path below the module's; the module's own is "".
func within(importPath string) (string, bool) {
	if importPath == Module {
		return "", true
	}
	return strings.CutPrefix(importPath, Module+"/")
}

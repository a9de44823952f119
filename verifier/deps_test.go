package verifier_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// modules are what importing the verifier brings, and no more. A line added here is
// a cost for every resource server: think twice.
var modules = []string{
	"github.com/lestrrat-go/blackmagic",
	"github.com/lestrrat-go/httpcc",
	"github.com/lestrrat-go/httprc",
	"github.com/lestrrat-go/iter",
	"github.com/lestrrat-go/jwx/v2",
	"github.com/lestrrat-go/option",
	"github.com/signet-oidc/signet",
	"golang.org/x/crypto",
}

func TestModulesBroughtToAnImporter(t *testing.T) {
	for _, pkg := range []string{".", "./introspect", "./verifiertest"} {
		if got := list(t, "{{with .Module}}{{.Path}}{{end}}", pkg); !slices.Equal(got, modules) {
			t.Errorf("%s brings %q, want %q", pkg, got, modules)
		}
	}
	for _, pkg := range []string{"./jws", "./dpop"} {
		if got := list(t, "{{with .Module}}{{.Path}}{{end}}", pkg); !slices.Equal(got, []string{"github.com/signet-oidc/signet"}) {
			t.Errorf("%s brings %q, want the standard library alone", pkg, got)
		}
	}
}

func TestNothingHeavyIsImported(t *testing.T) {
	for _, path := range list(t, "{{.ImportPath}}", ".") {
		for _, heavy := range []string{"redis", "database/sql", "pgx", "sqlite", "zerolog", "go-jose", "goccy", "secp256k1", "jwx/v2/jwt", "jwx/v2/jws", "signet/issuer", "signet/keys", "testing"} {
			if strings.Contains(path, heavy) {
				t.Errorf("imports %s", path)
			}
		}
	}
}

// Only jwks.go knows jwx, so that going to v3 is a change of that file.
func TestOneFileKnowsJWX(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "grep", "-rl", "--include=*.go", "--exclude=*_test.go", `"github.com/lestrrat-go`, ".").Output()
	if err != nil {
		t.Skipf("grep: %v", err)
	}
	if got := strings.TrimSpace(string(out)); got != "./jwks.go" {
		t.Errorf("jwx is imported by %q", got)
	}
}

// list is what go list says of the dependencies of pkg, each once.
func list(t *testing.T, format, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, pkg).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)
	return slices.Compact(lines)
}

package issuer

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/admin"
	"github.com/signet-oidc/signet/issuer/api"
	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/issuer/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The list of routes and who may call them is a file, so that review sees a change.
func TestRoutes(t *testing.T) {
	i := &Issuer{api: &api.API{}, oauth: &oauth.OAuth{}, admin: &admin.Admin{}, web: &web.Web{}}
	var text strings.Builder
	write(&text, "public", i.publicRoutes())
	write(&text, "operations", i.operationsRoutes())
	const path = "testdata/routes.golden"
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("routes (-want +got; -update writes them anew):\n%s", diff)
	}
}

func write(text *strings.Builder, name string, routes []route) {
	for _, r := range routes {
		fmt.Fprintf(text, "%-10s  %-12s  %s\n", name, r.policy, r.pattern)
	}
}

// Everything under /admin/ is behind the guard.
func TestAdminRoutesAreGuarded(t *testing.T) {
	i := &Issuer{admin: &admin.Admin{}}
	for _, r := range i.operationsRoutes() {
		if strings.Contains(r.pattern, " /admin") != (r.policy == operators) {
			t.Errorf("%s has policy %s", r.pattern, r.policy)
		}
	}
	for _, r := range i.publicRoutes() {
		method, _, _ := strings.Cut(r.pattern, " ")
		if strings.Contains(r.pattern, "/admin") || (r.policy == anybody && method != http.MethodGet) {
			t.Errorf("%s has policy %s", r.pattern, r.policy)
		}
	}
}

package seed

import (
	"net/http"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/verifier"
)

// Who is there in `signet dev`.
const (
	demoUser     = "demo@example.com"
	demoAdmin    = "admin@example.com"
	demoPassword = "password123"

	accessCookie  = "__Host-signet_access"
	refreshCookie = "__Secure-signet_refresh"
)

// devSite is a `signet dev`, and the two resource servers that know its
// tokens: its demo API, in the same process, and one of the test's.
type devSite struct {
	site
	resources []resource
}

func dev(t *testing.T) devSite {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	demo := "http://localhost" + addr[strings.LastIndexByte(addr, ':'):] // as dev writes it
	s := site{servers.Signet(t, servers.Config{
		Command: []string{"dev", "--demo-addr", addr},
		Env:     settings(map[string]string{"SIGNET_AUDIENCE": "", "SIGNET_SEAL_KEY": ""}),
	})}
	own := protect(t, verifier.Config{Issuer: s.URL, Audience: demo, Poll: statusPoll, Cookie: accessCookie})
	return devSite{s, []resource{{"demo API", demo}, own}}
}

// login logs a demo person in.
func (s devSite) login(t *testing.T, email string) answer {
	t.Helper()
	return s.post(t, "/login", credentials(email, demoPassword)).want(t, http.StatusOK, "")
}

// each runs a test with each resource server.
func (s devSite) each(t *testing.T, run func(t *testing.T, r resource)) {
	for _, r := range s.resources {
		t.Run(r.name, func(t *testing.T) { run(t, r) })
	}
}

//go:build interop

package interop

import (
	"testing"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

// TestSpring logs in with Spring Security's oauth2Login, which wants ID tokens by
// RS256 unless it is told otherwise.
func TestSpring(t *testing.T) {
	p := startProvider(t, nil)
	a := p.startApp(t, setup{flags: []string{"--token-alg", "RS256"}}, servers.MavenProgram(t, "springlogin", "app.jar"))
	a.checkLoginAndLogout(t, browser.Start(t, servers.Need(t, "chromium", "chromium")).Page(t))
}

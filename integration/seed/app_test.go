package seed

import (
	"strings"
	"testing"

	chromium "github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

// TestDemoApp does what dev's last line says: log in to the demo app in a browser, see
// who one is, log out.
func TestDemoApp(t *testing.T) {
	program := servers.Need(t, "chromium", "chromium")
	s := dev(t)
	page := chromium.Start(t, program).Page(t)
	app := s.resources[0].url
	page.Go(app + "/")
	page.Click("login")
	page.Fill("email", demoUser)
	page.Fill("password", demoPassword)
	page.Click("login")
	page.Click("allow")
	page.WaitURL(app + "/callback")
	if claims := page.Text("claims"); !strings.Contains(claims, demoUser) || !strings.Contains(claims, "usr_") {
		t.Errorf("the app shows %q", claims)
	}
	page.Click("logout")
	page.WaitURL(app + "/")
	page.Click("login")
	if !page.Has("password") {
		t.Errorf("logged out, and not asked for the password: %s", page.URL())
	}
}

package pages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

// TestOnward: a client's callback that goes on to another site is reached from the
// pages' forms. Chromium applies form-action to every redirect that follows a form: a
// policy that named the callback's origin alone would leave the person where they are.
func TestOnward(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Chromium")
	}
	there := startClient(t) // the other site, under another name than the callback's
	callback := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, there+"/onward?"+r.URL.RawQuery, http.StatusFound)
	}))
	t.Cleanup(callback.Close)
	s := servers.Signet(t, servers.Config{Env: map[string]string{"SIGNET_BCRYPT_COST": "10"}})
	s.MustRun(password+"\n", "users", "add", "--email", email, "--password-stdin")
	s.MustRun("", "clients", "add", "--id", "broker", "--public", "--grant", "authorization_code", "--scope", "openid", "--redirect-uri", callback.URL+"/callback")
	ask := site{s, callback.URL}.authorize("client_id", "broker", "scope", "openid")

	page := browser.Start(t, servers.Need(t, "chromium", "chromium")).Page(t)
	for _, decision := range []struct{ button, came string }{{"deny", "code=false error=access_denied"}, {"allow", "code=true error="}} {
		page.Go(ask)
		if page.Has("login") {
			fill(page, password)
		}
		page.Click(decision.button)
		page.WaitURL(there + "/onward")
		if got := page.Text("came"); !strings.HasSuffix(got, decision.came) {
			t.Errorf("%s: %q", decision.button, got)
		}
	}
	if u, err := url.Parse(page.URL()); err != nil || !u.Query().Has("state") {
		t.Errorf("at %s", page.URL())
	}
}

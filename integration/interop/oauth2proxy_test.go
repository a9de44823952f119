//go:build interop

package interop

import (
	"crypto/rand"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

// TestOAuth2Proxy puts oauth2-proxy, built by the version in the folder's go.mod,
// before a page that knows nothing of logins.
func TestOAuth2Proxy(t *testing.T) {
	p := startProvider(t, nil)
	a := p.startOAuth2Proxy(t, servers.GoProgram(t, "oauth2proxy", "github.com/oauth2-proxy/oauth2-proxy/v7")[0])
	page := browser.Start(t, servers.Need(t, "chromium", "chromium")).Page(t)

	page.Go(a.base + "/")
	a.signIn(page)
	if got := page.Text("email"); got != email {
		t.Errorf("the page behind the proxy is told %q, want %s", got, email)
	}
	if got := page.Text("user"); got != p.person {
		t.Errorf("the page behind the proxy is told %q, want %s", got, p.person)
	}
	a.checkRefresh(t, page)

	// oauth2-proxy forgets the person and sends the browser on to Signet, without a
	// hint of who it was: it keeps no ID token for that.
	end := p.URL + "/oidc/logout?" + url.Values{"client_id": {"oauth2-proxy"}, "post_logout_redirect_uri": {a.base + "/public"}}.Encode()
	page.Go(a.base + "/oauth2/sign_out?rd=" + url.QueryEscape(end))
	a.signOut(page)
	if got := page.Text("email"); got != "" {
		t.Errorf("after the logout the page behind the proxy is told %q", got)
	}
	page.Go(a.base + "/")
	a.atLogin(page)
}

// checkRefresh: the proxy refreshes a token that is a second old.
func (a app) checkRefresh(t *testing.T, page *browser.Page) {
	t.Helper()
	first := page.Text("token")
	for deadline := time.Now().Add(20 * time.Second); page.Text("token") == first; page.Reload() {
		if time.Now().After(deadline) {
			t.Fatal("the proxy still sends its first access token")
		}
	}
}

func (p provider) startOAuth2Proxy(t *testing.T, path string) app {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	a := app{p, setup{unhinted: true}, localhost("http", addr)}
	secret := p.addClient(t, "oauth2-proxy", a.setup, a.base+"/oauth2/callback", a.base+"/public")
	args := []string{
		"--provider=oidc", "--oidc-issuer-url=" + p.URL, "--client-id=oauth2-proxy", "--client-secret=" + secret,
		"--redirect-url=" + a.base + "/oauth2/callback", "--scope=" + a.scope(), "--code-challenge-method=S256",
		"--http-address=" + addr, "--upstream=" + upstream(t), "--skip-auth-route=^/public", "--skip-provider-button",
		"--email-domain=*", "--pass-access-token", "--whitelist-domain=127.0.0.1:*",
		"--cookie-secret=" + rand.Text()[:16], "--cookie-secure=false", "--cookie-refresh=1s",
	}
	servers.Other(t, "oauth2-proxy", func() *exec.Cmd { return exec.Command(path, args...) }, answers(a.base+"/ping"))
	return a
}

// upstream shows what the proxy told it of the person.
func upstream(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, "<!doctype html><title>upstream</title>")
		for id, header := range map[string]string{"email": "X-Forwarded-Email", "user": "X-Forwarded-User", "token": "X-Forwarded-Access-Token"} {
			_, _ = fmt.Fprintf(w, "<p id=%q>%s</p>", id, html.EscapeString(r.Header.Get(header)))
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

package pages

import (
	"testing"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

// TestWithoutScripts: from login to logout with scripts switched off.
func TestWithoutScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Chromium")
	}
	s := startSite(t)
	page := browser.Start(t, servers.Need(t, "chromium", "chromium")).Page(t)
	page.Scripts(false)
	page.Go(s.authorize("response_mode", "form_post"))
	fill(page, password)
	page.Click("allow")
	page.Click("continue")
	came(t, page, s.app, "POST /callback code=true error=")

	page.Go(s.URL + "/oidc/logout?client_id=photos&post_logout_redirect_uri=" + s.app + "/bye")
	page.Click("logout")
	came(t, page, s.app, "GET /bye code=false error=")
}

// TestByKeyboard: a person who uses no mouse logs in, says no, and leaves.
func TestByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Chromium")
	}
	s := startSite(t)
	page := browser.Start(t, servers.Need(t, "chromium", "chromium")).Page(t)
	page.Go(s.authorize())
	tabTo(t, page, "email")
	page.Press(email)
	tabTo(t, page, "password")
	page.Press(password)
	page.Enter()
	page.WaitFor("deny")
	tabTo(t, page, "deny")
	page.Enter()
	came(t, page, s.app, "GET /callback code=false error=access_denied")

	page.Go(s.URL + "/oidc/logout")
	tabTo(t, page, "logout")
	page.Enter()
	page.Go(s.URL + "/ui/account")
	page.WaitURL(s.URL + "/ui/login")
}

// maxTabs is more than any page has to offer.
const maxTabs = 40

// tabTo presses the tabulator until the element has the focus, and checks that
// each stop on the way can be seen.
func tabTo(t *testing.T, page *browser.Page, id string) {
	t.Helper()
	for range maxTabs {
		if browser.Eval[string](page, "document.activeElement ? document.activeElement.id : ''") == id {
			return
		}
		page.Tab()
		if !browser.Eval[bool](page, focusShows) {
			t.Errorf("on the way to %s: the focus doesn't show at %s", id, browser.Eval[string](page, "document.activeElement.outerHTML"))
		}
	}
	t.Fatalf("no number of tabs leads to %s:\n%s", id, page.Body())
}

// focusShows: an outline or a shadow stands around what has the focus (WCAG 2.2 §2.4.7).
const focusShows = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return true;
	const s = getComputedStyle(e);
	return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none';
})()`

// came checks what the client was sent.
func came(t *testing.T, page *browser.Page, app, want string) {
	t.Helper()
	page.WaitURL(app)
	if got := page.Text("came"); got != want {
		t.Errorf("the client was sent %q, want %q", got, want)
	}
}

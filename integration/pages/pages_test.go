// Package pages looks at every page that a person sees, in a real Chromium: on a
// phone and on a desk, light and dark.
//
// It owns that axe-core finds nothing to complain of, that nothing is cut off at a
// phone's width, that no page breaks its own Content-Security-Policy, that all of
// it works without a script and by keyboard alone; and the pictures that `task
// screenshots` makes. It owns no rule of what a page does: those are issuer/web's.
package pages

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

var out = flag.String("out", "", "folder for a picture of every page; empty: none")

const (
	email    = "ann@example.com"
	password = "a long and winding passphrase"
)

// looks are how each page is looked at.
var looks = []browser.Look{{Width: 390}, {Width: 390, Dark: true}, {Width: 1280}, {Width: 1280, Dark: true}}

// site is a running Signet with a client that people must allow what it asks.
type site struct {
	*servers.SignetServer
	app string // where the client is: another site, that shows what it is sent
}

func startSite(t *testing.T) site {
	t.Helper()
	s := site{servers.Signet(t, servers.Config{Env: map[string]string{"SIGNET_BCRYPT_COST": "10"}}), startClient(t)}
	s.MustRun(password+"\n", "users", "add", "--email", email, "--password-stdin")
	s.MustRun("", "clients", "add", "--id", "photos", "--name", "Photo Prints", "--public",
		"--grant", "authorization_code", "--grant", "refresh_token",
		"--scope", "openid", "--scope", "profile", "--scope", "email", "--scope", "phone", "--scope", "address", "--scope", "offline_access",
		"--redirect-uri", s.app+"/callback", "--post-logout-redirect-uri", s.app+"/bye")
	s.MustRun("", "clients", "add", "--id", "albums", "--name", "Albums", "--public", "--grant", "authorization_code",
		"--scope", "openid", "--scope", "photos.read", "--audience", photosAPI, "--audience", printsAPI, "--redirect-uri", s.app+"/callback")
	return s
}

// What a client other than the first wants to use.
const (
	photosAPI = "https://photos.example.com"
	printsAPI = "https://eu.prints.example.com:8443/a-tenant-with-a-rather-long-name/v2"
)

// startClient is a client's side of the redirects: it shows what came.
func startClient(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, "<!doctype html><title>the client</title><p id=\"came\">%s %s code=%t error=%s</p>",
			r.Method, r.URL.Path, r.FormValue("code") != "", url.QueryEscape(r.FormValue("error")))
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

// authorize is the address of an authorization request, with more parameters.
func (s site) authorize(more ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"photos"}, "redirect_uri": {s.app + "/callback"}, "state": {"x"},
		"scope": {"openid profile email phone address offline_access"}, "nonce": {"n"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // RFC 7636, appendix B
	}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return s.URL + "/oauth/authorize?" + q.Encode()
}

// elsewhere logs the person in on another device, with an app of our own.
func (s site) elsewhere(t testing.TB) {
	t.Helper()
	resp, err := http.Post(s.URL+"/login", "application/json", strings.NewReader(`{"email":"`+email+`","password":"`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("login elsewhere: %s", resp.Status)
	}
}

// fill signs in at the login page that is shown.
func fill(page *browser.Page, password string) {
	page.WaitFor("login")
	page.Fill("email", email)
	page.Fill("password", password)
	page.Click("login")
}

// all are the pages, in the order of a visit. Each step leads to its page from the
// one before.
var all = []struct {
	name string
	open func(t *testing.T, s site, page *browser.Page)
	id   string // of an element that the page has
}{
	{"login", func(_ *testing.T, s site, page *browser.Page) { page.Go(s.authorize()) }, "login"},
	{"login-error", func(_ *testing.T, _ site, page *browser.Page) { fill(page, "not that one") }, "login"},
	{"register", func(_ *testing.T, s site, page *browser.Page) { page.Go(s.URL + "/ui/register") }, "register"},
	{"register-error", func(_ *testing.T, _ site, page *browser.Page) {
		page.Fill("email", "ben@example.com")
		page.Fill("password", "password123") // among the commonest there are
		page.Click("register")
	}, "register"},
	{"consent", func(_ *testing.T, s site, page *browser.Page) {
		page.Go(s.authorize())
		fill(page, password)
	}, "allow"},
	{"form-post", func(_ *testing.T, s site, page *browser.Page) {
		page.Scripts(false) // or it is gone before one looks
		page.Go(s.authorize("response_mode", "form_post"))
		page.Click("allow")
		page.Scripts(true)
	}, "continue"},
	{"login-again", func(_ *testing.T, s site, page *browser.Page) { page.Go(s.authorize("prompt", "login")) }, "login"},
	{"select-account", func(_ *testing.T, s site, page *browser.Page) { page.Go(s.authorize("prompt", "select_account")) }, "continue"},
	{"consent-resources", func(_ *testing.T, s site, page *browser.Page) {
		page.Go(s.authorize("client_id", "albums", "scope", "openid photos.read", "resource", photosAPI) + "&resource=" + url.QueryEscape(printsAPI))
	}, "allow"},
	{"account", func(t *testing.T, s site, page *browser.Page) {
		page.Click("allow")
		page.WaitFor("came")
		s.elsewhere(t)
		page.Go(s.URL + "/ui/account")
	}, "end-others"},
	{"logout", func(_ *testing.T, s site, page *browser.Page) { page.Go(s.URL + "/oidc/logout") }, "logout"},
	{"logged-out", func(_ *testing.T, _ site, page *browser.Page) { page.Click("logout") }, "to-login"},
	{"error", func(_ *testing.T, s site, page *browser.Page) { page.Go(s.authorize("client_id", "nobody")) }, "error"},
}

// languages are those of the pages. The second is looked at in fewer ways: what it
// may change is how long the words are.
var languages = []struct {
	tag   string
	looks []browser.Look
}{
	{"en", looks},
	{"de", []browser.Look{{Width: 390}, {Width: 1280, Dark: true}}},
}

func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Chromium")
	}
	axe := readAxe(t)
	b := browser.Start(t, servers.Need(t, "chromium", "chromium"))
	for _, language := range languages {
		t.Run(language.tag, func(t *testing.T) {
			s, page := startSite(t), b.Page(t)
			page.Language(language.tag)
			for _, p := range all {
				p.open(t, s, page)
				page.WaitFor(p.id)
				if got := browser.Eval[string](page, "document.documentElement.lang"); got != language.tag {
					t.Errorf("%s is in the language %q", p.name, got)
				}
				for _, look := range language.looks {
					page.Show(look)
					name := p.name + "-" + lookName(look)
					t.Run(name, func(t *testing.T) {
						picture(t, page, language.tag+"-"+name)
						checkAccessible(t, page, axe)
						checkFits(t, page)
					})
				}
			}
			checkQuiet(t, page)
		})
	}
}

// checkQuiet: no page broke its policy, or failed to load what it names. That a
// page of an error has the status of one is no complaint.
func checkQuiet(t *testing.T, page *browser.Page) {
	t.Helper()
	for _, complaint := range page.Complaints() {
		if !strings.Contains(complaint, "responded with a status of 4") {
			t.Errorf("the console says %q", complaint)
		}
	}
}

func lookName(look browser.Look) string {
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%d-%s", look.Width, scheme)
}

// picture keeps a picture of the page where the run was asked for one.
func picture(t *testing.T, page *browser.Page, name string) {
	t.Helper()
	if *out == "" {
		return
	}
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, *out)
	if filepath.IsAbs(*out) {
		dir = *out
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), page.Screenshot(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readAxe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(servers.NodeModules(t, "."), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// checkAccessible: axe-core, with all of its rules, finds no violation.
func checkAccessible(t *testing.T, page *browser.Page, axe string) {
	t.Helper()
	for _, v := range violations(t, page, axe) {
		t.Errorf("axe: %s", v)
	}
}

// violations are what axe-core finds on the page, a line each.
func violations(t *testing.T, page *browser.Page, axe string) []string {
	t.Helper()
	browser.Eval[bool](page, axe+"\n;typeof axe === 'object'")
	found := browser.Eval[string](page, `axe.run(document).then(r => JSON.stringify({
		passes: r.passes.length,
		violations: r.violations.map(v => v.id + ': ' + v.help + ': ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join('; ')),
	}))`)
	var result struct {
		Passes     int
		Violations []string
	}
	if err := json.Unmarshal([]byte(found), &result); err != nil || result.Passes == 0 {
		t.Fatalf("axe says %s (%v)", found, err)
	}
	return result.Violations
}

// TestAxe: what checkAccessible goes by does see a fault.
func TestAxe(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts Chromium")
	}
	page := browser.Start(t, servers.Need(t, "chromium", "chromium")).Page(t)
	page.Go("data:text/html,<!doctype html><html lang=en><title>x</title><main><h1>x</h1><p style='color:%23ccc'>pale</p><input></main></html>")
	got := strings.Join(violations(t, page, readAxe(t)), "\n")
	for _, rule := range []string{"color-contrast: ", "label: "} {
		if !strings.Contains(got, rule) {
			t.Errorf("axe says %q, want a violation of %s", got, rule)
		}
	}
}

// checkFits: nobody has to scroll sideways.
func checkFits(t *testing.T, page *browser.Page) {
	t.Helper()
	if over := browser.Eval[int](page, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
		t.Errorf("the page is %d pixels wider than the window", over)
	}
}

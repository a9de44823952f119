package interop

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/integration/browser"
	"github.com/signet-oidc/signet/integration/servers"
)

const (
	email    = "ann@example.com"
	password = "a long and winding passphrase"
	// initialToken lets a client register itself.
	initialToken = "an-initial-access-token-of-the-tests"
)

// provider is a running Signet with one person.
type provider struct {
	*servers.SignetServer
	person string // the person's subject
}

// startProvider starts it, with more settings.
func startProvider(t *testing.T, more map[string]string) provider {
	t.Helper()
	env := map[string]string{
		"SIGNET_BCRYPT_COST":          "10",
		"SIGNET_LOGIN_RATE":           "1000/m", // one person logs in with each app
		"SIGNET_LOGIN_RATE_ACCOUNT":   "1000/m",
		"SIGNET_CLIENT_REGISTRATION":  "token",
		"SIGNET_INITIAL_ACCESS_TOKEN": initialToken,
	}
	maps.Copy(env, more)
	s := servers.Signet(t, servers.Config{Env: env})
	var user struct {
		ID string `json:"id"`
	}
	added := s.MustRun(password+"\n", "users", "add", "--email", email, "--password-stdin", "--json")
	if err := json.Unmarshal([]byte(added), &user); err != nil || user.ID == "" {
		t.Fatalf("users add printed %s (%v)", added, err)
	}
	return provider{s, user.ID}
}

// setup says how an app is registered and run.
type setup struct {
	public    bool     // it has no secret, so that a person is asked each time (RFC 8252 §8.6)
	offline   bool     // it asks for offline_access
	registers bool     // it registers itself
	unhinted  bool     // it logs out without an ID token as a hint, so that a person is asked
	options   string   // its setting OPTIONS
	login     string   // the query of its first login
	flags     []string // more flags of `signet clients add`
}

// app is a running client app.
type app struct {
	provider
	setup
	base string // where a browser finds it
}

func (p provider) startApp(t *testing.T, with setup, command []string) app {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	a := app{p, with, localhost("http", addr)}
	env := append(os.Environ(), "ISSUER="+p.URL, "ADDR="+addr, "BASE="+a.base, "SCOPE="+a.scope(), "OPTIONS="+with.options)
	if with.registers {
		env = append(env, "INITIAL_ACCESS_TOKEN="+initialToken)
	} else {
		id := "app-" + addr[strings.LastIndexByte(addr, ':')+1:]
		env = append(env, "CLIENT_ID="+id, "CLIENT_SECRET="+p.addClient(t, id, with, a.base+"/callback", a.base+"/"))
	}
	servers.Other(t, command[0], func() *exec.Cmd {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = env
		return cmd
	}, answers(a.base+"/"))
	return a
}

// localhost is the base URL of an app that listens on the loopback. Signet is at
// 127.0.0.1, which to a browser is another site: as apps are in real life, so that
// its rules about other sites' cookies and forms apply.
func localhost(scheme, addr string) string {
	return scheme + "://localhost" + addr[strings.LastIndexByte(addr, ':'):]
}

func (s setup) scope() string {
	if s.offline {
		return "openid profile email offline_access"
	}
	return "openid profile email"
}

// addClient registers a client as an operator does, and returns its secret.
func (p provider) addClient(t *testing.T, id string, with setup, redirect, postLogout string) string {
	t.Helper()
	args := []string{
		"clients", "add", "--id", id, "--name", "The app " + id, "--grant", "authorization_code", "--grant", "refresh_token",
		"--redirect-uri", redirect, "--post-logout-redirect-uri", postLogout, "--json",
	}
	for scope := range strings.FieldsSeq(with.scope()) {
		args = append(args, "--scope", scope)
	}
	if with.public {
		args = append(args, "--public")
	}
	args = append(args, with.flags...)
	var made struct {
		Secret string `json:"client_secret"`
	}
	added := p.MustRun("", args...)
	if err := json.Unmarshal([]byte(added), &made); err != nil || (made.Secret == "") != with.public {
		t.Fatalf("clients add printed %s (%v)", added, err)
	}
	return made.Secret
}

// answers is ready once url answers anything.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		client := http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
}

// atLogin waits for the login page.
func (p provider) atLogin(page *browser.Page) {
	page.WaitURL(p.URL + "/ui/login")
	page.WaitFor("password")
}

// signIn fills in the login page as a person does, and agrees.
func (a app) signIn(page *browser.Page) {
	a.atLogin(page)
	page.Fill("email", email)
	page.Fill("password", password)
	page.Click("login")
	a.allow(page)
}

// allow says yes on the page of consent.
func (a app) allow(page *browser.Page) {
	page.WaitURL(a.URL + "/ui/consent")
	page.Click("allow")
	page.WaitURL(a.base)
}

// signOut ends with the app, over the logout page where there is one.
func (a app) signOut(page *browser.Page) {
	if a.unhinted {
		page.WaitURL(a.URL + "/ui/logout")
		page.Click("logout")
	}
	page.WaitURL(a.base)
}

// state is what an app shows of the person who is logged in.
type state struct {
	Subject, SessionID, AMR, Email, Access, Error string
	AuthTime                                      int64
}

// state reads what the app's page shows.
func (a app) state(t *testing.T, page *browser.Page) state {
	t.Helper()
	page.WaitURL(a.base + "/")
	var shown struct {
		Subject   string   `json:"sub"`
		SessionID string   `json:"sid"`
		AMR       []string `json:"amr"`
		AuthTime  int64    `json:"auth_time"`
		Email     string   `json:"email"`
		Access    string   `json:"access_token"`
		Error     string   `json:"error"`
	}
	if text := page.Text("state"); json.Unmarshal([]byte(text), &shown) != nil {
		t.Fatalf("the app shows %s", text)
	}
	return state{
		Subject: shown.Subject, SessionID: shown.SessionID, AMR: strings.Join(shown.AMR, " "),
		Email: shown.Email, Access: shown.Access, Error: shown.Error, AuthTime: shown.AuthTime,
	}
}

package issuer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// slowLogin lets something happen between the check of a password and the session
// that it opens: once, where before is set.
type slowLogin struct {
	session.Ledger
	before atomic.Pointer[func()]
}

func (l *slowLogin) Open(ctx context.Context, login session.Login, s session.Session, most int, e audit.Event) ([]session.Ended, error) {
	if f := l.before.Swap(nil); f != nil {
		(*f)()
	}
	return l.Ledger.Open(ctx, login, s, most, e)
}

// TestLoginRacesChange has the user changed while a login is under way whose
// password was right: who knows the old password must not live on in a session
// that the change could not end, nor roles in one that could not learn of theirs.
func TestLoginRacesChange(t *testing.T) {
	ledger := &slowLogin{}
	b, err := bcrypt.GenerateFromPassword([]byte("another password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	another := account.Hash(b)
	cases := []struct {
		name   string
		change func(u *account.User)
		end    account.Ending
		status int
		roles  []string
	}{
		{"password", func(u *account.User) { u.PasswordHash = another }, account.Ending{Logins: true, Reason: "password_changed"}, 401, nil},
		{"disabled", func(u *account.User) { u.Disabled = true }, account.Ending{Logins: true, Reason: "user_disabled"}, 401, nil},
		{"demoted", func(u *account.User) { u.Roles = []string{"reader"} }, account.Ending{}, 200, []string{"reader"}},
	}
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) { ledger.Ledger, b.Ledger = b.Ledger, ledger }}
	s.serve(nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			email := c.name + "@example.com"
			who := s.person(email)
			change := func() {
				people := s.db.Backend().Accounts
				u, err := people.ByEmail(t.Context(), email)
				s.must(err)
				c.change(&u)
				_, err = people.Save(t.Context(), u, c.end, audit.New(t.Context(), audit.UserChanged, time.Now()))
				s.must(err)
			}
			ledger.before.Store(&change)
			a := s.post("/login", `{"email":"`+email+`","password":"`+password+`"}`)
			if a.status != c.status {
				t.Fatalf("got %d %s, want %d", a.status, a.raw, c.status)
			}
			live, err := s.db.Backend().Ledger.List(t.Context(), session.Which{User: saidBy(t, who).Subject}, false, "", 10)
			s.must(err)
			if c.end.Logins && len(live) != 0 {
				t.Errorf("%d sessions live on", len(live))
			}
			if c.roles != nil && strings.Join(saidBy(t, a).Roles, " ") != strings.Join(c.roles, " ") {
				t.Errorf("roles %v, want %v", saidBy(t, a).Roles, c.roles)
			}
		})
	}
}

// said is what an access token of ours says, unverified.
type said struct {
	Subject id.User    `json:"sub"`
	Roles   []string   `json:"roles"`
	Session id.Session `json:"sid"`
}

func saidBy(t *testing.T, a answer) (c said) {
	t.Helper()
	if err := json.Unmarshal([]byte(claims(t, a.str("access_token"))), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestThirdPartyTokens: the token that a person gave to another client, or that such
// a client showed to a resource server, must not act as the person here.
func TestThirdPartyTokens(t *testing.T) {
	s := start(t, nil)
	mine := s.person("ann@example.com")
	app := s.client(client.Client{ID: "app", Public: true, Grants: []string{"password", "refresh_token"}, Audiences: []string{"https://api.example.com"}})
	theirs := s.want(s.form("/oauth/token", app, url.Values{"grant_type": {"password"}, "username": {"ann@example.com"}, "password": {password}}), 200, "")
	bearer := "Bearer " + theirs.str("access_token")
	s.want(s.post("/password", `{"old":"`+password+`","new":"another password here"}`, "Authorization", bearer), 401, "invalid_token")
	s.want(s.post("/logout", `{"everywhere":true}`, "Authorization", bearer), 401, "invalid_token")
	s.want(s.post("/logout", "", "Authorization", bearer), 401, "invalid_grant")
	s.want(s.refresh(theirs.str("refresh_token")), 401, "invalid_grant")
	s.want(s.refresh(mine.str("refresh_token")), 200, "")
}

// TestAdminAudienceByDefault: a person's token for the admin face is had by POST
// /login alone, also where it is the first audience of a client with the password
// grant.
func TestAdminAudienceByDefault(t *testing.T) {
	s := start(t, nil)
	s.person("root@example.com")
	people := s.db.Backend().Accounts
	u, err := people.ByEmail(t.Context(), "root@example.com")
	s.must(err)
	u.Roles = []string{"admin"}
	_, err = people.Save(t.Context(), u, account.Ending{}, audit.New(t.Context(), audit.UserChanged, time.Now()))
	s.must(err)
	ops := s.client(client.Client{ID: "ops", Grants: []string{"client_credentials", "password"}, Audiences: []string{s.url + "/admin"}, Roles: []string{"admin"}})
	s.want(s.form("/oauth/token", ops, url.Values{"grant_type": {"client_credentials"}}), 200, "")
	s.want(s.form("/oauth/token", ops, url.Values{"grant_type": {"password"}, "username": {"root@example.com"}, "password": {password}}), 400, "invalid_target")
}

// TestRevokeByOldRing: a replica that hasn't heard of the ring for a while may not know
// the key of a good token: it must not say that the token is revoked.
func TestRevokeByOldRing(t *testing.T) {
	var ahead atomic.Int64
	s := &server{t: t, log: &bytes.Buffer{}, now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
	s.serve(nil)
	app := s.client(client.Client{ID: "app", Grants: []string{"client_credentials"}, Audiences: []string{"https://api.example.com"}})
	unknown := start(t, nil).person("ann@example.com").str("access_token") // signed by a key that isn't in the ring
	s.want(s.form("/oauth/revoke", app, url.Values{"token": {unknown}}), 200, "")
	ahead.Store(int64(30 * time.Second))
	s.want(s.form("/oauth/revoke", app, url.Values{"token": {unknown}}), 503, "")
	s.want(s.form("/oauth/introspect", app, url.Values{"token": {unknown}}), 503, "")
	s.want(s.post("/logout", "", "Authorization", "Bearer "+unknown), 503, "")
	s.want(s.form("/oauth/revoke", app, url.Values{"token": {"no token at all"}}), 200, "")
}

// TestOldPasswordGuesses: who holds a stolen access token can guess the password at
// POST /password; the record shows it.
func TestOldPasswordGuesses(t *testing.T) {
	s := start(t, nil)
	who := s.person("ann@example.com")
	s.want(s.post("/password", `{"old":"wrong password","new":"another password here"}`, "Authorization", "Bearer "+who.str("access_token")), 401, "invalid_credentials")
	events, err := s.db.Backend().Audit.Events(t.Context(), audit.Query{Kind: audit.LoginFailed, Limit: 10})
	s.must(err)
	if len(events) != 1 || events[0].User != saidBy(t, who).Subject || events[0].Reason != "wrong_old_password" || events[0].Session != saidBy(t, who).Session {
		t.Errorf("audit has %+v", events)
	}
}

// forgetful is a store of generations that may say that it went back in time, and may
// be away; it remembers who was told of.
type forgetful struct {
	session.Generations
	mu    sync.Mutex
	back  bool
	away  int // so many updates fail
	roles map[id.User][]string
}

func (f *forgetful) WentBack(context.Context) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.back
	f.back = false
	return was, nil
}

func (f *forgetful) Update(_ context.Context, _ []id.Session, p session.Person) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away > 0 {
		f.away--
		return store.ErrUnavailable
	}
	f.roles[p.User] = p.Roles
	return nil
}

func (f *forgetful) set(edit func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit()
}

func (f *forgetful) told(u id.User) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.roles[u], " ")
}

// TestHealUntilDone: a store that went back in time and is then away for a moment
// hears of a demotion all the same.
func TestHealUntilDone(t *testing.T) {
	f := &forgetful{roles: map[id.User][]string{}}
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) { f.Generations, b.Generations, b.Healer = b.Generations, f, f }}
	s.serve(nil)
	who := saidBy(t, s.person("ann@example.com")).Subject
	people := s.db.Backend().Accounts
	u, err := people.ByID(t.Context(), who)
	s.must(err)
	u.Roles = []string{"reader"}
	_, err = people.Save(t.Context(), u, account.Ending{}, audit.New(t.Context(), audit.UserChanged, time.Now()))
	s.must(err)
	eventually(t, func() bool { return f.told(who) == "reader" })
	f.set(func() { f.back, f.away, f.roles = true, 2, map[id.User][]string{} }) // of the registration and of the demotion
	eventually(t, func() bool { return f.told(who) == "reader" })
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatal("it never happened")
}

// TestPasswordChangedTwiceAtOnce: of two changes at once one loses, and is told so.
func TestPasswordChangedTwiceAtOnce(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.HashWorkers = 1 })
	bearer := "Bearer " + s.person("ann@example.com").str("access_token")
	var got [2]int
	var both sync.WaitGroup
	for i := range got {
		both.Go(func() {
			got[i] = s.post("/password", `{"old":"`+password+`","new":"another password here"}`, "Authorization", bearer).status
		})
	}
	both.Wait()
	slices.Sort(got[:])
	if got[0] != 204 || got[1] != 409 && got[1] != 401 { // 401: the old one was wrong by then
		t.Errorf("got %v, want a 204 and a 409", got)
	}
}

// TestSpellingsShareACounter: one account can't be guessed at more often by writing its
// address in other ways, nor by claiming other addresses to come from.
func TestSpellingsShareACounter(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.LoginRateAccount = limit.Rate{Count: 6, Per: time.Hour} })
	for i, email := range []string{"kim@example.com", "KIM@EXAMPLE.COM", " kim@example.com ", "\u212aim@example.com", "Kim@Example.com\t", "\u00a0kim@example.com", "kim@example.com"} {
		body, err := json.Marshal(map[string]string{"email": email, "password": "a wrong password"})
		s.must(err)
		a := s.post("/login", string(body), "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i), "X-Real-Ip", fmt.Sprintf("198.51.100.%d", i), "Forwarded", fmt.Sprintf("for=198.51.100.%d", i))
		if want := map[bool]int{true: 401, false: 429}[i < 6]; a.status != want {
			t.Errorf("attempt %d as %q: %d, want %d", i+1, email, a.status, want)
		}
	}
}

// TestTokensAreNotSwapped puts each kind of token where another is expected.
func TestTokensAreNotSwapped(t *testing.T) {
	s := start(t, nil)
	who := s.person("ann@example.com")
	app := s.client(client.Client{ID: "app", Grants: []string{"client_credentials"}, Audiences: []string{s.url}})
	list := s.want(s.call("GET", s.url+"/oauth/status/0", ""), 200, "").raw
	refresh, access := who.str("refresh_token"), who.str("access_token")
	for name, token := range map[string]string{
		"status list": list, "refresh": refresh, "cut": access[:len(access)-1], "longer": access + "A",
		"refresh in other bits": refresh[:len(refresh)-1] + "_", "refresh with a line end": refresh + "\n",
	} {
		if a := s.form("/oauth/introspect", app, url.Values{"token": {token}}); a.status != 200 || a.body["active"] != false {
			t.Errorf("introspect %s: %d %s", name, a.status, a.raw)
		}
		s.want(s.post("/logout", `{"everywhere":true}`, "Cookie", "__Host-signet_access="+strings.TrimSpace(token)), 401, "invalid_token")
		if token != refresh {
			body, err := json.Marshal(map[string]string{"refresh_token": token})
			s.must(err)
			s.want(s.post("/refresh", string(body)), 401, "invalid_grant")
		}
	}
	s.want(s.refresh(access), 401, "invalid_grant")
	s.want(s.post("/refresh", "", "Cookie", "__Secure-signet_refresh="+refresh+"; __Secure-signet_refresh="+refresh), 400, "invalid_request")
	s.want(s.refresh(refresh), 200, "")
}

// TestAnotherDeploymentsTokens: an issuer of another URL, or of the same URL with keys of
// its own, gives tokens that are nothing here.
func TestAnotherDeploymentsTokens(t *testing.T) {
	here, there := start(t, nil), start(t, nil)
	who := there.person("ann@example.com")
	here.want(here.refresh(who.str("refresh_token")), 401, "invalid_grant")
	here.want(here.post("/logout", `{"refresh_token":"`+who.str("refresh_token")+`"}`), 401, "invalid_grant")
	here.want(here.post("/logout", "", "Authorization", "Bearer "+who.str("access_token")), 401, "invalid_token")
	here.want(here.call("GET", here.admin+"/admin/keys", "", "Authorization", "Bearer "+who.str("access_token")), 401, "")
}

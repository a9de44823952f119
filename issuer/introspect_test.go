package issuer_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

const mail = "https://mail.example.com"

// mailbox is a person whose mail a client app reads, and who asks about that.
type mailbox struct {
	*server
	*browser
	now              *aheadOf
	app, api, others [2]string // the client, the resource server, the resource server of another audience
	spa              [2]string // a public client of the same resource server
}

func newMailbox(t *testing.T, edit func(*issuer.Settings)) mailbox {
	t.Helper()
	m := mailbox{now: &aheadOf{}}
	m.server = &server{t: t, now: m.now.time, log: &bytes.Buffer{}}
	m.serve(edit)
	m.want(m.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	m.browser = m.server.browser()
	reads := func(c *client.Client) {
		c.Audiences = []string{mail}
		c.Grants = append(c.Grants, client.GrantClientCredentials)
	}
	m.app = m.register("app", reads)
	m.spa = m.register("spa", func(c *client.Client) { c.Public, c.Audiences = true, []string{mail} })
	m.api = m.client(client.Client{ID: "api", Audiences: []string{mail}})
	m.others = m.client(client.Client{ID: "others", Audiences: []string{"https://calendar.example.com"}})
	return m
}

// tokens are those of a code.
func (m mailbox) tokens(client [2]string) answer {
	m.t.Helper()
	return m.want(m.exchange(client, m.code(client[0], adas)), 200, "")
}

func (m mailbox) refreshed(client [2]string, token string) answer {
	m.t.Helper()
	return m.want(m.form("/oauth/token", client, formOf("grant_type", "refresh_token", "refresh_token", token)), 200, "")
}

func (m mailbox) introspect(who [2]string, token string, more ...string) answer {
	m.t.Helper()
	return m.form("/oauth/introspect", who, formOf(append(more, "token", token)...))
}

// Each kind of token, and who may know of it: its client, and for an access token the
// resource server that it is for (RFC 7662 §4). Nobody is told more than that it isn't
// active (§2.2).
func TestIntrospectionWho(t *testing.T) {
	m := newMailbox(t, func(s *issuer.Settings) { s.AccessTTL, s.RefreshTTL = time.Minute, 3*time.Minute })
	first := m.tokens(m.app)
	second := m.refreshed(m.app, first.str("refresh_token"))
	third := m.refreshed(m.app, second.str("refresh_token"))
	own := m.want(m.form("/oauth/token", m.app, formOf("grant_type", "client_credentials", "scope", "read")), 200, "").str("access_token")
	public := m.tokens(m.spa)
	key := m.prover()
	bound := m.want(m.postProofs(m.url+"/oauth/token", m.app, exchangeOf(m.code("app", adas)), key.proof("POST", "/oauth/token")), 200, "")
	ended := m.tokens(m.app)
	m.want(m.form("/oauth/revoke", m.app, formOf("token", ended.str("refresh_token"))), 200, "")
	access := third.str("access_token")
	damaged := access[:len(access)-2] + map[bool]string{true: "AA", false: "BA"}[access[len(access)-2:] != "AA"]
	nobody, both, owner := "", "app api", "app"
	cases := map[string]struct{ token, active string }{
		"access token":                          {access, both},
		"access token of before":                {first.str("access_token"), both},
		"a client's own access token":           {own, both},
		"a public client's access token":        {public.str("access_token"), "api app"}, // app is registered for the audience as well
		"bound access token":                    {bound.str("access_token"), both},
		"refresh token":                         {third.str("refresh_token"), owner},
		"refresh token that could be retried":   {second.str("refresh_token"), owner},
		"refresh token that was used up":        {first.str("refresh_token"), nobody},
		"a public client's refresh token":       {public.str("refresh_token"), nobody},
		"a bound session's refresh token":       {bound.str("refresh_token"), owner},
		"access token of an ended session":      {ended.str("access_token"), nobody},
		"refresh token of an ended session":     {ended.str("refresh_token"), nobody},
		"ID token":                              {third.str("id_token"), nobody},
		"authorization code":                    {m.code("app", adas), nobody},
		"first-party access token":              {m.login(adas).str("access_token"), nobody},
		"access token with a damaged signature": {damaged, nobody},
		"nonsense":                              {"x", nobody},
		"an unsigned token":                     {"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + strings.Split(access, ".")[1] + ".", nobody},
		"a very long text":                      {strings.Repeat("x", 40<<10), nobody},
	}
	askers := map[string][2]string{"app": m.app, "api": m.api, "others": m.others}
	ask := func(t *testing.T, who, token, active string) {
		t.Helper()
		for _, hint := range []string{"", "access_token", "refresh_token", "magic"} { // only a hint
			a := m.want(m.introspect(askers[who], token, "token_type_hint", hint), 200, "")
			want := strings.Contains(active, who)
			if a.body["active"] != want || !want && strings.TrimSpace(a.raw) != `{"active":false}` || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("to %s with hint %q: %s", who, hint, a.raw)
			}
		}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for who := range askers {
				ask(t, who, c.token, c.active)
			}
		})
	}
	m.now.forward(time.Minute)
	for _, name := range []string{"access token", "a client's own access token"} {
		t.Run("expired "+name, func(t *testing.T) { ask(t, "app", cases[name].token, nobody); ask(t, "api", cases[name].token, nobody) })
	}
	m.now.forward(2 * time.Minute)
	t.Run("expired refresh token", func(t *testing.T) { ask(t, "app", cases["refresh token"].token, nobody) })
}

// What each answer says (RFC 7662 §2.2, RFC 9449 §6.2), and no more.
func TestIntrospectionSays(t *testing.T) {
	m := newMailbox(t, nil)
	key := m.prover()
	a := m.want(m.postProofs(m.url+"/oauth/token", m.app, exchangeOf(m.code("app", adas)), key.proof("POST", "/oauth/token")), 200, "")
	c := jwtOf(t, a.str("access_token"))
	person := map[string]any{
		"active": true, "client_id": "app", "sub": c["sub"], "aud": []any{mail}, "iss": m.url, "scope": "openid email", "sid": a.str("session_id"),
	}
	with := func(more map[string]any) map[string]any {
		for name, value := range person {
			more[name] = value
		}
		return more
	}
	state := m.session(a.str("session_id"))
	for name, want := range map[string]map[string]any{
		a.str("access_token"): with(map[string]any{
			"token_type": "DPoP", "cnf": map[string]any{"jkt": key.thumbprint()}, "jti": c["jti"], "exp": c["exp"], "iat": c["iat"], "nbf": c["nbf"],
		}),
		a.str("refresh_token"): with(map[string]any{"exp": float64(state.NotAfter.Unix())}),
	} {
		if diff := cmp.Diff(want, m.want(m.introspect(m.app, name), 200, "").body); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	b := m.want(key.ready(m.spa).post("/oauth/token", m.spa, exchangeOf(m.code("spa", adas))), 200, "")
	got := m.want(m.introspect(m.api, b.str("access_token")), 200, "")
	if diff := cmp.Diff(map[string]any{"jkt": key.thumbprint()}, got.body["cnf"]); diff != "" {
		t.Errorf("a public client's: %s", got.raw)
	}
	plain := m.want(m.introspect(m.api, m.tokens(m.app).str("access_token")), 200, "")
	if plain.str("token_type") != "Bearer" || plain.body["cnf"] != nil {
		t.Errorf("unbound: %s", plain.raw)
	}
	own := m.want(m.form("/oauth/token", m.app, formOf("grant_type", "client_credentials", "scope", "read")), 200, "")
	got = m.want(m.introspect(m.api, own.str("access_token")), 200, "")
	if got.str("sub") != "app" || got.str("client_id") != "app" || got.body["sid"] != nil || got.str("scope") != "read" {
		t.Errorf("a client's own: %s", got.raw)
	}
}

// Changes show at once.
func TestIntrospectionFollows(t *testing.T) {
	m := newMailbox(t, nil)
	root, _ := m.operator("root@example.com")
	operator := func(method, path, body string) {
		t.Helper()
		if a := m.call(method, m.admin+path, body, "Authorization", "Bearer "+root); a.status/100 != 2 {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
		}
	}
	active := func(token string) any {
		t.Helper()
		return m.want(m.introspect(m.api, token), 200, "").body["active"]
	}
	a := m.tokens(m.app).str("access_token")
	own := m.want(m.form("/oauth/token", m.app, formOf("grant_type", "client_credentials", "scope", "read")), 200, "").str("access_token")
	if active(a) != true || active(own) != true {
		t.Fatal("not active to begin with")
	}
	operator("PATCH", fmt.Sprint("/admin/users/", jwtOf(t, a)["sub"]), `{"disabled":true}`)
	if active(a) != false || active(own) != true {
		t.Error("a disabled person's token is active, or a client's own isn't")
	}
	operator("DELETE", "/admin/clients/app", "")
	if active(own) != false {
		t.Error("a deleted client's own token is active")
	}
}

// unledgered is a ledger that can't be reached.
type unledgered struct {
	session.Ledger
	lost bool
}

func (u *unledgered) Find(ctx context.Context, s id.Session) (session.Session, session.Person, error) {
	if u.lost {
		return session.Session{}, session.Person{}, store.ErrUnavailable
	}
	return u.Ledger.Find(ctx, s)
}

// unlooked are generations that can't be reached.
type unlooked struct {
	session.Generations
	lost bool
}

func (u *unlooked) Look(ctx context.Context, s id.Session) (session.State, error) {
	if u.lost {
		return session.State{}, store.ErrUnavailable
	}
	return u.Generations.Look(ctx, s)
}

// That it can't be told is never "inactive", and never "revoked" (RFC 7009 §2.2.1).
func TestIntrospectionAndRevocationCantTell(t *testing.T) {
	var ledger unledgered
	var generations unlooked
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) {
		ledger.Ledger, generations.Generations = b.Ledger, b.Generations
		b.Ledger, b.Generations = &ledger, &generations
	}}
	s.serve(nil)
	s.person(adas)
	app := s.client(client.Client{ID: "app", Grants: []string{"password", "refresh_token"}, Scopes: []string{"read"}})
	a := s.want(s.form("/oauth/token", app, formOf("grant_type", "password", "username", adas, "password", password)), 200, "")
	ledger.lost, generations.lost = true, true
	for _, token := range []string{a.str("access_token"), a.str("refresh_token")} {
		for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
			if got := s.want(s.form(path, app, formOf("token", token)), 503, "temporarily_unavailable"); got.header.Get("Retry-After") == "" {
				t.Errorf("%s: %v", path, got.header)
			}
		}
	}
	ledger.lost, generations.lost = false, false
	if got := s.want(s.form("/oauth/introspect", app, formOf("token", a.str("access_token"))), 200, ""); got.body["active"] != true {
		t.Errorf("afterwards: %s", got.raw)
	}
}

func TestIntrospectionRefused(t *testing.T) {
	s := start(t, nil)
	api := s.client(client.Client{ID: "api"})
	s.client(client.Client{ID: "spa", Public: true})
	for name, c := range map[string]struct {
		a      answer
		status int
		code   string
	}{
		"public client":       {s.form("/oauth/introspect", [2]string{"spa"}, formOf("token", "x")), 401, "invalid_client"},
		"the first-party one": {s.form("/oauth/introspect", [2]string{"signet"}, formOf("token", "x")), 401, "invalid_client"},
		"wrong secret":        {s.form("/oauth/introspect", [2]string{"api", "sgs_wrong"}, formOf("token", "x")), 401, "invalid_client"},
		"nobody":              {s.form("/oauth/introspect", [2]string{}, formOf("token", "x")), 400, "invalid_request"},
		"no token":            {s.form("/oauth/introspect", api, formOf("token", "")), 400, "invalid_request"},
		"two tokens":          {s.form("/oauth/introspect", api, formOf("token", "x", "token", "y")), 400, "invalid_request"},
		"token in the URL":    {s.form("/oauth/introspect?token=x", api, formOf()), 400, "invalid_request"},
		"JSON":                {s.post("/oauth/introspect", `{"token":"x"}`), 415, "invalid_request"},
		"GET":                 {s.call("GET", s.url+"/oauth/introspect?token=x", ""), 405, "method_not_allowed"},
	} {
		if c.a.status != c.status || c.a.str("error") != c.code || c.status == 401 && c.a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s, want %d %s", name, c.a.status, c.a.raw, c.status, c.code)
		}
	}
}

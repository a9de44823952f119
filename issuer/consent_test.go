package issuer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/store"
)

const (
	apiA = "https://a.example"
	apiB = "https://b.example/v1"
)

// twoAPIs is a client of two resource servers, the first of which it gets unless it
// names one.
func (s *server) twoAPIs(name string) [2]string {
	return s.register(name, func(c *client.Client) { c.Audiences = []string{apiA, apiB} })
}

// A consent is to scopes at a resource: nothing is had silently at another (RFC 8707).
func TestConsentOfResource(t *testing.T) {
	s, b, _ := ada(t, nil)
	two := s.twoAPIs("two")
	p := b.logIn(b.get(s.authorizeURL("two", "scope", "read")), adas).look(t, 200, "Where the application may use this:", "<strong>a.example</strong>")
	if strings.Contains(p.raw, apiA) || strings.Contains(p.raw, "b.example") {
		t.Errorf("more than the host: %s", p.raw)
	}
	b.allow(p)
	silent := func(pairs ...string) url.Values {
		return b.get(s.authorizeURL("two", append([]string{"prompt", "none"}, pairs...)...)).read(t, callback)
	}
	both := func(scope string) url.Values {
		return b.get(s.authorizeURL("two", "prompt", "none", "scope", scope)+"&"+url.Values{"resource": {apiA, apiB}}.Encode()).read(t, callback)
	}
	for name, c := range map[string]struct {
		got  url.Values
		want string
	}{
		"as allowed":           {silent("scope", "read"), ""},
		"by name":              {silent("scope", "read", "resource", apiA), ""},
		"more scope":           {silent("scope", "read email"), "consent_required"},
		"another resource":     {silent("scope", "read", "resource", apiB), "consent_required"},
		"both resources":       {both("read"), "consent_required"},
		"unknown":              {silent("scope", "read", "resource", "https://c.example"), "invalid_target"},
		"another, wider scope": {silent("scope", "read email", "resource", apiB), "consent_required"},
	} {
		if c.got.Get("error") != c.want || (c.want == "") != c.got.Has("code") {
			t.Errorf("%s: %v, want %q", name, c.got, c.want)
		}
	}
	p = b.get(s.authorizeURL("two", "scope", "email", "resource", apiB)).look(t, 200, "<strong>b.example</strong> <code>"+apiB+"</code>")
	code := b.allow(p).read(t, callback).Get("code")
	if aud := jwtOf(t, s.want(s.exchange(two, code), 200, "").str("access_token"))["aud"]; aud != apiB {
		t.Errorf("for %v", aud)
	}
	// What was allowed at each is not allowed at the other.
	for _, c := range [][2]string{{"read", apiB}, {"email", apiA}} {
		if got := silent("scope", c[0], "resource", c[1]); got.Get("error") != "consent_required" {
			t.Errorf("%v: %v", c, got)
		}
	}
	if got := both("email"); got.Get("error") != "consent_required" {
		t.Errorf("email at both: %v", got)
	}
	b.get("/ui/account").look(t, 200, "<code>read</code>", "<strong>a.example</strong>", "See your email address", "<strong>b.example</strong> <code>"+apiB+"</code>")
}

// The page doesn't speak of resources where there is the default alone.
func TestConsentOfDefault(t *testing.T) {
	s, b, _ := ada(t, nil)
	p := b.logIn(b.get(s.authorizeURL("web")), adas)
	b.allow(p)
	for _, p := range []page{p, b.get("/ui/account")} {
		if p.look(t, 200, "See your email address"); strings.Contains(p.raw, "Where the application may use this") || strings.Contains(p.raw, `class="places"`) {
			t.Errorf("%s speaks of resources: %s", p.url, p.raw)
		}
	}
}

// A resource is text on the pages, whatever it is.
func TestConsentResourceIsText(t *testing.T) {
	s, b, _ := ada(t, nil)
	const odd = "urn:x:&lt;b>'"
	s.register("odd", func(c *client.Client) { c.Audiences = []string{odd} })
	p := b.logIn(b.get(s.authorizeURL("odd")), adas)
	b.allow(p)
	for _, p := range []page{p, b.get("/ui/account")} {
		if p.look(t, 200, odd); !strings.Contains(p.raw, "<code>urn:x:&amp;lt;b&gt;&#39;</code>") {
			t.Errorf("%s: %s", p.url, p.raw)
		}
	}
}

// fromBefore has consents without their resources: those from before those were kept.
type fromBefore struct{ grant.Consents }

func (f fromBefore) Find(ctx context.Context, u id.User, c id.Client) (grant.Consent, error) {
	given, err := f.Consents.Find(ctx, u, c)
	if err == nil {
		given.Allowed = []grant.Allowed{{Scope: given.Scope()}}
	}
	return given, err
}

// Who consented before resources were kept isn't asked again, but where the client wants
// more than it gets unasked.
func TestConsentFromBefore(t *testing.T) {
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) { b.Consents = fromBefore{b.Consents} }}
	s.serve(nil)
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	s.twoAPIs("two")
	b := s.browser()
	b.allow(b.logIn(b.get(s.authorizeURL("two", "scope", "read")), adas))
	if got := b.get(s.authorizeURL("two", "scope", "read")).read(t, callback); got.Get("code") == "" {
		t.Errorf("asked again: %v", got)
	}
	if p := b.get(s.authorizeURL("two", "scope", "read", "resource", apiB)); !p.on("consent") {
		t.Errorf("not asked: %s", p.leaves)
	}
}

// A code is good no longer when what it was given for is taken back before it is
// exchanged; any other change of the person's does it no harm.
func TestCodeOfWithdrawnConsent(t *testing.T) {
	s, b, web := ada(t, nil)
	withdraw := func() {
		p := b.get("/ui/account")
		b.submit("/ui/account/withdraw", p.with("client", "web")).look(t, 200, "Withdrawn.")
	}
	first, remembered := b.code("web", adas), b.code("web", adas)
	other := s.register("other", nil)
	others := b.code("other", adas)
	withdraw()
	for name, code := range map[string]string{"agreed to": first, "remembered": remembered} {
		if a := s.exchange(web, code); a.status != 400 || a.str("error") != "invalid_grant" {
			t.Errorf("a code that was %s: %d %s", name, a.status, a.raw)
		}
	}
	s.want(s.exchange(other, others), 200, "") // another client's

	trusted := s.register("trusted", func(c *client.Client) { c.Trusted = true })
	web = [2]string{"web", web[1]}
	used, kept, narrow, own := b.code("web", adas), b.code("web", adas), b.code("web", adas, "scope", "openid"), b.code("trusted", adas)
	s.want(s.exchange(web, used), 200, "")
	u, err := s.db.Backend().Accounts.ByEmail(t.Context(), adas)
	s.must(err)
	u.Roles = []string{"reader"}
	_, err = s.db.Backend().Accounts.Save(t.Context(), u, noEnding, audit.New(t.Context(), audit.UserChanged, s.clock()))
	s.must(err)
	roles := jwtOf(t, s.want(s.exchange(web, kept), 200, "").str("access_token"))["roles"]
	if got, _ := roles.([]any); len(got) != 1 || got[0] != "reader" {
		t.Errorf("roles %v", roles)
	}
	s.want(s.exchange(trusted, own), 200, "") // nobody was asked
	withdraw()
	s.want(s.exchange(web, used), 400, "invalid_grant")
	s.want(s.exchange(web, narrow), 400, "invalid_grant")
	// Given again, for less than the code is for.
	wide := b.code("web", adas, "scope", "openid email")
	withdraw()
	b.code("web", adas, "scope", "openid")
	s.want(s.exchange(web, wide), 400, "invalid_grant")
}

// withdrawsAt takes a consent back just after it was looked at, as the person may in
// another tab.
type withdrawsAt struct {
	grant.Consents
	at *bool
}

func (w withdrawsAt) Find(ctx context.Context, u id.User, c id.Client) (grant.Consent, error) {
	given, err := w.Consents.Find(ctx, u, c)
	if err == nil && *w.at {
		*w.at = false
		e := audit.New(ctx, audit.ConsentTaken, given.Given)
		err = w.Withdraw(ctx, u, c, e)
	}
	return given, err
}

// A withdrawal between the look at the consent and the code comes in time as well.
func TestCodeOfConsentWithdrawnMeanwhile(t *testing.T) {
	var now bool
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) { b.Consents = withdrawsAt{b.Consents, &now} }}
	s.serve(nil)
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	b, web := s.browser(), s.register("web", nil)
	b.code("web", adas)
	now = true
	code := b.get(s.authorizeURL("web")).read(t, callback).Get("code")
	if now || code == "" {
		t.Fatalf("not withdrawn meanwhile, or no code: %q", code)
	}
	s.want(s.exchange(web, code), 400, "invalid_grant")
}

// What waits for a person is held against its client as it is when they go on.
func TestClientChangesMeanwhile(t *testing.T) {
	s, b, _ := ada(t, nil)
	token, _ := s.operator("root@example.com")
	patch := func(name string, body map[string]any) {
		t.Helper()
		raw, err := json.Marshal(body)
		s.must(err)
		s.want(s.call("PATCH", s.admin+"/admin/clients/"+name, string(raw), "Authorization", "Bearer "+token), 200, "")
	}
	b.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
	const asked = "openid email read offline_access"
	for name, c := range map[string]struct {
		change map[string]any // nil: deleted
		pairs  []string
		want   string // an error that the client is told; "page": a page; else the scope granted
	}{
		"nothing":                {map[string]any{"name": "X"}, nil, asked},
		"scope narrowed":         {map[string]any{"scopes": []string{"openid", "profile", "read"}}, nil, "openid read"},
		"no refresh any more":    {map[string]any{"grants": []string{"authorization_code"}}, nil, "openid email read"},
		"no scope left":          {map[string]any{"scopes": []string{"phone"}}, nil, "invalid_scope"},
		"no code any more":       {map[string]any{"grants": []string{"refresh_token"}}, nil, "unauthorized_client"},
		"resource taken away":    {map[string]any{"audiences": []string{apiA}}, []string{"resource", apiB}, "invalid_target"},
		"other resource left":    {map[string]any{"audiences": []string{apiB}}, []string{"resource", apiB}, asked},
		"redirect taken away":    {map[string]any{"redirect_uris": []string{"https://client.example/other"}}, nil, "page"},
		"deleted":                {nil, nil, "page"},
		"claim's scope narrowed": {map[string]any{"scopes": []string{"openid"}}, []string{"scope", "openid", "claims", `{"id_token":{"email":null}}`}, "openid"},
	} {
		t.Run(name, func(t *testing.T) {
			key := strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "'", "")
			web := s.twoAPIs(key)
			p := b.get(s.authorizeURL(key, append([]string{"scope", asked}, c.pairs...)...)).look(t, 200)
			if c.change == nil {
				s.want(s.call("DELETE", s.admin+"/admin/clients/"+key, "", "Authorization", "Bearer "+token), 204, "")
			} else {
				patch(key, c.change)
			}
			done := b.submit(p.url, p.with("decision", "allow"))
			if c.want == "page" {
				done.look(t, 410, "This request is over")
				return
			}
			got := done.read(t, callback)
			if !got.Has("code") {
				if got.Get("error") != c.want || got.Get("state") != "s t&a" {
					t.Errorf("%v, want %q", got, c.want)
				}
				if _, err := s.db.Backend().Consents.Find(t.Context(), s.userID(adas), id.Client(key)); err == nil {
					t.Error("a consent to nothing is kept")
				}
				return
			}
			a := s.want(s.exchange(web, got.Get("code")), 200, "")
			if a.str("scope") != c.want {
				t.Errorf("granted %q, want %q", a.str("scope"), c.want)
			}
			if claims := jwtOf(t, a.str("id_token")); strings.HasPrefix(name, "claim") && claims["email"] != nil {
				t.Errorf("the claim is given: %v", claims)
			}
			given, err := s.db.Backend().Consents.Find(t.Context(), s.userID(adas), id.Client(key))
			s.must(err)
			if words := strings.Fields(c.want); len(given.Scope()) != len(words) {
				t.Errorf("consented to %v, want %v", given.Scope(), words)
			}
		})
	}
}

// It is so as well where a login alone was waited for.
func TestClientChangesBeforeLogin(t *testing.T) {
	s, b, web := ada(t, nil)
	token, _ := s.operator("root@example.com")
	ask := s.authorizeURL("web", "scope", "openid email read", "prompt", "login")
	b.allow(b.logIn(b.get(ask), adas))
	for _, c := range []struct{ change, want string }{
		{`{"scopes":["openid","read"]}`, "openid read"},
		{`{"scopes":["phone"]}`, "invalid_scope"},
		{`{"grants":["refresh_token"]}`, "unauthorized_client"},
	} {
		s.want(s.call("PATCH", s.admin+"/admin/clients/web", `{"scopes":["openid","email","read"]}`, "Authorization", "Bearer "+token), 200, "")
		p := b.get(ask)
		s.want(s.call("PATCH", s.admin+"/admin/clients/web", c.change, "Authorization", "Bearer "+token), 200, "")
		got := b.logIn(p, adas).read(t, callback)
		if !got.Has("code") {
			if got.Get("error") != c.want {
				t.Errorf("%s: %v, want %q", c.change, got, c.want)
			}
			continue
		}
		if a := s.want(s.exchange(web, got.Get("code")), 200, ""); a.str("scope") != c.want {
			t.Errorf("%s: granted %q, want %q", c.change, a.str("scope"), c.want)
		}
	}
}

func (s *server) userID(email string) id.User {
	s.t.Helper()
	u, err := s.db.Backend().Accounts.ByEmail(s.t.Context(), email)
	s.must(err)
	return u.ID
}

// What the page showed is what is agreed to, also where the client gets back meanwhile
// what it had lost.
func TestClientNarrowedAndBack(t *testing.T) {
	s, b, web := ada(t, nil)
	token, _ := s.operator("root@example.com")
	patch := func(body string) {
		t.Helper()
		s.want(s.call("PATCH", s.admin+"/admin/clients/web", body, "Authorization", "Bearer "+token), 200, "")
	}
	p := b.get(s.authorizeURL("web", "scope", "openid email read"))
	patch(`{"scopes":["openid","read"]}`)
	p = b.logIn(p, adas).look(t, 200, "<code>read</code>")
	if strings.Contains(p.raw, "See your email address") {
		t.Errorf("the page asks for what can't be had: %s", p.raw)
	}
	patch(`{"scopes":["openid","email","read"]}`)
	a := s.want(s.exchange(web, b.allow(p).read(t, callback).Get("code")), 200, "")
	if a.str("scope") != "openid read" {
		t.Errorf("granted %q", a.str("scope"))
	}
}

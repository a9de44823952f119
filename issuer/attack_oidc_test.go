package issuer_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/store"
)

// A code for offline_access opens a login of its own. It must not outlive what ended the
// login that it was given in: a thief would keep one in hand for the moment when they are
// found.
func TestOfflineCodeEndsWithItsLogin(t *testing.T) {
	for name, end := range map[string]func(owner *browser, p page){
		"password changed": func(owner *browser, p page) {
			owner.submit("/ui/account/password", p.with("old", password, "new", "another "+password))
		},
		"logged out elsewhere": func(owner *browser, p page) { owner.submit("/ui/account/end-others", p.hidden()) },
	} {
		t.Run(name, func(t *testing.T) {
			s, thief, web := ada(t, nil)
			code := thief.code("web", adas, "scope", "openid offline_access")
			owner := s.browser()
			owner.logIn(owner.get("/ui/login"), adas)
			end(owner, owner.get("/ui/account"))
			if p := thief.get("/ui/account"); !p.on("login") {
				t.Fatalf("the thief is still logged in: %s", p.url)
			}
			s.want(s.exchange(web, code), 400, "invalid_grant")
		})
	}
}

// A code for offline_access that comes a second time ends what it gave, also when the
// browser's login is over by then.
func TestOfflineCodeReplayedAfterLogout(t *testing.T) {
	s, b, web := ada(t, nil)
	code := b.code("web", adas, "scope", "openid offline_access")
	first := s.want(s.exchange(web, code), 200, "")
	p := b.get("/ui/logout")
	b.submit(p.url, p.with("decision", "logout"))
	s.want(s.exchange(web, code), 400, "invalid_grant")
	s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.str("refresh_token")}}), 400, "invalid_grant")
}

// A client that registered itself has no audience but this issuer's own: tokens for the
// operator's APIs, with the person's roles in them, are the operator's to give.
func TestSelfRegisteredAudience(t *testing.T) {
	const api = "https://api.example.com"
	s, b, _ := ada(t, func(cfg *issuer.Settings) { open(cfg); cfg.Audience = []string{api} })
	c := s.enroll(with("grant_types", `["authorization_code","refresh_token"]`))
	who := [2]string{c.id(), c.str("client_secret")}
	a := s.want(s.exchange(who, b.code(c.id(), adas)), 200, "")
	again := s.want(s.form("/oauth/token", who, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}}), 200, "")
	for _, access := range []string{a.str("access_token"), again.str("access_token")} {
		if aud := audienceOf(t, access); aud != s.url {
			t.Errorf("an access token for %s", aud)
		}
	}
	s.want(s.call("GET", s.url+"/oidc/userinfo", "", "Authorization", "Bearer "+a.str("access_token")), 200, "")
	if got := b.get(s.authorizeURL(c.id(), "resource", api)).read(t, callback); got.Get("error") != "invalid_target" {
		t.Errorf("asked for the API: %v", got)
	}
	own := s.enroll(`{"grant_types":["client_credentials"]}`, "Authorization", "Bearer "+initial)
	token := s.want(s.form("/oauth/token", [2]string{own.id(), own.str("client_secret")}, url.Values{"grant_type": {"client_credentials"}}), 200, "")
	if aud := audienceOf(t, token.str("access_token")); aud != s.url {
		t.Errorf("a client's own token for %s", aud)
	}
}

// audienceOf is the one audience of a token, whichever way it is written.
func audienceOf(t *testing.T, token string) string {
	t.Helper()
	switch aud := jwtOf(t, token)["aud"].(type) {
	case string:
		return aud
	case []any:
		if one, ok := aud[0].(string); ok && len(aud) == 1 {
			return one
		}
	}
	t.Fatalf("not one audience: %v", jwtOf(t, token)["aud"])
	return ""
}

// The refresh cookie can be planted by another host of the same domain; the access cookie
// (__Host-) can't. So the one is good only beside the other of the same session: nobody
// is logged in as somebody else by it.
func TestPlantedRefreshCookie(t *testing.T) {
	s := start(t, nil)
	s.person(adas)
	s.person("mallory@example.com")
	jar := func(email string) (access, refresh string) {
		in := s.want(s.post("/login", `{"email":"`+email+`","password":"`+password+`","cookies":true}`), 200, "")
		for _, c := range in.cookies {
			switch c.Name {
			case "__Host-signet_access":
				access = c.Name + "=" + c.Value
			case "__Secure-signet_refresh":
				refresh = c.Name + "=" + c.Value
			}
		}
		return access, refresh
	}
	access, refresh := jar(adas)
	_, planted := jar("mallory@example.com")
	for name, cookies := range map[string]string{
		"nobody logged in": planted, "another's session": access + "; " + planted, "no token": "__Host-signet_access=x; " + planted,
	} {
		a := s.want(s.post("/refresh", "", "Cookie", cookies), 401, "invalid_grant")
		for _, c := range a.cookies {
			if c.Name == "__Host-signet_access" && c.Value != "" {
				t.Errorf("%s: logged in by a planted cookie", name)
			}
		}
	}
	s.want(s.post("/refresh", "", "Cookie", access+"; "+refresh), 200, "")
}

// counting counts what is to be remembered.
type counting struct {
	grant.Store
	n *atomic.Int64
}

func (c counting) Once(ctx context.Context, name string, now, until time.Time) (bool, error) {
	c.n.Add(1)
	return c.Store.Once(ctx, name, now, until)
}

// Who has nothing to present can't fill the memory of proofs, which all replicas share: a
// proof of a key that anybody can make is remembered once what came with it could be good.
func TestProofsOfNobodyTakeNoRoom(t *testing.T) {
	var n atomic.Int64
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) { b.Waiting = counting{b.Waiting, &n} }}
	s.serve(nil)
	spa := s.register("spa", public)
	key := s.prover().ready(spa)
	n.Store(0)
	for name, a := range map[string]answer{
		"userinfo":        key.userinfo("not.a.token"),
		"a refresh token": key.token(spa, "grant_type", "refresh_token", "refresh_token", "sgr_x"),
		"a code":          key.post("/oauth/token", spa, exchangeOf("sgc_"+strings.Repeat("A", 43))),
		"no code":         key.token(spa, "grant_type", "authorization_code"),
	} {
		if a.status != http.StatusBadRequest && a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if n.Load() != 0 {
		t.Errorf("%d proofs were remembered", n.Load())
	}
}

package issuer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// hearer is the site of clients that are told of logouts, by https on loopback, each at a
// path of its name.
type hearer struct {
	*httptest.Server
	mu     sync.Mutex          // guards:
	status int                 // to answer with
	heard  map[string][]string // logout tokens that were answered with 200, by client
	calls  int
	hang   chan struct{} // slow's answers wait for it
}

func newHearer(t *testing.T) *hearer {
	h := &hearer{status: 200, heard: map[string][]string{}, hang: make(chan struct{})}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(h.serve))
	h.Config.ErrorLog = nil
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

func (h *hearer) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "slow" {
		select {
		case <-h.hang:
		case <-r.Context().Done():
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if r.Method != "POST" || r.ParseForm() != nil || len(r.PostForm) != 1 {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if h.status == 200 {
		h.heard[name] = append(h.heard[name], r.PostForm.Get("logout_token"))
	}
	w.Header().Set("Location", h.URL+"/elsewhere")
	w.WriteHeader(h.status)
}

func (h *hearer) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func (h *hearer) called() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls
}

// told are the logout tokens that a client took.
func (h *hearer) told(name string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.heard[name]...)
}

// allow makes settings by which the site may be called.
func (h *hearer) allow(t *testing.T) func(*issuer.Settings) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *issuer.Settings) { c.OutboundCA, c.OutboundAllow = path, []string{"127.0.0.1"} }
}

// listener registers a client that is told of logouts at the site.
func (s *server) listener(h *hearer, name string, edit func(*client.Client)) [2]string {
	s.t.Helper()
	return s.leaver(name, func(c *client.Client) {
		c.BackchannelLogoutURI, c.BackchannelSession = h.URL+"/"+name, true
		if edit != nil {
			edit(c)
		}
	})
}

// listeners are a server whose clients may be called, a site, and Ada's browser.
func listeners(t *testing.T) (*server, *hearer, *browser) {
	h := newHearer(t)
	s := start(t, h.allow(t))
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	return s, h, s.browser()
}

// checkLogoutToken checks a logout token as a client must (OpenID Connect Back-Channel
// Logout 1.0 §2.6), with another JOSE library than signs.
func (s *server) checkLogoutToken(raw string, alg jose.SignatureAlgorithm, c string, tokens answer) map[string]any {
	s.t.Helper()
	var set jose.JSONWebKeySet
	s.must(json.Unmarshal([]byte(s.call("GET", s.url+"/.well-known/jwks.json", "").raw), &set))
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{alg})
	s.must(err)
	body, err := signed.Verify(set)
	s.must(err)
	if typ := signed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType]; typ != "logout+jwt" {
		s.t.Errorf("typ %v", typ)
	}
	var got map[string]any
	s.must(json.Unmarshal(body, &got))
	for name, want := range map[string]any{
		"iss": s.url, "aud": c, "sid": tokens.str("session_id"), "sub": jwtOf(s.t, tokens.str("access_token"))["sub"],
	} {
		if got[name] != want {
			s.t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	events, _ := got["events"].(map[string]any)
	event, isObject := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	if len(events) != 1 || !isObject || len(event) != 0 {
		s.t.Errorf("events %v", got["events"])
	}
	issued, _ := got["iat"].(float64)
	if age := s.clock().Sub(time.Unix(int64(issued), 0)); age < 0 || age > 10*time.Second || got["exp"] != issued+120 {
		s.t.Errorf("iat %v, exp %v", got["iat"], got["exp"])
	}
	if _, there := got["nonce"]; there || got["jti"] == "" || len(got) != 8 {
		s.t.Errorf("claims %v", got)
	}
	return got
}

// TestBackchannelRPInitiatedLogout is oidcc-backchannel-rp-initiated-logout: all clients of
// the login are told, each of its own session, and by its ID token's algorithm.
func TestBackchannelRPInitiatedLogout(t *testing.T) {
	s, h, b := listeners(t)
	one := s.listener(h, "one", nil)
	two := s.listener(h, "two", func(c *client.Client) { c.IDTokenAlg = "RS256" })
	deaf := s.leaver("deaf", nil)
	in, other := b.tokens(one, adas), b.tokens(two, adas)
	b.tokens(deaf, adas)
	if p := b.get(logoutURL("id_token_hint", in.str("id_token"), "post_logout_redirect_uri", goodbye)); p.leaves != goodbye {
		t.Fatalf("sent to %q", p.leaves)
	}
	eventually(t, func() bool { return len(h.told("one")) == 1 && len(h.told("two")) == 1 })
	first := s.checkLogoutToken(h.told("one")[0], jose.ES256, "one", in)
	second := s.checkLogoutToken(h.told("two")[0], jose.RS256, "two", other)
	if first["jti"] == second["jti"] || first["sid"] == second["sid"] {
		t.Errorf("alike: %v and %v", first, second)
	}
	if n := h.called(); n != 2 {
		t.Errorf("%d calls", n)
	}
	// It is no ID token, whatever it says.
	b.get(logoutURL("id_token_hint", h.told("one")[0])).wantRefused(t, "a logout token as id_token_hint")
}

// Whatever way a session ends, its client is told, once.
func TestBackchannelEveryEnd(t *testing.T) {
	s, h, _ := listeners(t)
	web := s.listener(h, "web", func(c *client.Client) { c.Grants = append(c.Grants, client.GrantPassword) })
	admin, _ := s.operator("root@example.com")
	delete := func(path string) {
		s.want(s.call("DELETE", s.admin+path, "", "Authorization", "Bearer "+admin), 204, "")
	}
	for name, end := range map[string]func(b *browser, in answer){
		"logout page": func(b *browser, _ answer) { b.confirm(b.get("/ui/logout")) },
		"cookie lost": func(_ *browser, in answer) { s.browser().get(logoutURL("id_token_hint", in.str("id_token"))) },
		"revocation": func(_ *browser, in answer) {
			s.form("/oauth/revoke", web, url.Values{"token": {in.str("refresh_token")}})
		},
		"an operator": func(_ *browser, in answer) { delete("/admin/sessions/" + in.str("session_id")) },
		"consent withdrawn": func(b *browser, _ answer) {
			b.submit("/ui/account/withdraw", b.get("/ui/account").with("client", "web"))
		},
		"reuse": func(_ *browser, in answer) {
			next := s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {in.str("refresh_token")}}), 200, "")
			for range 2 {
				next = s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {next.str("refresh_token")}}), 200, "")
			}
			s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {in.str("refresh_token")}}), 400, "invalid_grant")
		},
	} {
		b := s.browser()
		in := b.tokens(web, adas)
		before := len(h.told("web"))
		end(b, in)
		if s.live(in) {
			t.Errorf("%s: the session lives", name)
			continue
		}
		eventually(t, func() bool { return len(h.told("web")) > before })
		s.checkLogoutToken(h.told("web")[before], jose.ES256, "web", in)
	}

	t.Run("password grant, password changed", func(t *testing.T) {
		in := s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"password"}, "username": {adas}, "password": {password}}), 200, "")
		before := len(h.told("web"))
		own := s.login(adas)
		s.want(s.post("/password", `{"old":"`+password+`","new":"another horse battery"}`, "Authorization", "Bearer "+own.str("access_token")), 204, "")
		eventually(t, func() bool { return len(h.told("web")) > before })
		s.checkLogoutToken(h.told("web")[before], jose.ES256, "web", in)
	})
}

// The client of a session with offline_access is told when the browser's login ends that
// it came from, once, by the sid of its ID token; its refresh token goes on. When that
// session ends too, it is told again (§2.7).
func TestBackchannelOffline(t *testing.T) {
	s, h, _ := listeners(t)
	web := s.listener(h, "web", nil)
	refresh := func(in answer) answer {
		return s.form("/oauth/token", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {in.str("refresh_token")}})
	}
	for name, end := range map[string]func(b *browser, in answer){
		"logout page": func(b *browser, _ answer) { b.confirm(b.get("/ui/logout")) },
		"the client":  func(b *browser, in answer) { b.get(logoutURL("id_token_hint", in.str("id_token"))) },
		"another device": func(b *browser, _ answer) {
			other := s.browser()
			other.submit("/ui/login", url.Values{"email": {adas}, "password": {password}})
			p := other.get("/ui/account")
			other.submit("/ui/account/end", p.with("device", b.get("/ui/account").hidden().Get("as"), "session", ""))
		},
		"somebody else": func(b *browser, _ answer) {
			b.s.post("/register", `{"email":"bob@example.com","password":"`+password+`"}`)
			b.submit("/ui/login", url.Values{"email": {"bob@example.com"}, "password": {password}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			in := b.tokens(web, adas, "scope", "openid offline_access", "prompt", "consent")
			before := len(h.told("web"))
			told := func(n int) {
				t.Helper()
				eventually(t, func() bool { return len(h.told("web")) >= before+n })
				eventually(t, func() bool { // and no notice is left
					later := s.clock().Add(time.Hour)
					left, err := s.db.Backend().Notices.Due(t.Context(), later, later, 10)
					s.must(err)
					return len(left) == 0
				})
				if got := len(h.told("web")) - before; got != n {
					t.Fatalf("told %d times, want %d", got, n)
				}
				s.checkLogoutToken(h.told("web")[before+n-1], jose.ES256, "web", in)
			}
			end(b, in)
			if p := b.get("/ui/account"); name != "somebody else" && !p.on("login") {
				t.Fatalf("still logged in, on %s", p.url)
			}
			told(1)
			if sid := jwtOf(t, in.str("id_token"))["sid"]; sid != jwtOf(t, h.told("web")[before])["sid"] {
				t.Errorf("not the ID token's sid, %v", sid)
			}
			next := s.want(refresh(in), 200, "")
			s.want(s.form("/oauth/revoke", web, url.Values{"token": {next.str("refresh_token")}}), 200, "")
			told(2)
			s.want(refresh(next), 400, "invalid_grant")
		})
	}
}

// Ten clients of one login, one of which hangs: the nine are told at once.
func TestBackchannelTenClients(t *testing.T) {
	s, h, b := listeners(t)
	var names []string
	var in answer
	for i := range 10 {
		name := fmt.Sprint("app", i)
		if i == 4 {
			name = "slow"
		}
		names = append(names, name)
		in = b.tokens(s.listener(h, name, func(c *client.Client) { c.Trusted = true }), adas)
	}
	begun := time.Now()
	b.get(logoutURL("id_token_hint", in.str("id_token")))
	eventually(t, func() bool {
		for _, name := range names {
			if name != "slow" && len(h.told(name)) != 1 {
				return false
			}
		}
		return true
	})
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("told after %s", took)
	}
	if len(h.told("slow")) != 0 {
		t.Error("slow has answered")
	}
	close(h.hang)
	eventually(t, func() bool { return len(h.told("slow")) == 1 })
}

// A client that answers with an error, or with a redirect, is told again until it takes
// it, with a fresh token each time; nothing follows the redirect.
func TestBackchannelRetries(t *testing.T) {
	h := newHearer(t)
	var now aheadOf
	s := &server{t: t, now: now.time, log: &bytes.Buffer{}}
	s.serve(h.allow(t))
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	b := s.browser()
	in := b.tokens(s.listener(h, "web", nil), adas)
	h.answer(500)
	b.get(logoutURL("id_token_hint", in.str("id_token")))
	eventually(t, func() bool { return h.called() == 1 })
	for i, retry := range []struct {
		after  time.Duration
		status int
	}{{time.Second, 302}, {5 * time.Second, 307}, {30 * time.Second, 400}, {2 * time.Minute, 200}} {
		s.notices(flow.OutcomeFailed, i+1)
		h.answer(retry.status)
		now.forward(retry.after)
		eventually(t, func() bool { return h.called() == i+2 })
	}
	s.notices(flow.OutcomeDelivered, 1)
	if told := h.told("web"); len(told) != 1 {
		t.Errorf("taken %d times", len(told))
	}
	if text := s.call("GET", s.admin+"/metrics", "").raw; !strings.Contains(text, "signet_logout_notice_overdue_seconds 0\n") {
		t.Error("still overdue")
	}
	left, err := s.db.Backend().Notices.Due(t.Context(), now.time().Add(48*time.Hour), now.time(), 10)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// notices waits until so many tries had an outcome, as metrics count them.
func (s *server) notices(o flow.Outcome, n int) {
	s.t.Helper()
	line := fmt.Sprintf("signet_logout_notices_total{outcome=%q} %d\n", o, n)
	eventually(s.t, func() bool { return strings.Contains(s.call("GET", s.admin+"/metrics", "").raw, line) })
}

// A client that registered a private address is not called where no setting allows it.
func TestBackchannelIsGuarded(t *testing.T) {
	h := newHearer(t)
	s := start(t, func(c *issuer.Settings) {
		h.allow(t)(c)
		c.OutboundAllow = nil
	})
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	b := s.browser()
	in := b.tokens(s.listener(h, "web", nil), adas)
	b.get(logoutURL("id_token_hint", in.str("id_token")))
	s.notices(flow.OutcomeFailed, 1)
	if h.called() != 0 {
		t.Error("a loopback address was called")
	}
}

// deadNotices are those of a process that takes them and is killed.
type deadNotices struct{ session.Notices }

func (d deadNotices) Due(ctx context.Context, now, lease time.Time, limit int) ([]session.Notice, error) {
	_, err := d.Notices.Due(ctx, now, lease, limit)
	return nil, err
}

// A process that is killed while it tells loses nothing: another does, when the lease is
// over.
func TestBackchannelSurvivesAKill(t *testing.T) {
	h := newHearer(t)
	var backend store.Backend
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) {
		backend = *b
		b.Notices = deadNotices{b.Notices}
	}}
	var cfg issuer.Settings
	s.serve(func(c *issuer.Settings) { h.allow(t)(c); cfg = *c })
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	b := s.browser()
	in := b.tokens(s.listener(h, "web", nil), adas)
	b.get(logoutURL("id_token_hint", in.str("id_token")))

	ahead := func() time.Time { return time.Now().Add(time.Minute) }
	next, err := issuer.New(t.Context(), issuer.Config{Settings: cfg, Backend: backend, Keeper: s.keeper, Log: zerolog.Nop(), Version: "test", Now: ahead})
	s.must(err)
	running, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- next.Run(running) }()
	defer func() { stop(); s.must(<-done) }()
	eventually(t, func() bool { return len(h.told("web")) == 1 })
	if jwtOf(t, h.told("web")[0])["sid"] != in.str("session_id") {
		t.Error("another session's")
	}
}

// A client that is deleted has nobody to be told any more.
func TestBackchannelClientGone(t *testing.T) {
	s, h, b := listeners(t)
	b.tokens(s.listener(h, "web", nil), adas)
	backend := s.db.Backend()
	_, err := backend.Clients.Delete(t.Context(), "web", audit.New(t.Context(), audit.ClientDeleted, time.Now()))
	s.must(err)
	eventually(t, func() bool {
		later := time.Now().Add(time.Hour)
		left, err := backend.Notices.Due(t.Context(), later, time.Now(), 10)
		s.must(err)
		return len(left) == 0
	})
}

// What the metadata says of logout.
func TestLogoutMetadata(t *testing.T) {
	s := start(t, nil)
	d := s.call("GET", s.url+"/.well-known/openid-configuration", "").body
	for name, want := range map[string]any{
		"end_session_endpoint": s.url + "/oidc/logout", "backchannel_logout_supported": true, "backchannel_logout_session_supported": true,
	} {
		if d[name] != want {
			t.Errorf("%s: %v, want %v", name, d[name], want)
		}
	}
}

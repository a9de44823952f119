package issuer_test

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/store"
)

// asks is an authorization request as it is pushed; pairs as authorizeURL's.
func (s *server) asks(client string, pairs ...string) url.Values {
	s.t.Helper()
	u, err := url.Parse(s.authorizeURL(client, pairs...))
	s.must(err)
	return u.Query()
}

// push pushes a request and returns its request_uri.
func (s *server) push(client [2]string, pairs ...string) string {
	s.t.Helper()
	a := s.want(s.form("/oauth/par", client, s.asks(client[0], pairs...)), 201, "")
	uri := a.str("request_uri")
	if !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || a.body["expires_in"] != 90.0 || a.header.Get("Cache-Control") != "no-store" {
		s.t.Fatalf("pushed: %v %s", a.header, a.raw)
	}
	return uri
}

// pushedURL is where a browser is sent with a pushed request.
func pushedURL(client, uri string, pairs ...string) string {
	v := url.Values{"client_id": {client}, "request_uri": {uri}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return "/oauth/authorize?" + v.Encode()
}

// refusedOnPage fails unless a browser stays here, with an error of a code.
func refusedOnPage(t *testing.T, p page, code string) {
	t.Helper()
	if p.leaves != "" || p.status != 400 || !strings.HasPrefix(p.header.Get("Content-Type"), "text/html") || !strings.Contains(p.raw, code) {
		t.Errorf("%d, sent to %q, want a page with %s: %.900s", p.status, p.leaves, code, p.raw)
	}
}

// What is in the URL beside client_id and request_uri counts for nothing (RFC 9126 §4);
// the request is used once.
func TestPushed(t *testing.T) {
	s, b, web := ada(t, nil)
	uri := s.push(web, "state", "pushed", "scope", "openid")
	target := pushedURL("web", uri, "state", "of the URL", "scope", "openid email", "redirect_uri", "https://evil.example/", "prompt", "none", "response_mode", "fragment")
	p := b.get(target)
	p = b.logIn(p, adas)
	if other := b.get(target); !other.on("consent") { // the page is loaded anew
		t.Errorf("a second look: %d %s", other.status, other.leaves)
	}
	got := b.allow(p).read(t, callback)
	if got.Get("state") != "pushed" || got.Get("iss") != s.url {
		t.Errorf("answer %v", got)
	}
	if a := s.want(s.exchange(web, got.Get("code")), 200, ""); a.str("scope") != "openid" {
		t.Errorf("scope %q", a.str("scope"))
	}
	refusedOnPage(t, b.get(target), "invalid_request_uri")
}

// Two windows on one pushed request: one gets a code.
func TestPushedTwiceAtOnce(t *testing.T) {
	s, b, web := ada(t, nil)
	b.code("web", adas)
	target := pushedURL("web", s.push(web))
	codes := make(chan string, 8)
	var all sync.WaitGroup
	for range cap(codes) {
		window := &browser{s: s, cookies: map[string]string{"__Host-signet_login": b.cookies["__Host-signet_login"]}}
		all.Go(func() {
			to, _ := url.Parse(window.get(target).leaves)
			codes <- to.Query().Get("code")
		})
	}
	all.Wait()
	close(codes)
	given := 0
	for code := range codes {
		if code != "" {
			given++
		}
	}
	if given != 1 {
		t.Errorf("%d codes for one pushed request", given)
	}
}

func TestPushedNotTaken(t *testing.T) {
	var now aheadOf
	s := &server{t: t, now: now.time, log: &bytes.Buffer{}}
	s.serve(nil)
	b, web := s.browser(), s.register("web", nil)
	s.register("other", nil)
	uri := s.push(web)
	refusedOnPage(t, b.get(pushedURL("other", uri)), "invalid_request_uri")
	refusedOnPage(t, b.get(pushedURL("web", uri[:len(uri)-1]+"_")), "invalid_request_uri")
	refusedOnPage(t, b.get(pushedURL("web", uri+"x")), "invalid_request_uri")
	refusedOnPage(t, b.get(pushedURL("web", "urn:ietf:params:oauth:request_uri:")), "invalid_request_uri")
	refusedOnPage(t, b.get(pushedURL("nobody", uri)), "invalid_client")
	refusedOnPage(t, b.get("/oauth/authorize?request_uri="+url.QueryEscape(uri)), "invalid_request")
	refusedOnPage(t, b.get(pushedURL("web", uri)+"&request_uri="+url.QueryEscape(uri)), "invalid_request")
	if p := b.get(pushedURL("web", uri)); !p.on("login") { // all that has not used it up
		t.Errorf("not asked to log in: %d %s", p.status, p.leaves)
	}
	now.forward(grant.PushedLife)
	refusedOnPage(t, b.get(pushedURL("web", uri)), "invalid_request_uri")
	got := b.get(s.authorizeURL("web", "request_uri", "https://client.example/request.jwt")).read(t, callback)
	if got.Get("error") != "request_uri_not_supported" {
		t.Errorf("a request_uri of another kind: %v", got)
	}
}

// What is wrong is told at once, as JSON (RFC 9126 §2.3).
func TestPushRefused(t *testing.T) {
	s := start(t, nil)
	web, spa := s.register("web", nil), s.register("spa", public)
	worker := s.client(client.Client{ID: "worker", Grants: []string{"client_credentials"}, RedirectURIs: []string{callback}, Scopes: []string{"read"}})
	good := s.push(web)
	s.push(spa)
	for name, c := range map[string]struct {
		client [2]string
		form   url.Values
		status int
		code   string
	}{
		"wrong secret":                {[2]string{"web", "sgs_wrong"}, s.asks("web"), 401, "invalid_client"},
		"no secret":                   {[2]string{"web"}, s.asks("web"), 401, "invalid_client"},
		"unknown client":              {[2]string{"nobody"}, s.asks("nobody"), 401, "invalid_client"},
		"another's client_id":         {web, s.asks("spa"), 400, "invalid_request"},
		"with a request_uri":          {web, s.asks("web", "request_uri", good), 400, "invalid_request"},
		"with any request_uri":        {web, s.asks("web", "request_uri", "https://client.example/r"), 400, "invalid_request"},
		"request object":              {web, s.asks("web", "request", "e30.e30."), 400, "request_not_supported"},
		"foreign redirect_uri":        {web, s.asks("web", "redirect_uri", "https://evil.example/"), 400, "invalid_request"},
		"no redirect_uri":             {web, s.asks("web", "redirect_uri", ""), 400, "invalid_request"},
		"response_type token":         {web, s.asks("web", "response_type", "token"), 400, "unsupported_response_type"},
		"no response_type":            {web, s.asks("web", "response_type", ""), 400, "invalid_request"},
		"foreign scope":               {web, s.asks("web", "scope", "nothing"), 400, "invalid_scope"},
		"foreign resource":            {web, s.asks("web", "resource", "https://elsewhere.example"), 400, "invalid_target"},
		"plain challenge":             {web, s.asks("web", "code_challenge_method", "plain"), 400, "invalid_request"},
		"public, without PKCE":        {spa, s.asks("spa", "code_challenge", "", "code_challenge_method", ""), 400, "invalid_request"},
		"prompt none and login":       {web, s.asks("web", "prompt", "none login"), 400, "invalid_request"},
		"twice":                       {web, url.Values{"client_id": {"web"}, "redirect_uri": {callback, callback}}, 400, "invalid_request"},
		"not registered for the code": {worker, s.asks("worker"), 400, "unauthorized_client"},
		"over 64 KiB":                 {web, s.asks("web", "login_hint", strings.Repeat("x", 64<<10)), 413, "invalid_request"},
		"over 64 KiB when kept":       {web, s.asks("web", "claims_locales", strings.Repeat("\x01", 20<<10)), 413, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			if a := s.form("/oauth/par", c.client, c.form); a.status != c.status || a.str("error") != c.code || a.body["request_uri"] != nil {
				t.Errorf("%d %s, want %d %s", a.status, a.raw, c.status, c.code)
			}
		})
	}
	s.want(s.call("GET", s.url+"/oauth/par", ""), 405, "method_not_allowed")
	s.want(s.post("/oauth/par", `{"client_id":"web"}`), 415, "invalid_request")
	s.want(s.post("/oauth/par?"+s.asks("web").Encode(), ""), 415, "invalid_request")
}

// kept shows what is written to the store of what waits.
type kept struct {
	grant.Store
	mu        sync.Mutex
	documents []string
}

func (k *kept) Put(ctx context.Context, name string, document []byte, now, until time.Time) error {
	k.mu.Lock()
	k.documents = append(k.documents, name+string(document))
	k.mu.Unlock()
	return k.Store.Put(ctx, name, document, now, until)
}

// What a client authenticates by isn't kept with what it pushes, nor what it gets.
func TestPushKeepsNoSecret(t *testing.T) {
	var seen kept
	s := &server{t: t, log: &bytes.Buffer{}, edit: func(b *store.Backend) { seen.Store = b.Waiting; b.Waiting = &seen }}
	s.serve(nil)
	web := s.register("web", nil)
	v := s.asks("web")
	v.Set("client_secret", web[1])
	a := s.want(s.form("/oauth/par", [2]string{"web"}, v), 201, "")
	name := strings.TrimPrefix(a.str("request_uri"), "urn:ietf:params:oauth:request_uri:")
	for _, d := range seen.documents {
		if strings.Contains(d, web[1]) || strings.Contains(d, name) || !strings.Contains(d, callback) {
			t.Errorf("kept: %s", d)
		}
	}
	if len(seen.documents) != 1 {
		t.Errorf("%d documents", len(seen.documents))
	}
}

// A client that has to push is refused where it doesn't (RFC 9126 §6), by GET and POST.
func TestPushRequired(t *testing.T) {
	s, b, _ := ada(t, nil)
	web := s.register("strict", func(c *client.Client) { c.RequirePushed = true })
	refusedOnPage(t, b.get(s.authorizeURL("strict")), "invalid_request")
	refusedOnPage(t, b.submit("/oauth/authorize", s.asks("strict")), "invalid_request")
	refusedOnPage(t, b.get(s.authorizeURL("strict", "request_uri", "https://client.example/r")), "invalid_request")
	p := b.logIn(b.submit("/oauth/authorize", url.Values{"client_id": {"strict"}, "request_uri": {s.push(web)}}), adas)
	s.want(s.exchange(web, b.allow(p).read(t, callback).Get("code")), 200, "")
	d := s.discovered()
	if d["pushed_authorization_request_endpoint"] != s.url+"/oauth/par" || d["require_pushed_authorization_requests"] != nil {
		t.Errorf("metadata %v", d)
	}
}

// What a client may not have any more isn't had by a request pushed before.
func TestPushedIsCheckedAgain(t *testing.T) {
	s, b, web := ada(t, nil)
	uri := s.push(web)
	token, _ := s.operator("root@example.com")
	change := s.call("PATCH", s.admin+"/admin/clients/web", `{"redirect_uris":["https://client.example/new"]}`, "Authorization", "Bearer "+token)
	s.want(change, 200, "")
	refusedOnPage(t, b.get(pushedURL("web", uri)), "invalid_request")
}

// A proof that comes with a pushed request binds the code (RFC 9449 §10.1).
func TestPushWithProof(t *testing.T) {
	s, b, spa, key := adaProves(t)
	s.want(key.post("/oauth/par", spa, s.asks("spa")), 400, "use_dpop_nonce")
	a := s.want(key.post("/oauth/par", spa, s.asks("spa")), 201, "")
	p := b.logIn(b.get(pushedURL("spa", a.str("request_uri"))), adas)
	code := b.allow(p).read(t, callback).Get("code")
	s.want(s.exchange(spa, code), 400, "invalid_grant")
	s.want(s.prover().ready(spa).post("/oauth/token", spa, exchangeOf(code)), 400, "invalid_grant")
	s.want(key.post("/oauth/token", spa, exchangeOf(code)), 200, "")

	s.want(key.post("/oauth/par", spa, s.asks("spa", "dpop_jkt", key.thumbprint())), 201, "")
	s.want(key.post("/oauth/par", spa, s.asks("spa", "dpop_jkt", s.prover().thumbprint())), 400, "invalid_dpop_proof")
	s.want(s.postProofs(s.url+"/oauth/par", spa, s.asks("spa"), key.proof("POST", "/oauth/token")), 400, "invalid_dpop_proof")
}

// In the name of a public client anybody pushes; a confidential one pushes for many.
func TestPushIsThrottled(t *testing.T) {
	s := start(t, func(c *issuer.Settings) { c.LoginRate = limit.Rate{Count: 1, Per: time.Hour} })
	web, spa := s.register("web", nil), s.register("spa", public)
	for range 5 {
		s.push(spa)
	}
	if a := s.want(s.form("/oauth/par", spa, s.asks("spa")), 429, "too_many_requests"); a.header.Get("Retry-After") == "" {
		t.Errorf("header %v", a.header)
	}
	s.push(web)
}

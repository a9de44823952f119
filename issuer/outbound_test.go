package issuer_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
)

// enrolled is a client that registered itself, and signs its assertions by the keys of an address.
func (s *server) enrolled(jwksURI string) string {
	s.t.Helper()
	body := fmt.Sprintf(`{"redirect_uris":[%q],"grant_types":["authorization_code","client_credentials"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":%q}`, callback, jwksURI)
	return s.enroll(body, "Authorization", "Bearer "+initial).id()
}

// TestStrangersDelayNobody: clients that registered themselves with an address that doesn't answer take turns, time and
// memory of one another, and none of a client that an operator made, though all of it is on one host.
func TestStrangersDelayNobody(t *testing.T) {
	key := newKey(t)
	set := keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()})
	held, release := make(chan struct{}, 100), make(chan struct{})
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			held <- struct{}{}
			<-release
		}
		_, _ = w.Write(set)
	}))
	t.Cleanup(site.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, func(c *issuer.Settings) { open(c); c.OutboundCA, c.OutboundAllow = ca, []string{"127.0.0.1"} })
	by := signing{alg: jose.ES256, key: key, kid: "a"}
	var under sync.WaitGroup
	var over atomic.Int32
	defer under.Wait()
	done := sync.OnceFunc(func() { close(release) })
	defer done()
	for n := range 12 { // at one host there are 4 at once
		assertion := s.sign(by, s.says(s.enrolled(fmt.Sprintf("%s/slow?%d", site.URL, n))))
		under.Go(func() {
			r, err := http.PostForm(s.url+"/oauth/token", url.Values{
				"grant_type": {"client_credentials"}, "client_assertion_type": {jwtBearer}, "client_assertion": {assertion},
			})
			if over.Add(1); err == nil {
				_ = r.Body.Close()
			}
		})
	}
	for range 4 {
		<-held
	}
	s.signed("app", client.Metadata{JWKSURI: site.URL + "/jwks"})
	s.want(s.assert(s.sign(by, s.says("app")), nil), 200, "")
	if n := over.Load(); n > 0 {
		t.Errorf("the operator's client got its token after %d strangers had given up", n)
	}
	line := `signet_outbound_call_seconds_count{clients="operators",outcome="ok",purpose="jwks_uri"} 1` + "\n"
	if text := s.call("GET", s.admin+"/metrics", "").raw; !strings.Contains(text, line) {
		t.Errorf("no %s in the metrics", line)
	}
	done()
	under.Wait()
	seen := `signet_outbound_call_seconds_count{clients="registered",outcome="ok",purpose="jwks_uri"} `
	if text := s.call("GET", s.admin+"/metrics", "").raw; !strings.Contains(text, seen) {
		t.Errorf("no %s in the metrics", seen)
	}
}

// TestStrangersUseUpNoFetch: a client that registered itself with the jwks_uri of another's can't keep that one's new
// keys from being fetched.
func TestStrangersUseUpNoFetch(t *testing.T) {
	key, next := newKey(t), newKey(t)
	site := newSite(t, keySet(t, jose.JSONWebKey{KeyID: "a", Key: key.Public()}))
	var now aheadOf
	s := &server{t: t, log: &bytes.Buffer{}, now: now.time}
	s.serve(func(c *issuer.Settings) { open(c); c.OutboundCA, c.OutboundAllow = site.ca(t), []string{"127.0.0.1"} })
	s.signed("app", client.Metadata{JWKSURI: site.URL + "/jwks"})
	stranger := s.enrolled(site.URL + "/jwks")
	by, byNext := signing{alg: jose.ES256, key: key, kid: "a"}, signing{alg: jose.ES256, key: next, kid: "b"}
	s.want(s.assert(s.sign(by, s.says("app")), nil), 200, "")
	now.forward(11 * time.Second)
	s.want(s.assert(s.sign(byNext, s.says(stranger)), nil), 401, "invalid_client")
	site.set.Store(keySet(t, jose.JSONWebKey{KeyID: "b", Key: next.Public()}))
	s.want(s.assert(s.sign(byNext, s.says("app")), nil), 200, "")
}

// TestBackchannelAtOnce: where a session ended, its client is told without waiting for the next poll. (By that alone
// four after one another take three seconds at least; a loaded machine has three tries.)
func TestBackchannelAtOnce(t *testing.T) {
	s, h, _ := listeners(t)
	web := s.listener(h, "web", func(c *client.Client) { c.Grants = append(c.Grants, client.GrantPassword) })
	told := 0
	round := func() time.Duration {
		var tokens []string
		for range 4 {
			in := s.want(s.form("/oauth/token", web, url.Values{"grant_type": {"password"}, "username": {adas}, "password": {password}}), 200, "")
			tokens = append(tokens, in.str("refresh_token"))
		}
		begun := time.Now()
		for _, token := range tokens {
			s.want(s.form("/oauth/revoke", web, url.Values{"token": {token}}), 200, "")
			told++
			eventually(t, func() bool { return len(h.told("web")) == told })
		}
		return time.Since(begun)
	}
	for range 3 {
		took := round()
		if took < 2500*time.Millisecond {
			return
		}
		t.Logf("told after %v", took)
	}
	t.Error("clients are told by the poll alone")
}

// TestBackchannelGivenUp: a notice of which a client could not be told for a day is counted, and every call is.
func TestBackchannelGivenUp(t *testing.T) {
	h := newHearer(t)
	var now aheadOf
	s := &server{t: t, now: now.time, log: &bytes.Buffer{}}
	s.serve(h.allow(t))
	s.want(s.post("/register", `{"email":"ada@example.com","password":"`+password+`"}`), 201, "")
	in := s.browser().tokens(s.listener(h, "web", nil), adas)
	h.answer(500)
	s.browser().get(logoutURL("id_token_hint", in.str("id_token")))
	s.notices(flow.OutcomeFailed, 1)
	now.forward(24 * time.Hour)
	s.notices(flow.OutcomeDropped, 1)
	metric := `signet_outbound_call_seconds_count{clients="operators",outcome="status_5xx",purpose="backchannel_logout"} 1` + "\n"
	if text := s.call("GET", s.admin+"/metrics", "").raw; !strings.Contains(text, metric) {
		t.Errorf("no %s in the metrics", metric)
	}
}

package conformance

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

const (
	email    = "ada@example.com"
	password = "a long and winding passphrase"
)

// provider is a running Signet as the suite knows it: by what its documents say.
type provider struct {
	*servers.SignetServer
	site *site
	http *http.Client   // follows no redirect, keeps no cookie
	meta map[string]any // the discovery document
}

// start runs Signet over HTTPS, with open registration, one person of whom everything is
// known, and a client's site that it may call.
func start(t *testing.T) *provider {
	t.Helper()
	p := &provider{site: newSite(t)}
	p.SignetServer = servers.Signet(t, servers.Config{TLS: true, Env: map[string]string{
		"SIGNET_BCRYPT_COST": "10", "SIGNET_HASH_DEADLINE": "20s", "SIGNET_LOG_LEVEL": "warn",
		"SIGNET_LOGIN_RATE": "1000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "1000/m", // all from one address
		"SIGNET_CLIENT_REGISTRATION": "open", "SIGNET_OUTBOUND_CA": p.site.ca(t), "SIGNET_OUTBOUND_ALLOW": "127.0.0.1",
	}})
	p.MustRun(password+"\n", "users", "add", "--email", email, "--password-stdin")
	p.MustRun("", "users", "set", email, "--email-verified", "--name=Ada Lovelace", "--given-name=Ada", "--family-name=Lovelace",
		"--middle-name=King", "--nickname=Ada", "--username=ada", "--profile=https://ada.example/", "--picture=https://ada.example/me.png",
		"--website=https://ada.example/", "--gender=female", "--birthdate=1815-12-10", "--zoneinfo=Europe/London", "--locale=en-GB",
		"--phone=+442083661177", "--phone-verified", "--address=12 St James's Square\nLondon")
	p.http = p.client()
	p.meta = p.call(t, http.MethodGet, p.URL+"/.well-known/openid-configuration", nil).json(t)
	return p
}

// client is an HTTP client that trusts the provider and stops at redirects.
func (p *provider) client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.CA}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
}

// says is a text of the discovery document.
func (p *provider) says(t *testing.T, name string) string {
	t.Helper()
	s, _ := p.meta[name].(string)
	if s == "" {
		t.Fatalf("discovery says no %s", name)
	}
	return s
}

// list is a list of texts of the discovery document; empty where it says none.
func (p *provider) list(name string) (texts []string) {
	values, _ := p.meta[name].([]any)
	for _, v := range values {
		s, _ := v.(string)
		texts = append(texts, s)
	}
	return texts
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    []byte
}

// call sends a request; header in pairs.
func (p *provider) call(t *testing.T, method, address string, body []byte, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := p.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, raw}
}

const formType = "application/x-www-form-urlencoded"

func (p *provider) post(t *testing.T, address string, form url.Values, header ...string) answer {
	t.Helper()
	return p.call(t, http.MethodPost, address, []byte(form.Encode()), append(header, "Content-Type", formType)...)
}

// json is the answer's JSON object.
func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		t.Fatalf("%d, content type %q: %s", a.status, a.header.Get("Content-Type"), a.raw)
	}
	m := map[string]any{}
	if err := json.Unmarshal(a.raw, &m); err != nil {
		t.Fatalf("%v: %s", err, a.raw)
	}
	return m
}

// ok is the answer's JSON object, which must be a success.
func (a answer) ok(t *testing.T, status int) map[string]any {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	return a.json(t)
}

// refused fails unless the answer is an error of RFC 6749 §5.2.
func (a answer) refused(t *testing.T, status int, code string) {
	t.Helper()
	m := a.json(t)
	if a.status != status || m["error"] != code {
		t.Errorf("%d %s, want %d %s", a.status, a.raw, status, code)
	}
	described(t, m["error_description"])
}

// described fails on a description with characters that it must not have (RFC 6749 §5.2).
func described(t *testing.T, description any) {
	t.Helper()
	s, _ := description.(string)
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		t.Errorf("error_description %q", s)
	}
}

// wait lasts as long as the suite waits between two steps. The server is another process,
// with the machine's clock.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

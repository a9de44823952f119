// Package examples runs the example resource servers against a running Signet:
// in Go on net/http, chi and gRPC, each in a module of its own, in Express by two
// libraries, in FastAPI, and (with the build tag interop, for it needs Maven) in
// Spring Boot. All check real tokens by the published keys, before and after a
// rotation.
//
// It owns what a resource server must do with Signet's tokens, told by
// example; it owns no check of the verifier's own, which is tested in its
// package.
package examples

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

const (
	audience = "https://api.example.com"
	password = "a long and winding passphrase"
)

// resourceServers are the examples: each gives the command that runs it.
var resourceServers = []struct {
	name    string
	command func(t *testing.T) []string
}{
	{"gohttp", buildGo("gohttp")},
	{"chi", buildGo("chi")},
	{"express", installNode("express", "server.js", "signet.js")},
	{"express2", installNode("express2", "server.js")},
	{"fastapi", installFastAPI},
}

func TestResourceServers(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two servers and installs npm's packages")
	}
	issuer := startIssuer(t)
	for _, tt := range resourceServers {
		t.Run(tt.name, func(t *testing.T) { checkRotation(t, issuer, tt.name, tt.command(t)) })
	}
}

// startIssuer runs a Signet with a user and an admin.
func startIssuer(t *testing.T) *servers.SignetServer {
	t.Helper()
	issuer := servers.Signet(t, servers.Config{Env: map[string]string{
		"SIGNET_AUDIENCE":           audience,
		"SIGNET_BCRYPT_COST":        "10",
		"SIGNET_LOGIN_RATE":         "1000/m", // these tests log the same two people in again and again
		"SIGNET_LOGIN_RATE_ACCOUNT": "1000/m",
	}})
	issuer.MustRun(password+"\n", "users", "add", "--email", "ann@example.com", "--password-stdin")
	issuer.MustRun(password+"\n", "users", "add", "--email", "root@example.com", "--role", "admin", "--password-stdin")
	return issuer
}

// checkRotation runs an example and checks it before and after a rotation.
func checkRotation(t *testing.T, issuer *servers.SignetServer, name string, command []string) {
	base := startExample(t, name, command, issuer)
	before := login(t, issuer, "ann@example.com", audience)
	t.Run("before", func(t *testing.T) { checkExample(t, base, issuer) })
	rotate(t, issuer, before)
	t.Run("after", func(t *testing.T) { checkExample(t, base, issuer) })
	t.Run("after, with a token from before", func(t *testing.T) {
		want(t, base+"/protected", before, http.StatusOK, "")
	})
}

// checkExample asks both routes with every kind of token.
func checkExample(t *testing.T, base string, issuer *servers.SignetServer) {
	user := login(t, issuer, "ann@example.com", audience)
	admin := login(t, issuer, "root@example.com", audience)
	tests := []struct {
		name, path, token string
		status            int
		code              string // of WWW-Authenticate
	}{
		{"nothing", "/protected", "", http.StatusUnauthorized, ""},
		{"no token at all", "/protected", "password123", http.StatusUnauthorized, "invalid_token"},
		{"a user", "/protected", user, http.StatusOK, ""},
		{"a user at the admins' route", "/admin", user, http.StatusForbidden, "insufficient_scope"},
		{"an admin", "/admin", admin, http.StatusOK, ""},
		{"an altered signature", "/protected", alter(user), http.StatusUnauthorized, "invalid_token"},
		{"no signature", "/protected", unsign(user), http.StatusUnauthorized, "invalid_token"},
		{"another's claims under this signature", "/admin", splice(admin, user), http.StatusUnauthorized, "invalid_token"},
		{"another audience", "/protected", login(t, issuer, "root@example.com", issuer.URL+"/admin"), http.StatusUnauthorized, "invalid_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { want(t, base+tt.path, tt.token, tt.status, tt.code) })
	}
}

// want asks url with the token and checks status and challenge.
func want(t *testing.T, url, token string, status int, code string) {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	got := do(t, http.MethodGet, url, header, nil)
	if got.status != status {
		t.Fatalf("GET %s: %d, want %d\n%s", url, got.status, status, got.body)
	}
	if status == http.StatusOK {
		checkSubject(t, got.body)
		return
	}
	challenge := got.header.Get("WWW-Authenticate")
	if !strings.HasPrefix(challenge, "Bearer") {
		t.Errorf("WWW-Authenticate = %q, want a Bearer challenge", challenge)
	}
	if got := strings.Contains(challenge, "error="); got != (code != "") {
		t.Errorf("WWW-Authenticate = %q, want the code %q", challenge, code)
	}
	if code != "" && !strings.Contains(challenge, `error="`+code+`"`) {
		t.Errorf("WWW-Authenticate = %q, want the code %q", challenge, code)
	}
}

func checkSubject(t *testing.T, body []byte) {
	t.Helper()
	var got struct{ Subject string }
	if err := json.Unmarshal(body, &got); err != nil || !strings.HasPrefix(got.Subject, "usr_") {
		t.Errorf("the answer %s names no user (%v)", body, err)
	}
}

// login signs in over the first-party API and returns the access token.
func login(t *testing.T, issuer *servers.SignetServer, email, audience string) string {
	t.Helper()
	got := do(t, http.MethodPost, issuer.URL+"/login", nil, map[string]string{
		"email": email, "password": password, "audience": audience,
	})
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(got.body, &tokens); err != nil || got.status != http.StatusOK || tokens.AccessToken == "" {
		t.Fatalf("login of %s for %s: %d (%v)\n%s", email, audience, got.status, err, got.body)
	}
	return tokens.AccessToken
}

// rotate has the standby sign, and returns once new tokens carry another key
// than old does. The ring is younger than a safe rotation wants, hence force:
// the standby was published when the ring was made, before any verifier came.
func rotate(t *testing.T, issuer *servers.SignetServer, old string) {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + login(t, issuer, "root@example.com", issuer.URL+"/admin")}}
	got := do(t, http.MethodPost, issuer.AdminURL+"/admin/keys/rotate", header,
		map[string]any{"force": true, "reason": "the examples' test"})
	if got.status != http.StatusOK {
		t.Fatalf("rotate: %d\n%s", got.status, got.body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond) // a login costs the issuer a bcrypt
	defer tick.Stop()
	for keyID(t, login(t, issuer, "ann@example.com", audience)) == keyID(t, old) {
		select {
		case <-ctx.Done():
			t.Fatal("new tokens still carry the key from before the rotation")
		case <-tick.C:
		}
	}
}

func keyID(t *testing.T, token string) string {
	t.Helper()
	header, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	var h struct {
		KID string `json:"kid"`
	}
	if err := json.Unmarshal(raw, &h); err != nil || h.KID == "" {
		t.Fatalf("the header %s has no kid (%v)", raw, err)
	}
	return h.KID
}

// alter changes one bit of the signature that counts: its first.
func alter(token string) string {
	i := strings.LastIndexByte(token, '.') + 1
	c := byte('A')
	if token[i] == c {
		c = 'B'
	}
	return token[:i] + string(c) + token[i+1:]
}

// unsign gives the token the algorithm "none" and no signature (RFC 8725 §2.1).
func unsign(token string) string {
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
}

// splice puts the claims of one token between header and signature of another.
func splice(claims, rest string) string {
	parts := strings.Split(rest, ".")
	parts[1] = strings.Split(claims, ".")[1]
	return strings.Join(parts, ".")
}

// startExample runs a resource server on a spare port and returns its URL.
func startExample(t *testing.T, name string, command []string, issuer *servers.SignetServer) string {
	t.Helper()
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + addr
	servers.Other(t, name, func() *exec.Cmd {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "ISSUER="+issuer.URL, "AUDIENCE="+audience, "ADDR="+addr)
		return cmd
	}, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/protected", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	return base
}

// buildGo builds the example in a folder as its own module does, from there.
func buildGo(folder string) func(t *testing.T) []string {
	return func(t *testing.T) []string { return servers.GoProgram(t, folder, ".") }
}

func installNode(folder string, sources ...string) func(t *testing.T) []string {
	return func(t *testing.T) []string { return servers.NodeProgram(t, folder, sources...) }
}

func installFastAPI(t *testing.T) []string { return servers.PythonProgram(t, "fastapi", "server.py") }

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request, with a JSON body unless that is nil.
func do(t *testing.T, method, url string, header http.Header, body any) answer {
	t.Helper()
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, payload)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = slices.Clone(values)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, got}
}

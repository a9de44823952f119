package keysops

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/keys"
)

const (
	password = "a long and winding passphrase"
	person   = "ann@example.com"
	root     = "root@example.com"
)

// settings are those of each server here, with what a test changes.
func settings(change map[string]string) map[string]string {
	env := map[string]string{
		"SIGNET_BCRYPT_COST": "10", "SIGNET_HASH_DEADLINE": "20s", "SIGNET_LOG_LEVEL": "warn",
		"SIGNET_LOGIN_RATE": "1000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "1000/m", "SIGNET_SEAL_KEY": servers.SealKey(),
	}
	maps.Copy(env, change)
	return env
}

// node is one replica, as an operator sees it.
type node struct {
	t *testing.T
	*servers.SignetServer
}

func run(t *testing.T, config servers.Config) *node {
	t.Helper()
	return &node{t, servers.Signet(t, config)}
}

// people adds a person and an operator.
func (n *node) people() {
	n.t.Helper()
	n.MustRun(password+"\n", "users", "add", "--email", person, "--password-stdin")
	n.MustRun(password+"\n", "users", "add", "--email", root, "--role", "admin", "--password-stdin")
}

// fail runs a command that must end with status 1, and returns what it complains of.
func (n *node) fail(stdin string, args ...string) string {
	n.t.Helper()
	r := n.Run(stdin, args...)
	if r.Code != 1 {
		n.t.Fatalf("signet %v: status %d, want 1\n%s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stderr
}

// list is keys list.
func (n *node) list() []keys.Info {
	n.t.Helper()
	var out struct {
		Keys []keys.Info `json:"keys"`
	}
	decode(n.t, []byte(n.MustRun("", "keys", "list", "--json")), &out)
	return out.Keys
}

// one finds the key of an algorithm in a state.
func one(t *testing.T, list []keys.Info, alg keys.Algorithm, state keys.State) keys.Info {
	t.Helper()
	i := slices.IndexFunc(list, func(k keys.Info) bool { return k.Alg == alg && k.State == state })
	if i < 0 {
		t.Fatalf("no %s key is %s: %+v", alg, state, list)
	}
	return list[i]
}

// named finds a key.
func named(t *testing.T, list []keys.Info, kid string) keys.Info {
	t.Helper()
	i := slices.IndexFunc(list, func(k keys.Info) bool { return k.KID == kid })
	if i < 0 {
		t.Fatalf("no key is called %s: %+v", kid, list)
	}
	return list[i]
}

// login returns an access token, for an audience where one is given.
func (n *node) login(email string, audience ...string) string {
	n.t.Helper()
	in := map[string]string{"email": email, "password": password}
	if len(audience) > 0 {
		in["audience"] = audience[0]
	}
	var t struct {
		Access string `json:"access_token"`
	}
	a := n.call(http.MethodPost, n.URL+"/login", "", in)
	if a.status != http.StatusOK {
		n.t.Fatalf("login: %d %s", a.status, a.body)
	}
	decode(n.t, a.body, &t)
	return t.Access
}

// admin makes an admin call.
func (n *node) admin(method, path string, body any) answer {
	n.t.Helper()
	return n.call(method, n.AdminURL+"/admin"+path, n.login(root, n.issuer()+"/admin"), body)
}

// issuer is what the server calls itself; replicas share it.
func (n *node) issuer() string {
	n.t.Helper()
	var m struct {
		Issuer string `json:"issuer"`
	}
	decode(n.t, n.call(http.MethodGet, n.URL+"/.well-known/openid-configuration", "", nil).body, &m)
	return m.Issuer
}

// published are the kids in the key set.
func (n *node) published() (kids []string) {
	n.t.Helper()
	var set struct {
		Keys []struct {
			KID string `json:"kid"`
		} `json:"keys"`
	}
	decode(n.t, n.call(http.MethodGet, n.URL+"/.well-known/jwks.json", "", nil).body, &set)
	for _, k := range set.Keys {
		kids = append(kids, k.KID)
	}
	return kids
}

type answer struct {
	status int
	body   []byte
}

func (n *node) call(method, url, bearer string, body any) answer {
	n.t.Helper()
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			n.t.Fatal(err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(n.t.Context(), method, url, payload)
	if err != nil {
		n.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		n.t.Fatal(err)
	}
	return answer{resp.StatusCode, b}
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%v in %.300s", err, b)
	}
}

// header is a member of a token's header.
func header(t *testing.T, token, name string) string {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	h := map[string]string{}
	decode(t, b, &h)
	return h[name]
}

// until asks again and again; the limit is for a machine under load.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("a minute has passed, and not yet: %s", what)
		case <-tick.C:
		}
	}
}

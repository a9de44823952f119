package leaks

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
)

const (
	password = "a long and winding passphrase"
	another  = "some other words to come in by"
	mistyped = "not what it should have been at all"
	ann      = "ann@example.com"
	root     = "root@example.com"
)

// run is a Signet under observation.
type run struct {
	t       *testing.T
	s       *servers.SignetServer
	redis   *servers.RedisServer
	secrets *Secrets
	config  servers.Config
	said    []entry // all that it answered and printed
}

// entry is something that was seen, and how many of the secrets it may not hold:
// those that were known before. An answer that gives a token shows that token.
type entry struct {
	where, text string
	needles     int
}

// TestNothingLeaks drives a server through good and bad, and searches what it
// logged, answered, printed and stored.
func TestNothingLeaks(t *testing.T) {
	r := begin(t)
	r.importKeys()
	r.people()
	r.badInput()
	r.operator()
	r.badSettings()
	r.crash()
	r.search()
}

func begin(t *testing.T) *run {
	t.Helper()
	r := &run{t: t, secrets: &Secrets{}, redis: servers.Redis(t, "--appendonly", "yes", "--appendfsync", "always")}
	seal, older := servers.SealKey(), servers.SealKey()
	r.config = servers.Config{DataDir: t.TempDir(), RedisURL: r.redis.URL, Env: map[string]string{
		"SIGNET_SEAL_KEY": seal + "," + older, "SIGNET_LOG_LEVEL": "debug", "SIGNET_BCRYPT_COST": "10",
		"SIGNET_LOGIN_RATE": "1000/m", "SIGNET_LOGIN_RATE_ACCOUNT": "1000/m", "SIGNET_HASH_DEADLINE": "20s",
	}}
	r.sealKey("seal key", seal)
	r.sealKey("older seal key", older)
	for name, text := range map[string]string{"password": password, "another password": another, "mistyped password": mistyped} {
		r.secrets.AddText(name, text)
	}
	r.s = servers.Signet(t, r.config)
	return r
}

func (r *run) sealKey(name, text string) {
	r.t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		r.t.Fatal(err)
	}
	r.secrets.AddBytes(name, b)
}

// importKeys has the server sign with keys whose private parts are known here.
func (r *run) importKeys() {
	r.t.Helper()
	ec, rs := newECDSA(r.t), newRSA(r.t)
	if err := r.secrets.AddECDSA("ES256 key", ec); err != nil {
		r.t.Fatal(err)
	}
	r.secrets.AddRSA("RS256 key", rs)
	for _, key := range []string{pkcs8(r.t, ec), pkcs8(r.t, rs)} {
		r.cli(0, key, "keys", "import", "--as", "active", "--force", "--reason", "moved here")
		r.cli(1, key, "keys", "import", "--as", "standby")                  // it is there already
		r.cli(1, key[:len(key)/2], "keys", "import")                        // cut
		r.cli(1, "x"+key, "keys", "import", "--alg", "EdDSA")               // of another kind
		r.cli(2, "", "keys", "import", strings.TrimSpace(key))              // in the wrong place
		r.cli(1, key+key, "keys", "import", "--kid", "doubled")             // two at once
		r.cli(1, strings.ToUpper(key), "keys", "import")                    // spoilt
		r.cli(1, key, "keys", "import", "--kid", "other")                   // under another name
		r.cli(1, key, "users", "add", "--email", "x@y", "--password-stdin") // taken for a password
	}
	r.imported()
}

// imported waits until the server has read the ring of which the keys are part.
func (r *run) imported() {
	r.t.Helper()
	want := r.cli(0, "", "keys", "list", "--json")
	kid := regexp.MustCompile(`"kid": "([^"]+)",\s+"alg": "ES256",\s+"state": "(?:pending|active)",[^}]*"imported": true`).FindStringSubmatch(want)
	if kid == nil {
		r.t.Fatalf("no imported key is to sign:\n%s", want)
	}
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(100 * time.Millisecond); ; <-tick.C {
		if a := r.get(r.s.URL + "/.well-known/jwks.json"); strings.Contains(a.body, kid[1]) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatal("the server doesn't publish the imported key")
		}
	}
}

// people does what people and clients do.
func (r *run) people() {
	r.t.Helper()
	r.post(201, "/register", `{"email":"`+ann+`","password":"`+password+`"}`)
	r.post(409, "/register", `{"email":"`+ann+`","password":"`+password+`"}`)
	r.cli(0, password+"\n", "users", "add", "--email", root, "--role", "admin", "--password-stdin")
	r.cli(1, password+"\n", "users", "add", "--email", root, "--password-stdin")
	in := r.post(200, "/login", `{"email":"`+ann+`","password":"`+password+`"}`)
	r.post(200, "/login", `{"email":"`+ann+`","password":"`+password+`","cookies":true}`)
	r.post(401, "/login", `{"email":"`+ann+`","password":"`+mistyped+`"}`)
	r.post(401, "/login", `{"email":"nobody@example.com","password":"`+mistyped+`"}`)
	r.post(0, "/login", `{"email":"`+mistyped+`","password":"`+mistyped+`"}`)
	r.post(0, "/login", `{"email":"`+mistyped+`@example.com","password":"x"}`)
	next := r.post(200, "/refresh", `{"refresh_token":"`+in.refresh+`"}`)
	last := r.post(200, "/refresh", `{"refresh_token":"`+next.refresh+`"}`)
	r.post(401, "/refresh", `{"refresh_token":"`+in.refresh+`"}`)   // reuse
	r.post(401, "/refresh", `{"refresh_token":"`+last.refresh+`"}`) // of a family that has ended
	in = r.post(200, "/login", `{"email":"`+ann+`","password":"`+password+`"}`)
	r.post(204, "/password", `{"old":"`+password+`","new":"`+another+`"}`, "Authorization", "Bearer "+in.access)
	r.post(401, "/password", `{"old":"`+password+`","new":"`+another+`"}`, "Authorization", "Bearer "+in.access[:len(in.access)-4]+"AAAA")
	r.post(204, "/logout", `{"refresh_token":"`+in.refresh+`"}`)
	r.clients()
}

func (r *run) clients() {
	r.t.Helper()
	out := r.cli(0, "", "clients", "add", "--id", "worker", "--json")
	secret := r.learn("client secret", out, `"client_secret": ?"([^"]+)"`)
	grant := url.Values{"grant_type": {"client_credentials"}}
	basic := func(secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("worker:"+secret))
	}
	got := r.form(200, "/oauth/token", grant, "Authorization", basic(secret))
	r.form(401, "/oauth/token", grant, "Authorization", basic(secret+"x"))
	r.form(400, "/oauth/token", grant, "Authorization", "Bearer "+secret)
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {"worker"}, "client_secret": {secret}}
	r.form(200, "/oauth/token", body)
	body.Add("client_secret", secret)
	r.form(0, "/oauth/token", body) // twice
	r.form(200, "/oauth/introspect", url.Values{"token": {got.access}}, "Authorization", basic(secret))
	r.form(200, "/oauth/revoke", url.Values{"token": {"sgr_" + got.access}}, "Authorization", basic(secret))
	again := r.cli(0, "", "clients", "secret", "worker", "--json")
	r.learn("next client secret", again, `"client_secret": ?"([^"]+)"`)
	r.cli(0, "", "clients", "list", "--json")
}

// badInput sends secrets to where they don't belong.
func (r *run) badInput() {
	r.t.Helper()
	in := r.post(200, "/login", `{"email":"`+ann+`","password":"`+another+`"}`)
	for _, secret := range []string{in.access, in.refresh, another} {
		q := url.QueryEscape(secret)
		for _, path := range []string{
			"/" + q, "/healthz?access_token=" + q, "/oauth/token?refresh_token=" + q, "/oauth/status/" + q, "/.well-known/" + q,
		} {
			r.get(r.s.URL + path)
			r.get(r.s.AdminURL + path)
		}
		for _, path := range []string{"/login", "/register", "/refresh", "/logout", "/password", "/oauth/token", "/oauth/revoke", "/oauth/introspect"} {
			for _, body := range []string{
				secret, `"` + secret + `"`, `{"` + secret + `":1}`, `{"email":"` + secret + `","password":["` + secret + `"]}`,
				`{"refresh_token":"` + secret + `","refresh_token":"` + secret + `"}`, `{"refresh_token":"` + secret + `x"}`,
				`{"email":"` + secret + "\x00", "grant_type=" + q + "&username=" + q + "&password=" + q, "%zz" + q,
			} {
				r.post(0, path, body)
				r.send(0, http.MethodPost, r.s.URL+path, body, "Content-Type", "application/x-www-form-urlencoded")
			}
		}
		r.send(0, http.MethodGet, r.s.AdminURL+"/admin/users/"+q, "", "Authorization", "Bearer "+secret, "X-Request-Id", "a b", "Origin", "https://evil.example")
		r.send(0, http.MethodGet, r.s.URL+"/login", "", "Authorization", secret, "Cookie", "__Host-signet_access="+q)
	}
}

// operator looks at all that an operator sees.
func (r *run) operator() {
	r.t.Helper()
	in := r.post(200, "/login", `{"email":"`+root+`","password":"`+password+`","audience":"`+r.s.URL+`/admin"}`)
	bearer := "Bearer " + in.access
	for _, path := range []string{"keys", "users", "clients", "clients/worker", "sessions?client=signet", "sessions?client=worker&ended=true", "audit?limit=500"} {
		r.send(200, http.MethodGet, r.s.AdminURL+"/admin/"+path, "", "Authorization", bearer)
	}
	r.send(201, http.MethodPost, r.s.AdminURL+"/admin/users", `{"email":"eve@example.com","password":"`+another+`"}`, "Authorization", bearer)
	r.send(409, http.MethodPost, r.s.AdminURL+"/admin/users", `{"email":"eve@example.com","password":"`+another+`"}`, "Authorization", bearer)
	r.send(0, http.MethodPost, r.s.AdminURL+"/admin/keys/rotate", `{"force":true,"reason":"a test"}`, "Authorization", bearer)
	r.send(0, http.MethodPost, r.s.AdminURL+"/admin/keys/"+url.PathEscape(another)+"/revoke", `{"reason":"a test"}`, "Authorization", bearer)
	r.get(r.s.AdminURL + "/metrics")
	r.get(r.s.AdminURL + "/readyz")
	for _, args := range [][]string{
		{"config"}, {"keys", "list", "--json"}, {"keys", "export"}, {"keys", "export", "--pem"}, {"keys", "reseal"}, {"keys", "rotate", "--force", "--json"},
		{"users", "list", "--json"}, {"version"},
	} {
		r.cli(0, "", args...)
	}
	r.cli(-1, in.access, "token", "inspect", "-")
	r.cli(-1, "", "token", "inspect", "--issuer", r.s.URL, in.refresh)
}

// badSettings gives secrets in settings that can't be used.
func (r *run) badSettings() {
	r.t.Helper()
	seal, _, _ := strings.Cut(r.config.Env["SIGNET_SEAL_KEY"], ",")
	for name, env := range map[string]map[string]string{
		"another seal key":      {"SIGNET_SEAL_KEY": servers.SealKey()},
		"a seal key cut":        {"SIGNET_SEAL_KEY": seal[:30]},
		"a seal key doubled":    {"SIGNET_SEAL_KEY": seal + seal},
		"a password as URL":     {"SIGNET_REDIS_URL": "redis://u:" + url.QueryEscape(another) + "@127.0.0.1:1/x"},
		"a password in a DSN":   {"SIGNET_DATABASE_URL": "postgres://u:" + url.QueryEscape(another) + "@127.0.0.1:1/%zz"},
		"nobody at that DSN":    {"SIGNET_DATABASE_URL": "postgres://u:" + url.QueryEscape(another) + "@127.0.0.1:1/x?connect_timeout=1"},
		"a setting of no name":  {"SIGNET_SEALKEY": seal},
		"a wrong kind of value": {"SIGNET_ACCESS_TTL": "x"},
	} {
		config := r.config
		config.Env = maps.Clone(r.config.Env)
		maps.Copy(config.Env, env)
		for _, args := range [][]string{{"keys", "list"}, {"config"}} {
			res := servers.Run(r.t, config, "", args...)
			r.saw(fmt.Sprintf("signet %s with %s", args[0], name), res.Stdout+res.Stderr)
		}
	}
}

// crash has the runtime dump every goroutine's stack.
func (r *run) crash() {
	r.t.Helper()
	r.s.Signal(syscall.SIGQUIT)
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); r.s.Running(); <-tick.C {
		if time.Now().After(deadline) {
			r.t.Fatal("the server outlives SIGQUIT")
		}
	}
	if !strings.Contains(r.s.Output(), "goroutine ") {
		r.t.Error("the crash printed no stacks: the test is void")
	}
}

// search looks through everything.
func (r *run) search() {
	r.t.Helper()
	all := len(r.secrets.needles)
	r.said = append(r.said, entry{"the server's log", r.s.Output(), all}, entry{"Redis' log", r.redis.Output(), all})
	for _, dir := range []string{r.s.DataDir, r.redis.Dir} {
		r.said = append(r.said, files(r.t, dir, all)...)
	}
	var found []string
	for _, e := range r.said {
		known := Secrets{r.secrets.needles[:e.needles]}
		found = append(found, known.Find(e.where, e.text)...)
	}
	slices.Sort(found)
	for _, line := range slices.Compact(found) {
		r.t.Error(line)
	}
	r.t.Logf("%d texts, %d forms of secrets, %d bytes of log", len(r.said), all, len(r.s.Output()))
}

func files(t *testing.T, dir string, needles int) (out []entry) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		out = append(out, entry{"the file " + e.Name(), string(b), needles})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// reply is an answer and the tokens in it.
type reply struct {
	status          int
	body            string
	access, refresh string
}

// send sends a request, keeps the answer, and learns the tokens that it gives.
func (r *run) send(want int, method, target, body string, header ...string) reply {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		r.t.Fatal(err)
	}
	where := method + " " + req.URL.Path + " " + resp.Status
	if want != 0 && resp.StatusCode != want {
		r.t.Fatalf("%s, want %d: %.300s", where, want, b)
	}
	r.saw("the answer to "+where, fmt.Sprintf("%v %s", resp.Header, b))
	a := reply{status: resp.StatusCode, body: string(b)}
	r.tokens(&a, resp.Cookies())
	return a
}

func (r *run) tokens(a *reply, cookies []*http.Cookie) {
	var t struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal([]byte(a.body), &t) == nil {
		a.access, a.refresh = t.Access, t.Refresh
	}
	for _, c := range cookies {
		if len(c.Value) > minSecret {
			r.secrets.AddText("a cookie", c.Value)
		}
	}
	if a.access != "" {
		r.secrets.AddText("an access token", a.access)
		r.secrets.AddText("an access token's signature", a.access[strings.LastIndexByte(a.access, '.')+1:])
	}
	if a.refresh != "" {
		r.secrets.AddText("a refresh token", a.refresh)
	}
}

func (r *run) get(target string) reply {
	r.t.Helper()
	return r.send(0, http.MethodGet, target, "")
}

func (r *run) post(want int, path, body string, header ...string) reply {
	r.t.Helper()
	return r.send(want, http.MethodPost, r.s.URL+path, body, header...)
}

func (r *run) form(want int, path string, form url.Values, header ...string) reply {
	r.t.Helper()
	return r.send(want, http.MethodPost, r.s.URL+path, form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

// cli runs a command on the server's settings and keeps what it prints. A
// negative status isn't asked for.
func (r *run) cli(want int, stdin string, args ...string) string {
	r.t.Helper()
	res := r.s.Run(stdin, args...)
	if want >= 0 && res.Code != want {
		r.t.Fatalf("signet %.40v: status %d, want %d\n%s%s", args, res.Code, want, res.Stdout, res.Stderr)
	}
	r.saw("signet "+args[0], res.Stdout+res.Stderr)
	return res.Stdout
}

// learn takes in a secret that was just given.
func (r *run) learn(name, text, pattern string) string {
	r.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		r.t.Fatalf("no %s was given", name)
	}
	r.secrets.AddText(name, m[1])
	return m[1]
}

func (r *run) saw(where, text string) {
	r.said = append(r.said, entry{where, text, len(r.secrets.needles)})
}

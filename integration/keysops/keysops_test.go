package keysops

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

// TestDryRun: what a rotation would do is told, by both ways, and nothing is done.
func TestDryRun(t *testing.T) {
	t.Parallel()
	n := run(t, servers.Config{Env: settings(nil)})
	n.people()
	before := n.list()
	if said := n.fail("", "keys", "rotate", "--dry-run"); !strings.Contains(said, "safe from") {
		t.Errorf("a dry run of a rotation that is too early says %q", said)
	}
	out := n.MustRun("", "keys", "rotate", "--dry-run", "--force")
	for _, want := range []string{"Dry run: nothing was changed.", "SIGNS FROM", "RETIRES", "PUBLISHED UNTIL", one(t, before, keys.ES256, keys.Standby).KID, one(t, before, keys.RS256, keys.Active).KID} {
		if !strings.Contains(out, want) {
			t.Errorf("the dry run doesn't show %q:\n%s", want, out)
		}
	}
	a := n.admin(http.MethodPost, "/keys/rotate", map[string]any{"alg": "ES256", "dry_run": true, "force": true})
	var timeline keys.Timeline
	decode(t, a.body, &timeline)
	if !timeline.DryRun || len(timeline.Steps) != 1 || timeline.Steps[0].KID != one(t, before, keys.ES256, keys.Standby).KID || timeline.Steps[0].Remove.IsZero() {
		t.Errorf("the dry run answers %s", a.body)
	}
	if a := n.admin(http.MethodPost, "/keys/rotate", map[string]any{"dry_run": true}); a.status != http.StatusConflict || !bytes.Contains(a.body, []byte("safe from")) {
		t.Errorf("a dry run that is too early answers %d %s", a.status, a.body)
	}
	if after := n.list(); !slices.Equal(kids(before), kids(after)) || one(t, after, keys.ES256, keys.Active).KID != one(t, before, keys.ES256, keys.Active).KID {
		t.Errorf("a dry run changed the keys:\n%+v\n%+v", before, after)
	}
}

func kids(list []keys.Info) (out []string) {
	for _, k := range list {
		out = append(out, k.KID)
	}
	slices.Sort(out)
	return out
}

// TestReseal: another seal key comes and the old one goes while two replicas
// serve, started again one by one; the keys stay what they were.
func TestReseal(t *testing.T) {
	t.Parallel()
	old, next := servers.SealKey(), servers.SealKey()
	config := servers.Config{DatabaseURL: servers.Postgres(t), Env: settings(map[string]string{"SIGNET_SEAL_KEY": old})}
	config.Env["SIGNET_ISSUER"] = "http://localhost"
	first := run(t, config)
	first.people()
	before := first.published()
	asked := keepAsking(t, first.URL)

	config.Env["SIGNET_SEAL_KEY"] = next + "," + old
	second := run(t, config)
	if out := second.MustRun("", "keys", "reseal", "--reason", "a new year"); !strings.Contains(out, "other keys may leave SIGNET_SEAL_KEY") {
		t.Errorf("reseal says %q", out)
	}
	if first.login(person) == "" || second.login(person) == "" {
		t.Error("no token")
	}
	asked()
	first.Stop()
	config.Env["SIGNET_SEAL_KEY"] = next
	third := run(t, config)
	if got := third.published(); !slices.Equal(got, before) {
		t.Errorf("the key set is %v, was %v", got, before)
	}
	config.Env["SIGNET_SEAL_KEY"] = old
	if said := (&node{t, third.SignetServer}).failWith(config); !regexp.MustCompile(`key \S{9,} can't be opened: .* nothing was changed`).MatchString(said) {
		t.Errorf("the old seal key alone: %q", said)
	}
}

// failWith runs keys list with other settings, and returns what it complains of.
func (n *node) failWith(config servers.Config) string {
	n.t.Helper()
	r := servers.Run(n.t, config, "", "keys", "list")
	if r.Code != 1 {
		n.t.Fatalf("keys list: status %d, want 1\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	return r.Stderr
}

// keepAsking logs in again and again until the function that it returns is
// called; each must succeed.
func keepAsking(t *testing.T, url string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil || n < 2; n++ { // however slow a login is here
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/login", strings.NewReader(`{"email":"`+person+`","password":"`+password+`"}`))
			if err != nil {
				t.Error(err)
				break
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				break
			}
			if resp.StatusCode != http.StatusOK {
				t.Errorf("a login while keys were sealed anew: %s", resp.Status)
			}
			_ = resp.Body.Close()
		}
		done <- n
	}()
	return func() {
		cancel()
		if n := <-done; n < 2 {
			t.Errorf("%d logins in all: too few to tell", n)
		}
	}
}

// TestWrongSealKey: the start stops, names the key, and touches nothing.
func TestWrongSealKey(t *testing.T) {
	t.Parallel()
	config := servers.Config{DataDir: t.TempDir(), Env: settings(nil)}
	n := run(t, config)
	before, version := n.published(), n.MustRun("", "keys", "list", "--json")
	n.Stop()
	right := config.Env["SIGNET_SEAL_KEY"]
	config.Env["SIGNET_SEAL_KEY"] = servers.SealKey()
	for _, args := range [][]string{{"serve"}, {"keys", "list"}, {"keys", "rotate", "--force"}, {"keys", "reseal"}, {"keys", "export"}} {
		r := servers.Run(t, config, "", args...)
		if r.Code != 1 {
			t.Errorf("signet %v with a wrong seal key: status %d", args, r.Code)
		}
		named := slices.ContainsFunc(before, func(kid string) bool { return strings.Contains(r.Stderr, kid) })
		if !named || !strings.Contains(r.Stderr, "nothing was changed") {
			t.Errorf("signet %v with a wrong seal key says %q", args, r.Stderr)
		}
	}
	config.Env["SIGNET_SEAL_KEY"] = right
	n = run(t, config)
	if after := n.MustRun("", "keys", "list", "--json"); after != version || !slices.Equal(n.published(), before) {
		t.Errorf("the keys have changed:\n%s\n%s", version, after)
	}
}

// TestScheduleTooShort: settings that would have a key sign before verifiers know
// it stop the start.
func TestScheduleTooShort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		every, age string
		code       int
	}{
		"less than the default max-age": {"5m", "", 1},
		"a second too short":            {"35s", "5s", 1},
		"just enough":                   {"36s", "5s", 0},
		"never":                         {"-1s", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := servers.Config{Env: settings(map[string]string{"SIGNET_KEY_ROTATE_EVERY": c.every, "SIGNET_JWKS_MAX_AGE": c.age})}
			command := "serve"
			if c.code == 0 {
				command = "config" // checks as serve does, and ends
			}
			r := servers.Run(t, config, "", command)
			if r.Code != c.code {
				t.Fatalf("status %d, want %d: %s", r.Code, c.code, r.Stderr)
			}
			if c.code != 0 && !strings.Contains(r.Stderr, "a key must be published for") {
				t.Errorf("it says %q", r.Stderr)
			}
		})
	}
}

// TestLongerPromises: a longer token life, or max-age, lengthens what is already
// retired; a shorter one takes nothing back.
func TestLongerPromises(t *testing.T) {
	t.Parallel()
	config := servers.Config{DataDir: t.TempDir(), Env: settings(nil)}
	n := run(t, config)
	n.MustRun("", "keys", "rotate", "--force", "--alg", "ES256")
	old := func() keys.Info {
		for _, k := range n.list() {
			if k.Alg == keys.ES256 && !k.Remove.IsZero() {
				return k
			}
		}
		t.Fatal("no key is about to leave")
		return keys.Info{}
	}
	removed := old().Remove
	for _, c := range []struct {
		name, setting, value string
		longer               time.Duration
	}{
		{"tokens of two hours", "SIGNET_ACCESS_TTL", "2h", 2*time.Hour - 15*time.Minute},
		{"a max-age of an hour", "SIGNET_JWKS_MAX_AGE", "1h", time.Hour - 5*time.Minute},
		{"tokens of a minute", "SIGNET_ACCESS_TTL", "1m", 0},
		{"a max-age of a minute", "SIGNET_JWKS_MAX_AGE", "1m", 0},
	} {
		n.Stop()
		config.Env[c.setting] = c.value
		n = run(t, config)
		if got := old().Remove.Sub(removed); got != c.longer {
			t.Errorf("%s: it stays %s longer, want %s", c.name, got, c.longer)
		}
		removed = old().Remove
	}
}

// TestAlgorithmsOneByOne: replicas start again one by one with another list of
// algorithms; what comes signs when all can know it, what goes stays published.
func TestAlgorithmsOneByOne(t *testing.T) {
	t.Parallel()
	config := servers.Config{DatabaseURL: servers.Postgres(t), Env: settings(map[string]string{
		"SIGNET_ISSUER": "http://localhost", "SIGNET_JWKS_MAX_AGE": "1s", "SIGNET_KEY_ALGS": "ES256,RS256",
	})}
	first, second := run(t, config), run(t, config)
	first.people()
	before := first.login(person)
	rs := one(t, first.list(), keys.RS256, keys.Active)

	config.Env["SIGNET_KEY_ALGS"] = "EdDSA,ES256"
	first.Stop()
	first = run(t, config)
	ed := one(t, first.list(), keys.EdDSA, keys.Pending)
	if wait := ed.Activate.Sub(ed.Created); wait < (keys.Policy{MaxAge: time.Second}).PublishWait() {
		t.Errorf("it signs %s after it is published", wait)
	}
	until(t, "the replica with the old settings publishes the new key too, and what went", func() bool {
		got := second.published()
		return slices.Contains(got, ed.KID) && slices.Contains(got, rs.KID)
	})
	for _, n := range []*node{first, second} {
		if alg := header(t, n.login(person), "alg"); alg != "ES256" {
			t.Errorf("meanwhile a token is signed by %s", alg)
		}
	}
	second.Stop()
	second = run(t, config)
	for _, n := range []*node{first, second} {
		until(t, "the new algorithm signs", func() bool { return header(t, n.login(person), "kid") == ed.KID })
		if time.Now().Before(ed.Activate) {
			t.Error("the new algorithm signs too early")
		}
		if got := n.published(); !slices.Contains(got, header(t, before, "kid")) || !slices.Contains(got, rs.KID) {
			t.Errorf("the key set %v lacks a key whose tokens live", got)
		}
	}
}

// TestImport: keys from elsewhere come in as each of the three, by PEM and JWK,
// and tokens that they signed there are good here.
func TestImport(t *testing.T) {
	t.Parallel()
	n := run(t, servers.Config{Env: settings(map[string]string{"SIGNET_AUDIENCE": "https://api.example.com"})})
	n.people()
	retired, standby, active := newKey(t), newKey(t), newKey(t)
	token := retired.sign(t, "old-kid", n.URL)

	n.MustRun(retired.pem(t), "keys", "import", "--kid", "old-kid", "--token-life", "24h", "--reason", "we move")
	got := named(t, n.list(), "old-kid")
	if got.State != keys.Retired || !got.Imported || got.Remove.Before(time.Now().Add(24*time.Hour)) {
		t.Errorf("retired: %+v", got)
	}
	until(t, "the imported key is published", func() bool { return slices.Contains(n.published(), "old-kid") })
	v, err := verifier.New(t.Context(), verifier.Config{Issuer: n.URL, Audience: "https://api.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("a token from before the move: %v", err)
	}

	waits := one(t, n.list(), keys.ES256, keys.Standby)
	n.MustRun(standby.jwk(t), "keys", "import", "--as", "standby", "--kid", "next-kid")
	list := n.list()
	if got := one(t, list, keys.ES256, keys.Standby); got.KID != "next-kid" || named(t, list, waits.KID).State != keys.Removed {
		t.Errorf("standby: %+v", list)
	}
	if said := n.fail("", "keys", "rotate", "--alg", "ES256"); !strings.Contains(said, "next-kid was not published long enough") {
		t.Errorf("its rotation at once: %q", said)
	}
	signs := one(t, list, keys.ES256, keys.Active)
	n.MustRun(active.pem(t), "keys", "import", "--as", "active", "--kid", "gate-kid")
	list = n.list()
	if got := named(t, list, "gate-kid"); got.State != keys.Pending || got.Activate.Sub(got.Created) < 5*time.Minute || !named(t, list, signs.KID).Retire.Equal(got.Activate) {
		t.Errorf("active: %+v", list)
	}
	n.MustRun(newRSA(t), "keys", "import", "--as", "active", "--force", "--alg", "RS256", "--kid", "forced-kid")
	until(t, "the forced key signs", func() bool { return named(t, n.list(), "forced-kid").State == keys.Active })
	exported(t, n)
	audited(t, n)
}

// exported: public keys come out, in both forms, and nothing else.
func exported(t *testing.T, n *node) {
	t.Helper()
	if got := n.MustRun("", "keys", "export", "gate-kid"); !strings.Contains(got, `"gate-kid"`) || strings.Contains(got, `"d"`) {
		t.Errorf("export prints %s", got)
	}
	if got := n.MustRun("", "keys", "export", "--pem"); !strings.Contains(got, "ES256 old-kid\n-----BEGIN PUBLIC KEY-----") || strings.Contains(got, "PRIVATE") {
		t.Errorf("export --pem prints %s", got)
	}
}

// audited: who, when, why and which kid, of each change.
func audited(t *testing.T, n *node) {
	t.Helper()
	gate := named(t, n.list(), "gate-kid")
	if a := n.admin(http.MethodPost, "/keys/"+gate.KID+"/revoke", map[string]string{"reason": "second thoughts"}); a.status != http.StatusOK {
		t.Fatalf("revoke: %d %s", a.status, a.body)
	}
	n.MustRun("", "keys", "rotate", "--force", "--reason", "to be sure")
	n.MustRun("", "keys", "reseal", "--reason", "nothing to do")
	var page struct{ Items []audit.Event }
	decode(t, n.admin(http.MethodGet, "/audit?kind=keys.changed&limit=100", nil).body, &page)
	for _, want := range []struct{ change, actor, reason, kid string }{
		{"created", "signet", "", ""},
		{"imported", "cli", "we move", "old-kid"},
		{"imported", "cli", "", "next-kid"},
		{"imported", "cli", "", "gate-kid"},
		{"imported", "cli", "", "forced-kid"},
		{"revoked", "usr_", "second thoughts", "gate-kid"},
		{"rotated", "cli", "to be sure", "next-kid"},
	} {
		ok := slices.ContainsFunc(page.Items, func(e audit.Event) bool {
			return e.Detail["change"] == want.change && strings.HasPrefix(e.Actor, want.actor) && e.Reason == want.reason &&
				strings.Contains(e.Detail["kids"], want.kid) && time.Since(e.At) < 10*time.Minute
		})
		if !ok {
			t.Errorf("the audit lacks %+v: %+v", want, page.Items)
		}
	}
}

// TestMetrics: age of the signing key and time to its next step, by algorithm.
func TestMetrics(t *testing.T) {
	t.Parallel()
	n := run(t, servers.Config{Env: settings(nil)})
	got := string(n.call(http.MethodGet, n.AdminURL+"/metrics", "", nil).body)
	for _, alg := range []string{"ES256", "RS256"} {
		for _, series := range []string{`signet_key_age_seconds{alg="` + alg + `"} \d`, `signet_key_next_step_seconds{alg="` + alg + `"} 2\.59\d+e\+06`} {
			if !regexp.MustCompile(`(?m)^` + series).MatchString(got) {
				t.Errorf("no %s among the metrics", series)
			}
		}
	}
}

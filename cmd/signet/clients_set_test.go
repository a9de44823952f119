package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/admin"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/issuer/store/sql"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

// nobodyCopies stands for the copy of the clients that a server has.
type nobodyCopies struct{}

func (nobodyCopies) Refresh(context.Context, id.Client) error { return nil }

// patched is the face of PATCH /admin/clients/ID on a database of its own, which the settings of env name.
func patched(t *testing.T) (face *admin.Admin, b store.Backend, env []string) {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "signet.db")
	db, err := sql.Open(t.Context(), sql.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b = db.Backend()
	keeper, err := keys.Open(t.Context(), keys.Config{Store: b.Keys, SealKeys: []secret.Key{secret.GenerateKey()}})
	if err != nil {
		t.Fatal(err)
	}
	return admin.New(admin.Config{Clients: b.Clients, Registry: nobodyCopies{}, Keys: keeper, Grants: oauth.Grants(), Now: time.Now}),
		b, []string{"SIGNET_DATABASE_URL=" + url}
}

// What set does to a client, PATCH does, with its event and entry in the feed; what the one refuses the other refuses.
func TestClientsSetIsPatch(t *testing.T) {
	face, b, env := patched(t)
	const jwks = `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`
	for name, c := range map[string]struct {
		set   string // flags by a blank
		patch string
	}{
		"texts":            {"--name=B --token-alg=RS256 --logo-uri=https://b.example/l", `{"name":"B","token_alg":"RS256","logo_uri":"https://b.example/l"}`},
		"texts taken away": {"--name= --client-uri=", `{"name":"","client_uri":""}`},
		"lists": {
			"--scope=a,b --scope=c --role=r --audience=https://x.example --redirect-uri=https://b.example/1,2 --contact=x,y",
			`{"scopes":["a","b","c"],"roles":["r"],"audiences":["https://x.example"],"redirect_uris":["https://b.example/1,2"],"contacts":["x","y"]}`,
		},
		"lists taken away": {
			"--grant= --scope= --role= --audience= --redirect-uri= --contact= --post-logout-redirect-uri=",
			`{"grants":[],"scopes":null,"roles":[],"audiences":null,"redirect_uris":[],"contacts":null,"post_logout_redirect_uris":[]}`,
		},
		"switches": {"--trusted --dpop-bound --no-require-pushed", `{"trusted":true,"dpop_bound_access_tokens":true,"require_pushed_authorization_requests":false}`},
		"addresses": {
			"--policy-uri=https://b.example/p --tos-uri=https://b.example/t --initiate-login-uri=https://b.example/i --backchannel-logout-uri=https://b.example/b",
			`{"policy_uri":"https://b.example/p","tos_uri":"https://b.example/t","initiate_login_uri":"https://b.example/i","backchannel_logout_uri":"https://b.example/b"}`,
		},
		"algorithms":      {"--id-token-alg=RS256 --userinfo-alg=ES256 --application-type=web", `{"id_token_signed_response_alg":"RS256","userinfo_signed_response_alg":"ES256","application_type":"web"}`},
		"assertions":      {"--auth-method=private_key_jwt --auth-alg=ES256 --jwks-uri=https://b.example/k", `{"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"ES256","jwks_uri":"https://b.example/k"}`},
		"keys":            {"--jwks-file=FILE", `{"jwks":` + jwks + `}`},
		"a bad scheme":    {"--redirect-uri=javascript:alert(1)", `{"redirect_uris":["javascript:alert(1)"]}`},
		"an empty item":   {"--redirect-uri= --redirect-uri=https://b.example/", `{"redirect_uris":["","https://b.example/"]}`},
		"no redirect":     {"--redirect-uri=", `{"redirect_uris":[]}`},
		"a bad grant":     {"--grant=magic", `{"grants":["magic"]}`},
		"an absent alg":   {"--token-alg=ES384", `{"token_alg":"ES384"}`},
		"a missing key":   {"--auth-method=private_key_jwt", `{"token_endpoint_auth_method":"private_key_jwt"}`},
		"an http address": {"--logo-uri=http://b.example/", `{"logo_uri":"http://b.example/"}`},
	} {
		t.Run(name, func(t *testing.T) {
			slug := strings.ReplaceAll(name, " ", "-")
			ours, theirs := made(t, b, id.Client("set-"+slug)), made(t, b, id.Client("patch-"+slug))
			file := filepath.Join(t.TempDir(), "jwks.json")
			if err := os.WriteFile(file, []byte(jwks), 0o600); err != nil {
				t.Fatal(err)
			}
			flags := strings.Fields(strings.ReplaceAll(c.set, "FILE", file))
			code, _, stderr := command(t, env, "", append([]string{"clients", "set", string(ours)}, flags...)...)
			r := httptest.NewRequest("PATCH", "/", strings.NewReader(c.patch))
			r.Header.Set("Content-Type", "application/json")
			r.SetPathValue("id", string(theirs))
			err := face.ChangeClient(httptest.NewRecorder(), r)
			if (code == 0) != (err == nil) {
				t.Fatalf("set ends with %d and says %q; PATCH says %v", code, stderr, err)
			}
			if err != nil && !strings.HasPrefix(stderr, "signet: "+strings.TrimPrefix(err.Error(), "invalid_request: ")) {
				t.Errorf("set says %q; PATCH says %v", stderr, err)
			}
			if diff := cmp.Diff(traces(t, b, theirs), traces(t, b, ours)); diff != "" {
				t.Errorf("what PATCH left (-) and what set left (+):\n%s", diff)
			}
		})
	}
}

// made makes a client that has something of everything.
func made(t *testing.T, b store.Backend, name id.Client) id.Client {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	c := client.Client{
		ID: name, Name: "A", Version: 1, Created: now, Grants: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid"},
		Audiences: []string{"https://a.example"}, Roles: []string{"a"}, RedirectURIs: []string{"https://a.example/cb"},
		Metadata: client.Metadata{URI: "https://a.example/", Contacts: []string{"a"}, PostLogoutRedirectURIs: []string{"https://a.example/bye"}, RequirePushed: true},
	}
	_, c = c.Renewed(now, 0)
	if err := b.Clients.Create(t.Context(), c, audit.New(t.Context(), audit.ClientCreated, now)); err != nil {
		t.Fatal(err)
	}
	return name
}

// trace is what a change of a client leaves, without what differs between any two clients.
type trace struct {
	Client client.Client
	Keys   string // of Client, which may be written in several ways
	Events []string
	Feed   []int64 // the versions that it tells of
}

func traces(t *testing.T, b store.Backend, name id.Client) (out trace) {
	t.Helper()
	c, err := b.Clients.ByID(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if len(c.JWKS) > 0 {
		if err := json.Compact(&compact, c.JWKS); err != nil {
			t.Fatal(err)
		}
	}
	out.Keys, c.JWKS = compact.String(), nil
	c.ID, c.Created = "", time.Time{}
	for i := range c.Secrets {
		c.Secrets[i] = client.Secret{}
	}
	out.Client = c
	events, err := b.Audit.Events(t.Context(), audit.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Client == name {
			out.Events = append(out.Events, string(e.Kind)+" "+e.Reason)
		}
	}
	changes, err := b.Feed.Since(t.Context(), 0, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		if change.Kind == store.Client && change.ID == string(name) {
			out.Feed = append(out.Feed, change.Version)
		}
	}
	return out
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "0s": now, "24h": now.Add(-24 * time.Hour), "2026-11-20": time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		"2026-11-22T12:00:00+02:00": time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"-1h", "yesterday", "7", "2026-13-01", "2026-11-22 12:00"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func FuzzParseSince(f *testing.F) {
	for _, s := range []string{"", "24h", "-1s", "2026-11-22", "2026-11-22T15:04:05Z", "9223372036s"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseSince(text, now)
		if d, bad := time.ParseDuration(text); err == nil && bad == nil && got != now.Add(-d) {
			t.Errorf("%q: %s", text, got)
		}
	})
}

// What people said of themselves does nothing to a terminal or a table.
func TestMembersOf(t *testing.T) {
	got, err := membersOf(map[string]any{"a": "x\x1b[2J", "b": []string{"1", "2"}, "c": map[string]any{"d": 1, "e": ""}, "f": nil, "g": []any{}, "h": "x\ty"})
	want := []member{{"a", `"x\x1b[2J"`}, {"b", "1,2"}, {"c.d", "1"}, {"c.e", "-"}, {"f", "-"}, {"g", "-"}, {"h", `"x\ty"`}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(member{})); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

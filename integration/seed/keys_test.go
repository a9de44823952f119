package seed

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/verifier"
)

// TestAsymmetricKeys: RS256 and ES256, the private key kept safe; another
// library finds the signatures good by the published keys alone.
func TestAsymmetricKeys(t *testing.T) {
	s := alone(t, map[string]string{"SIGNET_KEY_ALGS": ""}) // the default: ES256 and RS256
	r := s.protect(t)
	raw := get(t, s.URL+"/.well-known/jwks.json").want(t, http.StatusOK, "").raw
	set, err := jwk.ParseString(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, alg, kty string
		flags          []string
	}{
		{"by default", "ES256", "EC", nil},
		{"ES256", "ES256", "EC", []string{"--token-alg", "ES256"}},
		{"RS256", "RS256", "RSA", []string{"--token-alg", "RS256"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := s.addClient(t, "worker"+strings.ReplaceAll(tt.name, " ", ""), append(tt.flags, "--audience", audience)...)
			in := s.form(t, "/oauth/token", c, url.Values{"grant_type": {"client_credentials"}}).want(t, http.StatusOK, "")
			token := in.text("access_token")
			var h header
			decode(t, token, 0, &h)
			if h.Alg != tt.alg || h.Type != "at+jwt" {
				t.Errorf("header %+v, want %s and at+jwt", h, tt.alg)
			}
			key, ok := set.LookupKeyID(h.KID)
			if !ok {
				t.Fatalf("the key %s isn't published: %s", h.KID, raw)
			}
			if key.Algorithm().String() != tt.alg || key.KeyUsage() != "sig" || key.KeyType().String() != tt.kty {
				t.Errorf("the key is published as %s %s %s", key.Algorithm(), key.KeyUsage(), key.KeyType())
			}
			if _, err := jws.Verify([]byte(token), jws.WithKey(jwa.SignatureAlgorithm(tt.alg), key)); err != nil {
				t.Errorf("another library: %v", err)
			}
			if _, err := jws.Verify([]byte(alter(token)), jws.WithKey(jwa.SignatureAlgorithm(tt.alg), key)); err == nil {
				t.Error("another library takes an altered signature")
			}
			get(t, r.url+"/protected", bearer(token)...).want(t, http.StatusOK, "")
		})
	}
	t.Run("one algorithm alone", func(t *testing.T) {
		es := protect(t, verifier.Config{Issuer: s.URL, Audience: audience, Algorithms: []string{"ES256"}})
		c := s.addClient(t, "rsa", "--token-alg", "RS256", "--audience", audience)
		in := s.form(t, "/oauth/token", c, url.Values{"grant_type": {"client_credentials"}}).want(t, http.StatusOK, "")
		get(t, es.url+"/protected", bearer(in.text("access_token"))...).want(t, http.StatusUnauthorized, "invalid_token")
	})
	keepsPrivate(t, s, raw)
	rotates(t, s, r)
}

// keepsPrivate looks for private parts wherever they could be seen (RFC 7518
// §6.2.2, §6.3.2).
func keepsPrivate(t *testing.T, s site, jwks string) {
	t.Helper()
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(jwks), &set); err != nil || len(set.Keys) != 4 {
		t.Fatalf("the JWKS has %d keys, want an active and a standby of each algorithm (%v)", len(set.Keys), err)
	}
	listed := get(t, s.AdminURL+"/admin/keys", bearer(s.admin(t))...).want(t, http.StatusOK, "").raw
	for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		for _, key := range set.Keys {
			if _, there := key[member]; there {
				t.Errorf("the JWKS has the private member %q", member)
			}
		}
		if strings.Contains(listed, `"`+member+`":`) {
			t.Errorf("GET /admin/keys has the private member %q", member)
		}
	}
	kept := files(t, s.DataDir)
	for _, plain := range []string{"PRIVATE KEY", `"d":`, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04"} { // the last is P-256 in a PKCS #8
		if bytes.Contains(kept, []byte(plain)) {
			t.Errorf("the database holds an unsealed private key: %q", plain)
		}
	}
}

// rotates has the standby sign; a token from before stays good.
func rotates(t *testing.T, s site, r resource) {
	t.Helper()
	before := s.member(t, "ada@example.com").text("access_token")
	var was header
	decode(t, before, 0, &was)
	s.MustRun("", "keys", "rotate", "--alg", "ES256", "--force")
	await(t, "a token has the standby's signature", func() bool {
		var is header
		decode(t, s.login(t, "ada@example.com").text("access_token"), 0, &is)
		return is.KID != was.KID
	})
	get(t, r.url+"/protected", bearer(s.login(t, "ada@example.com").text("access_token"))...).want(t, http.StatusOK, "")
	get(t, r.url+"/protected", bearer(before)...).want(t, http.StatusOK, "")
}

// TestSecretsFromEnvironment: a variable, a file that a variable names, .env;
// never printed. Each opens what the one before sealed.
func TestSecretsFromEnvironment(t *testing.T) {
	dir, key := t.TempDir(), servers.SealKey()
	file := filepath.Join(t.TempDir(), "seal.key")
	write(t, file, key+"\n")
	const issuer = "https://auth.example.com" // one that doesn't change with the ports
	refresh := ""
	for _, source := range []struct {
		name   string
		env    map[string]string
		dotenv string
	}{
		{"variable", map[string]string{"SIGNET_SEAL_KEY": key}, ""},
		{"file", map[string]string{"SIGNET_SEAL_KEY": "", "SIGNET_SEAL_KEY_FILE": file}, ""},
		{".env", map[string]string{"SIGNET_SEAL_KEY": ""}, "SIGNET_SEAL_KEY=" + key + "\n"},
		{"file named in .env", map[string]string{"SIGNET_SEAL_KEY": ""}, "SIGNET_SEAL_KEY_FILE=" + file + "\n"},
		{"variable before .env", map[string]string{"SIGNET_SEAL_KEY": key}, "SIGNET_SEAL_KEY=" + servers.SealKey() + "\n"},
	} {
		t.Run(source.name, func(t *testing.T) {
			write(t, filepath.Join(dir, ".env"), source.dotenv)
			source.env["SIGNET_ISSUER"] = issuer
			s := site{servers.Signet(t, servers.Config{DataDir: dir, Env: settings(source.env)})}
			if refresh == "" {
				refresh = s.member(t, "ada@example.com").text("refresh_token")
			}
			// The refresh key is sealed like the others: a token of the last process says that it was opened.
			refresh = s.refresh(t, refresh).want(t, http.StatusOK, "").text("refresh_token")
			s.Stop()
			shown := s.Output() + s.MustRun("", "config") + s.MustRun("", "config", "--json") + s.MustRun("", "keys", "list")
			if strings.Contains(shown, key) {
				t.Error("the seal key was printed")
			}
		})
	}
	if bytes.Contains(bytes.ReplaceAll(files(t, dir), []byte("SIGNET_SEAL_KEY="+key), nil), []byte(key)) {
		t.Error("the seal key stands in the database")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

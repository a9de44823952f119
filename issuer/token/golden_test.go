package token_test

import (
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
	"github.com/signet-oidc/signet/verifier"
)

var update = flag.Bool("update", false, "write the golden files anew")

const issuerURL = "https://auth.example.com"

// at is when all tokens here are issued.
var at = time.Unix(1_900_000_000, 0).UTC()

func ring(t *testing.T) *keys.Ring {
	t.Helper()
	return keystest.Open(t, keys.Config{
		Policy: keys.Policy{Algs: []keys.Algorithm{keys.ES256}}, Now: func() time.Time { return at },
	}).Ring()
}

func minter(r *keys.Ring) *token.Minter {
	return token.NewMinter(issuerURL, func() token.Ring { return r })
}

// golden compares header and claims of a token, without what is random, with a
// file: the wire form, which resource servers in any language read.
func golden(t *testing.T, name, raw string) {
	t.Helper()
	var text strings.Builder
	for _, part := range strings.Split(raw, ".")[:2] {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(regexp.MustCompile(`"(jti|kid|lst)":"[^"]+"`).ReplaceAllString(string(b), `"$1":"…"`) + "\n")
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, diff)
	}
}

func person(now time.Time) token.Access {
	return token.Access{
		Subject: "usr_1", Client: "app", Audience: []string{"https://api.example.com"}, Scope: []string{"read", "write"},
		Roles: []string{"admin"}, Session: "s1", Status: token.Status{URI: issuerURL + token.StatusPath(3), Index: 42},
		Issued: now, Expires: now.Add(15 * time.Minute),
	}
}

func TestGolden(t *testing.T) {
	m := minter(ring(t))
	for name, edit := range map[string]func(*token.Access){
		"person.golden": func(*token.Access) {},
		"client.golden": func(a *token.Access) {
			a.Subject, a.Session, a.Status, a.Roles = "app", "", token.Status{}, nil
		},
		"bound.golden":     func(a *token.Access) { a.BoundKey = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" },
		"audiences.golden": func(a *token.Access) { a.Audience = append(a.Audience, "https://mail.example.com") },
	} {
		a := person(at)
		edit(&a)
		raw, err := m.Access(keys.ES256, a)
		if err != nil {
			t.Fatal(name, err)
		}
		golden(t, name, raw)
	}
}

// What is minted here is read there, by code that shares no type with this.
func TestVerifierReadsIt(t *testing.T) {
	r := ring(t)
	m, now := minter(r), at
	raw, err := m.Access(keys.ES256, person(now))
	if err != nil {
		t.Fatal(err)
	}
	set, err := verifier.ParseKeys(r.JWKS(now).Body)
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(t.Context(), verifier.Config{
		Issuer: issuerURL, Audience: "https://api.example.com", Keys: set, DangerouslyAcceptRevokedTokens: true,
		Now: func() time.Time { return at },
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "usr_1" || got.ClientID != "app" || got.SessionID != "s1" || !got.HasScope("write") || !got.HasRole("admin") ||
		got.Expiry.Unix() != now.Add(15*time.Minute).Unix() || got.ID == "" {
		t.Errorf("read as %+v", got)
	}
	again, _ := m.Access(keys.ES256, person(now))
	second, err := v.Verify(t.Context(), again)
	if err != nil || second.ID == got.ID {
		t.Errorf("two tokens with one jti (%v)", err)
	}
}

func TestStatusListGolden(t *testing.T) {
	bits := make([]byte, 1<<14)
	bits[0] = 1
	raw, err := minter(ring(t)).StatusList(keys.ES256, token.StatusList{
		Number: 3, Bits: bits, Version: 1, Issued: at, Expires: at.Add(time.Minute), TTL: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "statuslist.golden", raw)
}

func TestLogoutGolden(t *testing.T) {
	raw, err := minter(ring(t)).Logout(keys.ES256, token.Logout{Subject: "usr_1", Client: "app", Session: "s1", Issued: at})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "logout.golden", raw)
}

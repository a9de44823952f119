package verifier_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

func TestVerifyGood(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256", "ES384", "PS256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			iss := verifiertest.New(t)
			iss.Rotate(alg)
			cfg := iss.Config(verifiertest.Audience)
			cfg.Algorithms = []string{"ES256", alg}
			v := newVerifier(t, cfg)
			raw := iss.Token(func(c verifiertest.Claims) { c["roles"] = []string{"admin", "user"}; c["extra"] = 7 })
			for range 2 { // checked, then remembered
				tok, err := v.Verify(t.Context(), raw)
				if err != nil {
					t.Fatal(err)
				}
				checkGood(t, tok)
			}
		})
	}
}

func checkGood(t *testing.T, tok *verifier.Token) {
	t.Helper()
	if tok.Subject != "usr_test" || tok.ClientID != "signet" || tok.SessionID == "" || tok.ID == "" || tok.Issuer != verifiertest.URL {
		t.Errorf("token = %+v", tok)
	}
	if got := strings.Join(tok.Audience, ",") + " " + strings.Join(tok.Scopes, ",") + " " + strings.Join(tok.Roles, ","); got != verifiertest.Audience+" openid,profile admin,user" {
		t.Errorf("lists = %q", got)
	}
	if life := tok.Expiry.Sub(tok.IssuedAt); life != verifiertest.TokenTTL {
		t.Errorf("exp - iat = %v", life)
	}
	var claims struct{ Extra int }
	if err := tok.Claims(&claims); err != nil || claims.Extra != 7 {
		t.Errorf("Claims = %+v, %v", claims, err)
	}
}

func newVerifier(t testing.TB, cfg verifier.Config) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func TestVerifyRefuses(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	cases := []struct {
		name string
		raw  string
		want error
	}{
		{"empty", "", verifier.ErrMalformed},
		{"expired", iss.Expired(), verifier.ErrExpired},
		{"other audience", iss.WrongAudience(), verifier.ErrAudience},
		{"revoked", iss.Revoked(), verifier.ErrRevoked},
		{"unknown key", iss.OfUnknownKey(), verifier.ErrUnknownKey},
		{"future", iss.Token(func(c verifiertest.Claims) { c["nbf"] = time.Now().Add(time.Hour).Unix() }), verifier.ErrNotYetValid},
		{"other issuer", iss.Token(func(c verifiertest.Claims) { c["iss"] = "https://evil.test" }), verifier.ErrIssuer},
		{"bound", iss.Token(func(c verifiertest.Claims) { c["cnf"] = map[string]string{"jkt": "x"} }), verifier.ErrProof},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := v.Verify(t.Context(), c.raw); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestRevokedAndWithdrawnWhileRemembered(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	raw := iss.Token()
	verify := func(want error) {
		t.Helper()
		if _, err := v.Verify(t.Context(), raw); !errors.Is(err, want) {
			t.Fatalf("error %v, want %v", err, want)
		}
	}
	verify(nil)
	iss.Revoke(raw)
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	verify(verifier.ErrRevoked)

	raw = iss.Token()
	verify(nil)
	old := iss.KeyID()
	iss.Rotate("ES256")
	iss.Withdraw(old)
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	verify(verifier.ErrUnknownKey)

	raw = iss.Token()
	verify(nil)
	iss.Clock.Advance(verifiertest.TokenTTL + time.Minute/2)
	verify(verifier.ErrExpired)
}

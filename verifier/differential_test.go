package verifier_test

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// judges are two JOSE libraries that nobody here wrote, each asked whether a token
// is one of key's, and who it says it is about.
type judges struct{ key *ecdsa.PublicKey }

func judgesOf(tb testing.TB, key verifier.Key) judges {
	tb.Helper()
	public, ok := key.Public.(*ecdsa.PublicKey)
	if !ok {
		tb.Fatalf("a key of type %T", key.Public)
	}
	return judges{public}
}

func (j judges) joseSubject(raw string) (string, error) {
	parsed, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", err
	}
	var claims josejwt.Claims
	err = parsed.Claims(j.key, &claims)
	return claims.Subject, err
}

func (j judges) jwx(raw string) (sub string, err error) {
	parsed, err := jwt.Parse([]byte(raw), jwt.WithKey(jwa.ES256, j.key), jwt.WithValidate(false))
	if err != nil {
		return "", err
	}
	return parsed.Subject(), nil
}

// agreement signs tokens and asks all three about them.
type agreement struct {
	judges
	iss            *verifiertest.Issuer
	v              *verifier.Verifier
	header, claims string // good ones, without their last brace
}

func newAgreement(tb testing.TB) agreement {
	iss := verifiertest.New(tb)
	keys := fetchKeys(tb, iss)
	cfg := iss.Config(verifiertest.Audience)
	cfg.Keys, cfg.CacheSize, cfg.Algorithms, cfg.DangerouslyAcceptRevokedTokens = keys, -1, []string{"ES256"}, true
	return agreement{
		judges: judgesOf(tb, keys[iss.KeyID()]), iss: iss, v: newVerifier(tb, cfg),
		header: fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"`, iss.KeyID()),
		claims: strings.TrimSuffix(toJSON(tb, iss.Claims()), "}"),
	}
}

// check ends a good header and good claims in the given ways: whatever we accept, jwx
// and go-jose accept too, and read the same subject from it.
func (a agreement) check(t *testing.T, headerEnd, claimsEnd string) (taken bool) {
	raw := a.iss.Sign("", a.header+headerEnd, a.claims+claimsEnd)
	tok, err := a.v.Verify(context.Background(), raw)
	if err != nil {
		return false
	}
	for name, judge := range map[string]func(string) (string, error){"go-jose": a.joseSubject, "jwx": a.jwx} {
		if sub, err := judge(raw); err != nil || sub != tok.Subject {
			t.Errorf("we accept %q, %s says %q, %v: header ends %q, claims end %q", tok.Subject, name, sub, err, headerEnd, claimsEnd)
		}
	}
	return true
}

// Every member that a library may know, with a value of every type.
func TestAgreement(t *testing.T) {
	a := newAgreement(t)
	values := []string{`null`, `true`, `0`, `-1`, `1.5`, `1e308`, `123456789012345678901234567890`, `""`, `"x"`, `"\u0000"`, `"https://x.test"`, `"QUFB"`, `[]`, `["x"]`, `[1]`, `[null]`, `[[]]`, `{}`, `{"x":1}`, `{"kty":"EC"}`}
	names := []string{"x", "cty", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "nonce", "url", "epk", "apu", "apv", "enc", "zip", "iv", "tag", "p2s", "p2c", "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "ppt", "svt", "trust_chain", "typ2", "", "A.b", "\u00e9"}
	taken := 0
	for _, name := range names {
		for _, value := range values {
			member := fmt.Sprintf(`,%q:%s}`, name, value)
			if a.check(t, member, `}`) {
				taken++
			}
		}
	}
	for _, name := range []string{"x", "acr", "amr", "act", "auth_time", "azp", "email", "email_verified", "address", "birthdate", "updated_at", "name", "events", "nonce", "at_hash", "entitlements", "groups", "_claim_names", "", "A.b", "\u00e9"} {
		for _, value := range values {
			if a.check(t, `}`, fmt.Sprintf(`,%q:%s}`, name, value)) {
				taken++
			}
		}
	}
	t.Logf("%d tokens taken by all", taken)
	if taken < 400 {
		t.Error("too few to say anything")
	}
}

// FuzzAgreement is TestAgreement with any end.
func FuzzAgreement(f *testing.F) {
	for _, extra := range []string{`}`, `,"cty":"x","x5t":"abc","x5t#S256":"abc","nonce":"n","url":"u"}`, `,"epk":{},"iv":1,"enc":[],"apu":"x","p2c":-1}`, "\n, \"ext\" : null }", `,"crit":["x"]}`, `,"jwk":{}}`} {
		f.Add(extra, `}`)
	}
	for _, extra := range []string{`,"x":1e400}`, `,"x":{"Y":[null,true,-0.0]}}`, `,"\u0061cr":"\ud83d\ude00"}`, `,"email":7,"address":[]}`, `,"amr":"x","updated_at":"y","name":1}`, `,"events":{"A":1},"act":{"sub":"x"}}`, "}\n", `,"":0}`} {
		f.Add(`}`, extra)
	}
	a := newAgreement(f)
	f.Fuzz(func(t *testing.T, headerEnd, claimsEnd string) { a.check(t, headerEnd, claimsEnd) })
}

// FuzzRaw gives any text: nothing that isn't signed is ever accepted.
func FuzzRaw(f *testing.F) {
	iss := verifiertest.New(f)
	keys := fetchKeys(f, iss)
	cfg := iss.Config(verifiertest.Audience)
	cfg.Keys, cfg.DangerouslyAcceptRevokedTokens = keys, true
	v := newVerifier(f, cfg)
	j := judgesOf(f, keys[iss.KeyID()])
	good := iss.Token()
	for _, raw := range []string{good, good + ".", good[:len(good)-1], "a.b.c", strings.ReplaceAll(good, ".", ".."), "", iss.Expired()} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		tok, err := v.Verify(context.Background(), raw)
		if (tok == nil) == (err == nil) {
			t.Fatalf("%v and %v", tok, err)
		}
		if err == nil {
			if _, err := j.joseSubject(raw); err != nil {
				t.Fatalf("go-jose: %v", err)
			}
			if _, err := j.jwx(raw); err != nil {
				t.Fatalf("jwx: %v", err)
			}
		}
		v.Explain(context.Background(), raw)
		if p := verifier.ProblemOf(err); err != nil && p.Status == 500 {
			t.Fatalf("%v is mapped to nothing", err)
		}
	})
}

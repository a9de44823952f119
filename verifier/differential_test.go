package verifier_test

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

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

// FuzzAgreement signs a good header and good claims that end in any way: whatever we
// accept, jwx and go-jose accept too, and read the same subject from it.
func FuzzAgreement(f *testing.F) {
	iss := verifiertest.New(f)
	keys := fetchKeys(f, iss)
	cfg := iss.Config(verifiertest.Audience)
	cfg.Keys, cfg.CacheSize, cfg.Algorithms, cfg.DangerouslyAcceptRevokedTokens = keys, -1, []string{"ES256"}, true
	now := time.Now()
	cfg.Now = func() time.Time { return now }
	v := newVerifier(f, cfg)
	kid := iss.KeyID()
	j := judges{keys[kid].Public.(*ecdsa.PublicKey)}
	claims, err := json.Marshal(iss.Claims())
	if err != nil {
		f.Fatal(err)
	}
	header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"`, kid)
	for _, extra := range []string{`}`, `,"cty":"x","x5t":"abc","x5t#S256":"abc","nonce":"n","url":"u"}`, `,"epk":{},"iv":1,"enc":[],"apu":"x","p2c":-1}`, "\n, \"ext\" : null }", `,"crit":["x"]}`, `,"jwk":{}}`} {
		f.Add(extra, `}`)
	}
	for _, extra := range []string{`,"x":1e400}`, `,"x":{"Y":[null,true,-0.0]}}`, `,"\u0061cr":"\ud83d\ude00"}`, `,"email":7,"address":[]}`, `,"amr":"x","updated_at":"y","name":1}`, `,"events":{"A":1},"act":{"sub":"x"}}`, "}\n", `,"":0}`} {
		f.Add(`}`, extra)
	}
	f.Fuzz(func(t *testing.T, headerEnd, claimsEnd string) {
		header, claims := header+headerEnd, strings.TrimSuffix(string(claims), "}")+claimsEnd
		raw := iss.Sign("", header, claims)
		tok, err := v.Verify(context.Background(), raw)
		if err != nil {
			return
		}
		for name, judge := range map[string]func(string) (string, error){"go-jose": j.joseSubject, "jwx": j.jwx} {
			if sub, err := judge(raw); err != nil || sub != tok.Subject {
				t.Errorf("we accept %q, %s says %q, %v\nheader %q\nclaims %q", tok.Subject, name, sub, err, header, claims)
			}
		}
	})
}

// FuzzRaw gives any text: nothing that isn't signed is ever accepted.
func FuzzRaw(f *testing.F) {
	iss := verifiertest.New(f)
	keys := fetchKeys(f, iss)
	cfg := iss.Config(verifiertest.Audience)
	cfg.Keys, cfg.DangerouslyAcceptRevokedTokens = keys, true
	v := newVerifier(f, cfg)
	j := judges{keys[iss.KeyID()].Public.(*ecdsa.PublicKey)}
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

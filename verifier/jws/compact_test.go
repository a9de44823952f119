package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for name, raw := range map[string]string{
		"empty": "", "no dots": "abc", "one dot": "a.b", "three dots": "a.b.c.d", "five parts": "a.b.c.d.e", "dots only": "..",
		"no header": ".b.c", "no claims": "a..c", "no signature": "a.b.", "too large": strings.Repeat("a", MaxToken) + ".b.c",
	} {
		if _, err := Split(raw); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, err := Split("aa.bb.cc")
	if err != nil || p != (Parts{Header: "aa", Claims: "bb", Signature: "cc", Signed: "aa.bb"}) {
		t.Errorf("Split = %+v, %v", p, err)
	}
}

func enc(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestReadHeader(t *testing.T) {
	const jwk = `{"kty":"EC"}`
	cases := []struct {
		name, text string
		key        EmbeddedKey
		ok         bool
	}{
		{"ours", `{"alg":"ES256","kid":"k","typ":"at+jwt"}`, WithoutKey, true},
		{"another member", `{"alg":"ES256","x5t":"abc","iat":1}`, WithoutKey, true},
		{"no alg", `{"kid":"k"}`, WithoutKey, false},
		{"empty alg", `{"alg":""}`, WithoutKey, false},
		{"alg twice", `{"alg":"ES256","alg":"none"}`, WithoutKey, false},
		{"alg in other case", `{"alg":"ES256","ALG":"none"}`, WithoutKey, false},
		{"Kid", `{"alg":"ES256","Kid":"k"}`, WithoutKey, false},
		{"Crit", `{"alg":"ES256","Crit":["x"]}`, WithoutKey, false},
		{"alg a number", `{"alg":1}`, WithoutKey, false},
		{"alg null", `{"alg":null}`, WithoutKey, false},
		{"kid a number", `{"alg":"ES256","kid":1}`, WithoutKey, false},
		{"typ a list", `{"alg":"ES256","typ":["at+jwt"]}`, WithoutKey, false},
		{"cty a number", `{"alg":"ES256","cty":1}`, WithoutKey, false},
		{"crit unknown", `{"alg":"ES256","crit":["x"],"x":1}`, WithoutKey, false},
		{"crit empty", `{"alg":"ES256","crit":[]}`, WithoutKey, false},
		{"crit no list", `{"alg":"ES256","crit":"exp"}`, WithoutKey, false},
		{"crit null", `{"alg":"ES256","crit":null}`, WithoutKey, false},
		{"b64 false", `{"alg":"ES256","b64":false}`, WithoutKey, false},
		{"b64 true", `{"alg":"ES256","b64":true}`, WithoutKey, false},
		{"zip", `{"alg":"ES256","zip":"DEF"}`, WithoutKey, false},
		{"jku", `{"alg":"ES256","jku":"https://evil.test"}`, WithoutKey, false},
		{"x5u", `{"alg":"ES256","x5u":"https://evil.test"}`, WithoutKey, false},
		{"x5c", `{"alg":"ES256","x5c":["MII"]}`, WithoutKey, false},
		{"jwk", `{"alg":"ES256","jwk":` + jwk + `}`, WithoutKey, false},
		{"jwk asked for", `{"alg":"ES256","jwk":` + jwk + `}`, WithKey, true},
		{"jwk asked for and absent", `{"alg":"ES256"}`, WithKey, false},
		{"jwk a string", `{"alg":"ES256","jwk":"x"}`, WithKey, false},
		{"a list", `["alg","ES256"]`, WithoutKey, false},
		{"space before", ` {"alg":"ES256"}`, WithoutKey, false},
		{"space after", "{\"alg\":\"ES256\"}\n", WithoutKey, false},
		{"null", `null`, WithoutKey, false},
		{"two", `{"alg":"ES256"}{}`, WithoutKey, false},
		{"large", `{"alg":"ES256","x":"` + strings.Repeat("x", 4096) + `"}`, WithoutKey, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, err := ReadHeader(enc(c.text), c.key)
			if c.ok && (err != nil || h.Algorithm != "ES256") || !c.ok && !errors.Is(err, ErrMalformed) {
				t.Errorf("%+v, %v", h, err)
			}
			if c.ok && bool(c.key) && h.JWK != jwk {
				t.Errorf("jwk = %q", h.JWK)
			}
		})
	}
}

// The examples of RFC 7515 A.2 and A.3 and RFC 8037 A.4, made by others.
func TestVerifyExamplesOfRFCs(t *testing.T) {
	cases := []struct{ name, alg, jwk, raw string }{
		{"RFC 7515 A.3", ES256,
			`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
			"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
		{"RFC 8037 A.4", EdDSA,
			`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			key, err := ParseKey(c.jwk)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Split(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(c.alg, key); err != nil {
				t.Error(err)
			}
			p.Signed += "x"
			if err := p.Verify(c.alg, key); !errors.Is(err, ErrSignature) {
				t.Errorf("altered: %v", err)
			}
		})
	}
}

// The example of RFC 7638 §3.1.
func TestThumbprintExampleOfRFC(t *testing.T) {
	key, err := ParseKey(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Thumbprint(key); err != nil || got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("thumbprint %q, %v", got, err)
	}
}

func TestParseKeyRefuses(t *testing.T) {
	const x, y = `"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"`, `"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	for name, text := range map[string]string{
		"private":           `{"kty":"EC","crv":"P-256",` + x + `,` + y + `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`,
		"symmetric":         `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`,
		"off the curve":     `{"kty":"EC","crv":"P-256",` + x + `,"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"}`,
		"curve unknown":     `{"kty":"EC","crv":"P-521",` + x + `,` + y + `}`,
		"short coordinate":  `{"kty":"EC","crv":"P-256",` + x + `,"y":"AAAA"}`,
		"all in x":          `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3-257rn0s2ldbqkLJK2KRiMohYjlrQ","y":""}`,
		"RSA of 1024 bits":  rsaJWK(1024, 65537),
		"RSA exponent 1":    rsaJWK(2048, 1),
		"RSA exponent even": rsaJWK(2048, 4),
		"RSA of 16384 bits": rsaJWK(16384, 65537),
		"RSA empty":         `{"kty":"RSA","n":"","e":"AQAB"}`,
		"Ed25519 short":     `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`,
		"X25519":            `{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"kty twice":         `{"kty":"EC","kty":"RSA"}`,
		"no kty":            `{}`,
	} {
		if key, err := ParseKey(text); !errors.Is(err, ErrKey) && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
}

func rsaJWK(bits uint, e int64) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	n.Add(n, big.NewInt(1))
	b := func(i *big.Int) string { return base64.RawURLEncoding.EncodeToString(i.Bytes()) }
	return `{"kty":"RSA","n":"` + b(n) + `","e":"` + b(big.NewInt(e)) + `"}`
}

// An ECDSA signature is r and s at their full length and nothing else: no DER, no
// padding, no zero (CVE-2022-21449).
func TestVerifyECDSAForms(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := Parts{Signed: "a.b"}
	for name, sig := range map[string][]byte{
		"zero": make([]byte, 64), "empty": {}, "short": make([]byte, 63), "long": make([]byte, 65), "DER": append([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}, make([]byte, 56)...),
	} {
		p.Signature = base64.RawURLEncoding.EncodeToString(sig)
		if err := p.Verify(ES256, &key.PublicKey); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyAlgorithmMustFit(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edPub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		alg string
		key crypto.PublicKey
	}{
		{"none", &ec.PublicKey}, {"HS256", &rsaKey.PublicKey}, {"HS256", []byte("secret")}, {"RS256", &ec.PublicKey}, {"ES256", &rsaKey.PublicKey},
		{"ES384", &ec.PublicKey}, {"EdDSA", &ec.PublicKey}, {"ES256", edPub}, {"es256", &ec.PublicKey}, {"ES256", nil}, {"ES256", ec}, {"", &ec.PublicKey},
	}
	for _, c := range cases {
		p := Parts{Signed: "a.b", Signature: "AAAA"}
		if err := p.Verify(c.alg, c.key); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s with %T: %v", c.alg, c.key, err)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(`{"alg":"ES256","kid":"k","typ":"at+jwt"}`, false)
	f.Add(`{"alg":"ES256","jwk":{"kty":"EC"}}`, true)
	f.Add(`{"alg":"ES256","crit":["b64"],"b64":false}`, false)
	f.Fuzz(func(t *testing.T, text string, key bool) {
		h, err := ReadHeader(enc(text), EmbeddedKey(key))
		if err != nil {
			if h != (Header{}) {
				t.Fatalf("an error and a header: %+v", h)
			}
			return
		}
		if h.Algorithm == "" || key != (h.JWK != "") {
			t.Fatalf("%+v of %q", h, text)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`)
	f.Add(rsaJWK(2048, 65537))
	f.Add(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if err != nil {
			return
		}
		if err := CheckKey(key); err != nil {
			t.Fatalf("a key we shouldn't use: %v", err)
		}
		if print, err := Thumbprint(key); err != nil || len(print) != 43 {
			t.Fatalf("thumbprint %q, %v", print, err)
		}
	})
}

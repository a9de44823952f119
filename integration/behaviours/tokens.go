package behaviours

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// tokens are the behaviours at a single token (RFC 7515, 7519, 8725, 9068).
func tokens() []Behaviour {
	return []Behaviour{
		take("takes ES256 and RS256; aud as a string or a list", usual),
		take("typ in any case, and as application/at+jwt", types("AT+JWT", "application/at+jwt", "Application/At+Jwt")),
		refuse("refuses another typ, and none (RFC 9068 §4)", wrongTypes),
		refuse("refuses alg none", algNone),
		refuse("refuses algorithms that weren't allowed", notAllowed),
		refuse("refuses an algorithm that isn't the key's own", notTheKeys),
		refuse("refuses HS256 under a public key (RFC 8725 §2.1)", confused),
		refuse("refuses a key that the token brings (jwk, x5c)", ownKey),
		{Point: 1, Name: "never follows jku or x5u", Check: neverFollows},
		refuse("refuses crit: unknown, empty, malformed (RFC 7515 §4.1.11)", func(i *Issuer) []token {
			return i.members(`"crit":["x"],"x":1`, `"crit":["exp"],"exp":1`, `"crit":[]`, `"crit":null`, `"crit":"x"`, `"crit":["absent"]`)
		}),
		refuse("refuses b64 and zip", func(i *Issuer) []token {
			return i.members(`"b64":false`, `"b64":false,"crit":["b64"]`, `"zip":"DEF"`)
		}),
		refuse("refuses four and five parts", func(i *Issuer) []token {
			good := i.Good()
			return []token{{"four parts", good + ".x"}, {"five parts", good + ".x.y"}, {"a trailing dot", good + "."}, {"shape of a JWE", "e30.e30.e30.e30.e30"}}
		}),
		refuse("refuses the JSON serializations", serialized),
		refuse("refuses padded, broken and non-canonical base64url", encodings),
		refuse("refuses duplicate members", duplicates),
		refuse("refuses data after the JSON", func(i *Issuer) []token {
			good, k := i.with(nil), i.signing()
			return append(i.texts(good+"{}", good+" x", good+"\x00"), token{"header {}", i.Header(k.header("") + "{}")}, token{"header x", i.Header(k.header("") + "x")})
		}),
		refuse("refuses invalid UTF-8", func(i *Issuer) []token {
			return i.texts(i.inside()+",\"x\":\"\xff\"}", i.inside()+",\"x\":\"\xed\xa0\x80\"}", i.inside()+`,"x":"\ud800"}`)
		}),
		refuse("refuses names in another case", otherCase),
		refuse("refuses nesting of 4,000 levels", func(i *Issuer) []token {
			return i.texts(i.inside() + `,"x":` + strings.Repeat("[", 4000) + strings.Repeat("]", 4000) + "}")
		}),
		refuse("refuses numbers beyond reason", func(i *Issuer) []token {
			return append(i.each("exp", json.RawMessage("1e400"), json.RawMessage("1e30"), json.RawMessage("99999999999999999999")), i.texts(i.inside()+`,"x":1e9999}`)...)
		}),
		refuse("refuses a token of a megabyte", func(i *Issuer) []token {
			return i.each("x", strings.Repeat("x", 1<<20))
		}),
		refuse("takes times as numbers only", func(i *Issuer) []token {
			later := fmt.Sprint(seconds(600))
			all := i.each("exp", later, []int64{seconds(600)}, true, json.RawMessage("null"), claims{"x": 1}, time.Now().Add(time.Hour).Format(time.RFC3339))
			return append(all, i.each("nbf", fmt.Sprint(seconds(-60)), true, "")...)
		}),
		refuse("refuses an expired token (two minutes)", func(i *Issuer) []token {
			return i.each("exp", seconds(-120), seconds(-86400), 0, 1)
		}),
		refuse("refuses a token of the future (nbf in two minutes)", func(i *Issuer) []token {
			return i.each("nbf", seconds(120), seconds(86400))
		}),
		take("takes a token of a clock three seconds ahead", func(i *Issuer) []token {
			return []token{{"of three seconds ahead", i.Claims(claims{"nbf": seconds(3), "iat": seconds(3)})}}
		}),
		refuse("takes aud as a string or a list of strings only", func(i *Issuer) []token {
			return i.each("aud", []any{Audience, 1}, []any{Audience, nil}, claims{Audience: 1}, [][]string{{Audience}}, 1, true)
		}),
		refuse("refuses another's audience, and none", func(i *Issuer) []token {
			return i.each("aud", nil, "https://other.example.com", []string{"a", "b"}, []string{}, "", Audience+"/", strings.ToUpper(Audience))
		}),
		refuse("refuses another issuer, and none", func(i *Issuer) []token {
			return i.each("iss", nil, "https://evil.example.com", i.URL+"/", i.URL+".evil.example.com", "", []string{i.URL})
		}),
		refuse("requires exp", func(i *Issuer) []token { return i.each("exp", nil) }),
		refuse("requires sub", func(i *Issuer) []token { return i.each("sub", nil, "") }),
		refuse("refuses an altered signature, and none", altered),
		{Point: 1, Name: "an expired token with a bad signature is a bad signature", Check: badSignatureFirst},
		{Point: 1, Name: "its errors tell expiry, audience, issuer, signature apart", Check: tellsApart},
		refuse("refuses a token bound to a key, without a proof (RFC 9449)", func(i *Issuer) []token {
			return i.each("cnf", claims{"jkt": b64(make([]byte, 32))}, claims{"x5t#S256": b64(make([]byte, 32))})
		}),
	}
}

func usual(i *Issuer) []token {
	return []token{
		{"ES256", i.Good()}, {"RS256", i.By(i.rsa)}, {"aud as a list", i.Claims(claims{"aud": []string{"https://other.example.com", Audience}})},
		{"claims nobody knows", i.Claims(claims{"https://x.example.com/y": claims{"a": []any{1, nil, "b"}}})},
	}
}

func types(all ...string) func(i *Issuer) []token {
	return func(i *Issuer) (tokens []token) {
		for _, typ := range all {
			tokens = append(tokens, token{"typ " + typ, i.Header(`{"alg":"ES256","kid":"` + i.signing().kid + `","typ":"` + typ + `"}`)})
		}
		return tokens
	}
}

func wrongTypes(i *Issuer) []token {
	return append(types("JWT", "", "logout+jwt", "dpop+jwt", "at+jwt2")(i), token{"no typ", i.Header(`{"alg":"ES256","kid":"` + i.signing().kid + `"}`)})
}

func algNone(i *Issuer) (all []token) {
	parts := strings.Split(i.Good(), ".")
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		for _, more := range []string{"", `,"kid":"` + i.signing().kid + `"`} {
			header := b64([]byte(`{"alg":"` + alg + `","typ":"at+jwt"` + more + `}`))
			all = append(all, token{"alg " + alg, header + "." + parts[1] + "."}, token{"alg " + alg + ", signed", header + "." + parts[1] + "." + parts[2]})
		}
	}
	return all
}

// notAllowed are good signatures, by keys of this issuer, that nobody asked for.
func notAllowed(i *Issuer) []token {
	es384, ps256 := newEC("ES384"), newRSA("PS256", rsaOther())
	i.Publish(es384, ps256)
	return []token{{"ES384", i.By(es384)}, {"PS256", i.By(ps256)}}
}

// notTheKeys is RS256 by a key that is published for PS256.
func notTheKeys(i *Issuer) []token {
	k := newRSA("RS256", rsaOther())
	i.Publish(k.published(map[string]any{"alg": "PS256"}))
	crossed := i.rsa.sign(`{"alg":"ES256","kid":"`+i.rsa.kid+`","typ":"at+jwt"}`, i.with(nil))
	return []token{{"RS256 by a PS256 key", i.By(k)}, {"ES256 by an RSA key", crossed}}
}

// confused is signed by HMAC under what everybody knows of the RSA key.
func confused(i *Issuer) (all []token) {
	der := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	for name, secret := range map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der, "JWK": []byte(toJSON(i.rsa.jwk)),
		"modulus": rsaKey().N.Bytes(), "modulus in base64": []byte(b64(rsaKey().N.Bytes())), "nothing": {},
	} {
		signed := b64([]byte(`{"alg":"HS256","kid":"`+i.rsa.kid+`","typ":"at+jwt"}`)) + "." + b64([]byte(i.with(nil)))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		all = append(all, token{"HS256 under the " + name, signed + "." + b64(mac.Sum(nil))})
	}
	return all
}

// ownKey is signed by an attacker's key, which the header brings.
func ownKey(i *Issuer) (all []token) {
	k := newRSA("RS256", rsaAttacker())
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
	cert := must(x509.CreateCertificate(rand.Reader, template, template, &rsaAttacker().PublicKey, rsaAttacker()))
	for _, kid := range []string{k.kid, i.rsa.kid, ""} {
		for name, member := range map[string]string{"jwk": toJSON(k.jwk), "x5c": toJSON([]string{base64.StdEncoding.EncodeToString(cert)})} {
			header := fmt.Sprintf(`{"alg":"RS256","kid":%q,"typ":"at+jwt",%q:%s}`, kid, name, member)
			all = append(all, token{name + ", kid " + kid, k.sign(header, i.with(nil))})
		}
	}
	return all
}

// neverFollows has tokens point to an attacker's server, which must not be asked.
func neverFollows(t *Trial) error {
	evil, err := t.newIssuer()
	if err != nil {
		return err
	}
	k := newRSA("RS256", rsaAttacker())
	evil.Publish(k)
	var bad []token
	for _, member := range []string{"jku", "x5u"} {
		for _, kid := range []string{k.kid, t.Issuer.rsa.kid} {
			header := fmt.Sprintf(`{"alg":"RS256","kid":%q,"typ":"at+jwt",%q:%q}`, kid, member, evil.URL+jwksPath)
			bad = append(bad, token{member, k.sign(header, t.Issuer.with(nil))})
		}
	}
	if err := t.refuses(bad); err != nil {
		return err
	}
	if n := evil.Hits(""); n > 0 {
		return fmt.Errorf("the attacker's server was asked %d times", n)
	}
	return nil
}

func serialized(i *Issuer) []token {
	p := strings.Split(i.Good(), ".")
	return []token{
		{"flattened", fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, p[0], p[1], p[2])},
		{"general", fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, p[1], p[0], p[2])},
	}
}

func encodings(i *Issuer) []token {
	good := i.Good()
	p := strings.Split(good, ".")
	half := len(p[2]) / 2
	return []token{
		{"signature padded", good + "=="}, {"header padded", p[0] + "=." + p[1] + "." + p[2]},
		{"a line break in the signature", p[0] + "." + p[1] + "." + p[2][:half] + "\n" + p[2][half:]},
		{"bits beyond the signature", good[:len(good)-1] + string(otherTail(good[len(good)-1]))},
		{"the standard alphabet", standardAlphabet(i)},
	}
}

// otherTail is another last letter of the same 64 bytes: 86 letters hold 516 bits,
// and the last four of them count for nothing.
func otherTail(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

// standardAlphabet is a token whose signature has + and / for - and _.
func standardAlphabet(i *Issuer) string {
	for {
		raw := i.Good()
		at := strings.LastIndexByte(raw, '.')
		if sig := strings.NewReplacer("-", "+", "_", "/").Replace(raw[at:]); sig != raw[at:] {
			return raw[:at] + sig
		}
	}
}

func duplicates(i *Issuer) []token {
	other := `"https://other.example.com"`
	all := i.texts(
		i.inside()+`,"sub":"usr_admin"}`, i.inside()+`,"roles":["admin"]}`, i.inside()+`,"aud":"`+Audience+`"}`, i.inside()+`,"s\u0075b":"usr_admin"}`,
		`{"aud":`+other+`,`+strings.TrimPrefix(i.with(nil), "{"), i.inside()+`,"x":{"y":1,"y":2}}`,
	)
	return append(all, i.members(`"kid":"`+i.signing().kid+`"`, `"alg":"ES256"`, `"typ":"at+jwt"`, `"x":1,"x":2`)...)
}

// otherCase are names that a reader which folds case takes for ones it knows.
func otherCase(i *Issuer) []token {
	fold := func(claim, other string) string { return strings.Replace(i.with(nil), `"`+claim+`"`, `"`+other+`"`, 1) }
	all := i.texts(i.inside()+`,"SUB":"usr_admin"}`, i.inside()+`,"Roles":["admin"]}`, fold("exp", "EXP"), fold("aud", "Aud"), fold("iss", "ISS"), fold("sub", "Sub"))
	return append(all, i.members(`"ALG":"none"`, `"Kid":"x"`)...)
}

func altered(i *Issuer) []token {
	good, other := i.Good(), i.Claims(claims{"sub": "usr_admin"})
	at, p, q := strings.LastIndexByte(good, '.'), strings.Split(good, "."), strings.Split(other, ".")
	return []token{
		{"altered", alter(good)}, {"no signature", good[:at+1]}, {"no signature and no dot", good[:at]}, {"cut", good[:len(good)-3]}, {"longer", good + "AAAA"},
		{"another's claims", p[0] + "." + q[1] + "." + p[2]}, {"zeroes", good[:at+1] + strings.Repeat("A", 86)}, {"RS256 altered", alter(i.By(i.rsa))},
	}
}

func badSignatureFirst(t *Trial) error {
	verify, err := t.open()
	if err != nil {
		return err
	}
	expired := t.Issuer.Claims(claims{"exp": seconds(-3600)})
	if got := t.why(t.ask(verify, expired)); got != Expired {
		return fmt.Errorf("an expired token is %q", got)
	}
	if got := t.why(t.ask(verify, alter(expired))); got != BadSign {
		return fmt.Errorf("with a bad signature it is %q", got)
	}
	return nil
}

func tellsApart(t *Trial) error {
	verify, err := t.open()
	if err != nil {
		return err
	}
	var faults []error
	for want, change := range map[Reason]claims{
		Expired: {"exp": seconds(-3600)}, NotYet: {"nbf": seconds(3600)}, BadAudience: {"aud": "x"}, BadIssuer: {"iss": "https://evil.example.com"},
	} {
		if got := t.why(t.ask(verify, t.Issuer.Claims(change))); got != want {
			faults = append(faults, fmt.Errorf("%q for %q", got, want))
		}
	}
	if got := t.why(t.ask(verify, t.Issuer.Altered())); got != BadSign {
		faults = append(faults, fmt.Errorf("%q for %q", got, BadSign))
	}
	return errors.Join(faults...)
}

// redirect sends whoever asks to another server.
func redirect(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) }
}

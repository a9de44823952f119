package verifier_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// hostile is a token that has to be refused, and how.
type hostile struct {
	name string
	raw  string
	want error
}

// TestHostileTokens holds every token that must be refused against the error it must
// get. All but those that say otherwise carry a good signature by a published key:
// what is wrong is the one thing that the name says.
func TestHostileTokens(t *testing.T) {
	iss := verifiertest.New(t)
	iss.Rotate("RS256")
	rsaKey := iss.KeyID()
	iss.Rotate("ES256")
	v := iss.Verifier(t, verifiertest.Audience)
	g := generator{t: t, iss: iss, rsa: rsaKey, good: iss.Claims()}
	cases := slices.Concat(g.headers(), g.algorithms(), g.claimTypes(), g.claimValues(), g.texts(), g.forms(), g.signatures())
	t.Logf("%d tokens", len(cases))
	if len(cases) < 300 {
		t.Errorf("%d tokens, want a few hundred", len(cases))
	}
	for _, c := range cases {
		tok, err := v.Verify(t.Context(), c.raw)
		if !errors.Is(err, c.want) || tok != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if x := v.Explain(t.Context(), c.raw); !errors.Is(x.Err, c.want) {
			t.Errorf("%s: Explain says %v, want %v", c.name, x.Err, c.want)
		}
	}
	if _, err := v.Verify(t.Context(), iss.Token()); err != nil {
		t.Errorf("a good token afterwards: %v", err)
	}
}

// generator makes hostile tokens.
type generator struct {
	t    *testing.T
	iss  *verifiertest.Issuer
	rsa  string // kid of an RS256 key
	good verifiertest.Claims
}

func (g generator) kid() string { return g.iss.KeyID() }

// claims is the good claims with one changed, as JSON.
func (g generator) claims(change func(verifiertest.Claims)) string {
	c := maps.Clone(g.good)
	if change != nil {
		change(c)
	}
	text, err := json.Marshal(c)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}

func (g generator) goodHeader() string {
	return fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"}`, g.kid())
}

func (g generator) headers() (all []hostile) {
	member := func(name, extra string, want error) {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt",%s}`, g.kid(), extra)
		all = append(all, hostile{"header " + name, g.iss.Sign("", header, g.claims(nil)), want})
	}
	for _, extra := range []string{
		`"crit":["exp"],"exp":1`, `"crit":[]`, `"crit":null`, `"crit":"exp"`, `"crit":{}`, `"crit":[1]`, `"crit":["b64"],"b64":false`, `"crit":["b64"],"b64":true`,
		`"b64":false`, `"b64":true`, `"zip":"DEF"`, `"zip":null`, `"jku":"https://evil.test/jwks"`, `"x5u":"https://evil.test/x"`, `"x5c":["MIIB"]`,
		`"jwk":{"kty":"EC"}`, `"jwk":null`, `"alg":"ES256"`, `"ALG":"none"`, `"Alg":"none"`, `"kid":"x"`, `"KID":"x"`, `"typ":"JWT"`, `"Typ":"JWT"`, `"\u0061lg":"none"`,
		`"Crit":["x"]`, `"CRIT":["x"]`, `"B64":false`, `"Zip":"DEF"`, `"JKU":"x"`, `"X5U":"x"`, `"Jwk":{}`, `"cty":1`, `"x5t":1`, `"x5t#S256":[]`,
		`"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40), `"x":1e1000`, `"x":` + strings.Repeat("1", 65), `"x":"\ud800"`, "\"x\":\"\xff\"", `"x":1,"x":2`, `"x":{"y":1,"y":2}`,
		`"x":"` + strings.Repeat("x", 4000) + `"`,
	} {
		member(shorten(extra), extra, verifier.ErrMalformed)
	}
	for _, header := range []string{
		``, `null`, `[]`, `"x"`, `1`, `{}`, `{"alg":"ES256"`, g.goodHeader() + `x`, g.goodHeader() + g.goodHeader(), "\ufeff" + g.goodHeader(), `{"alg":null}`, `{"alg":1}`, `{"alg":["ES256"]}`, `{"alg":""}`,
		`{"kid":"x","typ":"at+jwt"}`, `{"alg":"ES256","kid":1,"typ":"at+jwt"}`, `{"alg":"ES256","kid":null}`, `{"alg":"ES256","kid":"x","typ":1}`, `{"alg":"ES256","kid":"x","typ":null}`, `{'alg':'ES256'}`,
	} {
		all = append(all, hostile{"header is " + shorten(header), g.iss.Sign("", header, g.claims(nil)), verifier.ErrMalformed})
	}
	for _, typ := range []string{`,"typ":"JWT"`, ``, `,"typ":""`, `,"typ":"at+JWT2"`, `,"typ":"at jwt"`, `,"typ":"dpop+jwt"`, `,"typ":"statuslist+jwt"`, `,"typ":"logout+jwt"`, `,"typ":" at+jwt"`,
		`,"typ":"application/jwt"`, `,"typ":"application/application/at+jwt"`, `,"typ":"text/at+jwt"`, `,"typ":"at+jwt "`, `,"typ":"at+jwt\u0000"`} {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q%s}`, g.kid(), typ)
		all = append(all, hostile{"type" + typ, g.iss.Sign("", header, g.claims(nil)), verifier.ErrType})
	}
	for _, kid := range []string{``, `,"kid":""`, `,"kid":"nobody"`, `,"kid":"../../etc/passwd"`, `,"kid":"' OR 1=1"`, `,"kid":"` + g.kid() + `\u0000"`, `,"kid":" ` + g.kid() + `"`, `,"kid":"` + strings.ToUpper(g.kid()) + `"`} {
		header := fmt.Sprintf(`{"alg":"ES256","typ":"at+jwt"%s}`, kid)
		all = append(all, hostile{"key" + kid, g.iss.Sign("", header, g.claims(nil)), verifier.ErrUnknownKey})
	}
	return all
}

func (g generator) algorithms() (all []hostile) {
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "ES384", "ES512", "ES256K", "PS256", "PS384", "RS384", "RS512", "RS1", "EdDSA", "Ed25519", "es256", "ES256 ", "RSA-OAEP", "dir", "A128KW", "ES256\\u0000"} {
		header := fmt.Sprintf(`{"alg":"%s","kid":%q,"typ":"at+jwt"}`, alg, g.kid())
		all = append(all, hostile{"alg " + alg, g.iss.Sign("", header, g.claims(nil)), verifier.ErrAlgorithm})
	}
	// Each of these names an algorithm that is allowed, and a key that is another's.
	all = append(all,
		hostile{"RS256 with an EC key", g.iss.Sign("", fmt.Sprintf(`{"alg":"RS256","kid":%q,"typ":"at+jwt"}`, g.kid()), g.claims(nil)), verifier.ErrAlgorithm},
		hostile{"ES256 with an RSA key", g.iss.Sign(g.rsa, fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"}`, g.rsa), g.claims(nil)), verifier.ErrAlgorithm},
		hostile{"ES256 by the RSA key's kid", g.iss.Sign("", fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"at+jwt"}`, g.rsa), g.claims(nil)), verifier.ErrAlgorithm},
		hostile{"HS256 with the public key as the secret", g.confused(), verifier.ErrAlgorithm},
	)
	return all
}

// confused is signed by HMAC under what everybody knows (RFC 8725 §2.1).
func (g generator) confused() string {
	signed := b64(fmt.Sprintf(`{"alg":"HS256","kid":%q,"typ":"at+jwt"}`, g.rsa)) + "." + b64(g.claims(nil))
	mac := hmac.New(sha256.New, []byte("the public key"))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// claimTypes gives every claim every type that isn't its own.
func (g generator) claimTypes() (all []hostile) {
	values := map[string]any{
		"null": nil, "true": true, "a number": 12345, "a negative": -1, "a string": "17", "an empty list": []int{}, "a list of numbers": []int{1}, "a list of lists": [][]string{{"x"}},
		"an object": map[string]int{"x": 1}, "a fraction": 1.5, "a list with null": []any{"x", nil}, "a mixed list": []any{verifiertest.Audience, 1},
	}
	take := map[string][]string{ // what is of the right type, and judged elsewhere
		"iss": {"a string"}, "sub": {"a string"}, "jti": {"a string"}, "client_id": {"a string"}, "scope": {"a string"}, "sid": {"a string"},
		"aud": {"a string", "an empty list"}, "roles": {"an empty list"}, "exp": {"a number", "a fraction"}, "iat": {"a number", "a fraction"}, "nbf": {"a number", "a fraction"},
		"status": {"an object"}, "cnf": {"an object"},
	}
	for claim, right := range take {
		for name, value := range values {
			if slices.Contains(right, name) {
				continue
			}
			raw := g.iss.Sign("", g.goodHeader(), g.claims(func(c verifiertest.Claims) { c[claim] = value }))
			all = append(all, hostile{claim + " is " + name, raw, verifier.ErrMalformed})
		}
	}
	return all
}

func (g generator) claimValues() (all []hostile) {
	set := func(claim string, value any, want error) {
		raw := g.iss.Sign("", g.goodHeader(), g.claims(func(c verifiertest.Claims) { c[claim] = value }))
		all = append(all, hostile{fmt.Sprintf("%s = %.40v", claim, value), raw, want})
	}
	now := time.Now().Unix()
	for _, claim := range []string{"exp", "sub"} {
		raw := g.iss.Sign("", g.goodHeader(), g.claims(func(c verifiertest.Claims) { delete(c, claim) }))
		all = append(all, hostile{"no " + claim, raw, verifier.ErrMalformed})
	}
	for claim, want := range map[string]error{"iss": verifier.ErrIssuer, "aud": verifier.ErrAudience} {
		raw := g.iss.Sign("", g.goodHeader(), g.claims(func(c verifiertest.Claims) { delete(c, claim) }))
		all = append(all, hostile{"no " + claim, raw, want})
	}
	for _, other := range []string{"", "https://evil.test", verifiertest.URL + "/", strings.ToUpper(verifiertest.URL), "http://issuer.test", verifiertest.URL + ".evil.test", " " + verifiertest.URL, verifiertest.URL + "\x00", verifiertest.URL + "#x"} {
		set("iss", other, verifier.ErrIssuer)
	}
	for _, other := range []any{"", "x", []string{}, []string{"x", "y"}, verifiertest.Audience + "/", []string{strings.ToUpper(verifiertest.Audience)}, verifiertest.Audience + " x", []string{verifiertest.Audience + "x"}, "*"} {
		set("aud", other, verifier.ErrAudience)
	}
	for _, exp := range []int64{0, 1, now - 86400, now - 11, now - 10} {
		set("exp", exp, verifier.ErrExpired)
	}
	for _, at := range []int64{now + 60, now + 86400, 253402300799} {
		set("nbf", at, verifier.ErrNotYetValid)
		set("iat", at, verifier.ErrNotYetValid)
	}
	for _, huge := range []json.RawMessage{json.RawMessage("253402300800"), json.RawMessage("1e20"), json.RawMessage("9223372036854775807"), json.RawMessage("18446744073709551617"), json.RawMessage("-1"), json.RawMessage("1e999")} {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			set(claim, huge, verifier.ErrMalformed)
		}
	}
	set("sub", "", verifier.ErrMalformed)
	set("cnf", map[string]string{"jkt": "x"}, verifier.ErrProof)
	set("cnf", map[string]string{}, verifier.ErrProof)
	set("cnf", map[string]string{"x5t#S256": "x"}, verifier.ErrProof)
	return append(all, g.statuses()...)
}

// statuses point elsewhere, or nowhere.
func (g generator) statuses() (all []hostile) {
	for _, uri := range []string{
		"", "https://evil.test/oauth/status/1", "http://issuer.test/oauth/status/1", verifiertest.URL + "/oauth/status/", verifiertest.URL + "/oauth/status/../../admin", verifiertest.URL + "/oauth/status/1?x=1",
		verifiertest.URL + "/oauth/status/1#x", verifiertest.URL + "/oauth/status/a/b", verifiertest.URL + "/oauth/status/%2e%2e", verifiertest.URL + ".evil.test/oauth/status/1", verifiertest.URL + "@evil.test/oauth/status/1",
		"file:///etc/passwd", verifiertest.URL + "/oauth/status/\u212a", verifiertest.URL + "/oauth/status/" + strings.Repeat("a", 129), verifiertest.URL + "/oauth/status/absent",
	} {
		status := map[string]any{"status_list": map[string]any{"idx": 1, "uri": uri}}
		raw := g.iss.Sign("", g.goodHeader(), g.claims(func(c verifiertest.Claims) { c["status"] = status }))
		all = append(all, hostile{"status at " + shorten(uri), raw, verifier.ErrStatusUnavailable})
	}
	for name, status := range map[string]struct {
		text string
		want error
	}{
		"of another kind":   {`{"identifier_list":{"id":"1"}}`, verifier.ErrStatusUnavailable},
		"empty":             {`{}`, verifier.ErrStatusUnavailable},
		"beyond the list":   {`{"status_list":{"idx":9007199254740991,"uri":"` + verifiertest.URL + verifiertest.StatusPath + `"}}`, verifier.ErrStatusUnavailable},
		"without uri":       {`{"status_list":{"idx":1}}`, verifier.ErrMalformed},
		"without idx":       {`{"status_list":{"uri":"x"}}`, verifier.ErrMalformed},
		"negative":          {`{"status_list":{"idx":-1,"uri":"x"}}`, verifier.ErrMalformed},
		"of a fraction":     {`{"status_list":{"idx":1.5,"uri":"x"}}`, verifier.ErrMalformed},
		"of a string":       {`{"status_list":{"idx":"1","uri":"x"}}`, verifier.ErrMalformed},
		"over 2^53":         {`{"status_list":{"idx":9007199254740992,"uri":"x"}}`, verifier.ErrMalformed},
		"with idx twice":    {`{"status_list":{"idx":1,"idx":2,"uri":"x"}}`, verifier.ErrMalformed},
		"with a uri number": {`{"status_list":{"idx":1,"uri":1}}`, verifier.ErrMalformed},
	} {
		raw := g.iss.Sign("", g.goodHeader(), g.claims(func(c verifiertest.Claims) { c["status"] = json.RawMessage(status.text) }))
		all = append(all, hostile{"status " + name, raw, status.want})
	}
	return all
}

// texts are claims that aren't quite JSON, or JSON that says two things.
func (g generator) texts() (all []hostile) {
	good := g.claims(nil)
	inside := strings.TrimSuffix(good, "}")
	texts := []string{
		``, ` `, `null`, `[]`, `"x"`, `{`, `}`, good + good, good + "x", good + "\x00", "\ufeff" + good, inside, inside + ",}", "[" + good + "]", good[:len(good)/2], `{"a":` + good + `}`,
		inside + `,"x":"\ud800"}`, inside + `,"x":"\x"}`, inside + ",\"x\":\"\xff\"}", inside + ",\"x\":\"\xed\xa0\x80\"}", inside + ",\"x\":\"\n\"}", inside + `,"x":01}`, inside + `,"x":1e1000}`, inside + `,"x":1e309}`,
		inside + `,"x":` + strings.Repeat("9", 65) + `}`, inside + `,"x":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, inside + `,"x":` + strings.Repeat(`{"a":`, 33) + `1` + strings.Repeat("}", 33) + `}`,
		inside + `,"x":NaN}`, inside + `,x:1}`, inside + `,"x":{"y":1,"y":2}}`, inside + `,"x":[{"y":1,"Y":2}]}`, inside + `/**/}`, strings.ReplaceAll(good, `"`, `'`), inside + `,"x":1,"x":1}`, inside + `,"":1,"":1}`,
	}
	for claim := range g.good {
		texts = append(texts,
			inside+fmt.Sprintf(`,%q:"x"}`, claim),                       // twice
			inside+fmt.Sprintf(`,%q:"x"}`, strings.ToUpper(claim)),      // twice, to a reader that folds case
			inside+fmt.Sprintf(`,"\u%04x%s":"x"}`, claim[0], claim[1:]), // twice, to a reader that unescapes
			strings.Replace(good, `"`+claim+`"`, `"`+strings.ToUpper(claim[:1])+claim[1:]+`"`, 1),
		)
	}
	for _, claim := range []string{"CNF", "Cnf", "\u017ftatus", "\u017fid"} {
		texts = append(texts, inside+fmt.Sprintf(`,%q:{}}`, claim))
	}
	for _, text := range texts {
		all = append(all, hostile{"claims " + shorten(tailOf(text)), g.iss.Sign("", g.goodHeader(), text), verifier.ErrMalformed})
	}
	return all
}

// forms are other shapes of a good token.
func (g generator) forms() (all []hostile) {
	good := g.iss.Token()
	parts := strings.Split(good, ".")
	add := func(name, raw string) { all = append(all, hostile{"form " + name, raw, verifier.ErrMalformed}) }
	for name, raw := range map[string]string{
		"empty": "", "a dot": ".", "two dots": "..", "one part": parts[0], "two parts": parts[0] + "." + parts[1], "no signature": parts[0] + "." + parts[1] + ".", "no claims": parts[0] + ".." + parts[2], "no header": "." + parts[1] + "." + parts[2],
		"four parts": good + ".x", "five parts": good + ".x.y", "trailing dot": good + ".", "leading dot": "." + good, "space before": " " + good, "space after": good + " ", "newline after": good + "\n", "NUL after": good + "\x00",
		"with Bearer": "Bearer " + good, "quoted": `"` + good + `"`, "joined": good + good, "joined by comma": good + "," + good, "padded": good + "==", "header padded": parts[0] + "=." + parts[1] + "." + parts[2],
		"newline inside": parts[0] + ".\n" + parts[1] + "." + parts[2], "standard alphabet": parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 43), "percent": strings.ReplaceAll(good, ".", "%2E"), "full stops": strings.ReplaceAll(good, ".", "。"),
		"flattened JSON": fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]), "general JSON": fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, parts[1], parts[0], parts[2]),
		"over 16 KiB": parts[0] + "." + strings.Repeat("A", 16<<10) + "." + parts[2], "a megabyte": strings.Repeat("A", 1<<20), "JWE": "a.b.c.d.e", "opaque": "sgr_abcdef", "not ASCII": "é.é.é", "signature of one letter": parts[0] + "." + parts[1] + ".A",
	} {
		add(name, raw)
	}
	return all
}

// signatures are good tokens with a bit of them changed.
func (g generator) signatures() (all []hostile) {
	good := g.iss.Token()
	dot := strings.LastIndexByte(good, '.')
	signed, sig := good[:dot], good[dot+1:]
	add := func(name, raw string) { all = append(all, hostile{"signature " + name, raw, verifier.ErrSignature}) }
	raw, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := range raw {
		altered := bytes.Clone(raw)
		altered[i] ^= 1
		add(fmt.Sprintf("byte %d", i), signed+"."+base64.RawURLEncoding.EncodeToString(altered))
	}
	add("zero", signed+"."+strings.Repeat("A", 86))
	add("cut", signed+"."+sig[:len(sig)-2])
	add("longer", signed+"."+sig+"AAAA")
	add("halves swapped", signed+"."+base64.RawURLEncoding.EncodeToString(slices.Concat(raw[32:], raw[:32])))
	expired := g.iss.Expired()
	add("of an expired token", expired[:strings.LastIndexByte(expired, '.')]+"."+sig)
	other := g.iss.Token()
	add("of another token", other[:strings.LastIndexByte(other, '.')]+"."+sig)
	add("over garbage", strings.Split(good, ".")[0]+"."+b64("garbage")+"."+sig)
	add("over claims of other types", strings.Split(good, ".")[0]+"."+b64(`{"exp":"x"}`)+"."+sig)
	return all
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func shorten(s string) string { return fmt.Sprintf("%.60q", s) }

func tailOf(s string) string { return s[max(0, len(s)-40):] }

// What must be taken though it isn't usual.
func TestUnusualTokensAreTaken(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	kid := iss.KeyID()
	claims := func(extra string) string {
		now := time.Now().Unix()
		return fmt.Sprintf(`{"iss":%q,"sub":"s","aud":%q,"exp":%d%s}`, verifiertest.URL, verifiertest.Audience, now+60, extra)
	}
	header := func(typ string) string { return fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":%q}`, kid, typ) }
	for name, raw := range map[string]string{
		"typ in capitals":       iss.Sign("", header("AT+JWT"), claims("")),
		"typ with application/": iss.Sign("", header("application/at+jwt"), claims("")),
		"space in JSON":         iss.Sign("", strings.ReplaceAll(header("at+jwt"), ",", "\n, "), "\t"+claims("")+" "),
		"members nobody knows":  iss.Sign("", strings.TrimSuffix(header("at+jwt"), "}")+`,"x5t":"abc","foo":{"bar":[1]}}`, claims(`,"https://x.test/y":{"A":1e300,"b":null},"Other":1`)),
		"expired within leeway": iss.Sign("", header("at+jwt"), strings.Replace(claims(""), fmt.Sprint(time.Now().Unix()+60), fmt.Sprint(time.Now().Unix()-5), 1)),
		"nbf within leeway":     iss.Sign("", header("at+jwt"), claims(fmt.Sprintf(`,"nbf":%d,"iat":%d`, time.Now().Unix()+8, time.Now().Unix()+8))),
		"time with a fraction":  iss.Sign("", header("at+jwt"), claims(`,"nbf":1.5`)),
		"escapes":               iss.Sign("", header("at+jwt"), claims(`,"\u0073id":"\ud83d\ude00"`)),
		"client_credentials":    iss.Service("client"),
		"no roles and no scope": iss.Sign("", header("at+jwt"), claims(`,"roles":[],"scope":""`)),
		"a rotated key":         iss.OfRotatedKey(),
	} {
		if _, err := v.Verify(t.Context(), raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package flow

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzAssertion reads any text: no panic, and what is read is what encoding/json reads as well, so that no client's library
// can have meant something else.
func FuzzAssertion(f *testing.F) {
	b64 := base64.RawURLEncoding.EncodeToString
	for _, claims := range []string{
		`{"iss":"a","sub":"a","aud":"https://i","exp":1,"jti":"x"}`, `{"iss":"a","sub":"a","aud":["x","y"],"exp":1.5,"nbf":2,"iat":3}`,
		`{"iss":"a","sub":"b"}`, `{"iss":"a","sub":"a","sub":"b"}`, `{"Iss":"a","iss":"a","sub":"a"}`, `{"iss":"a","sub":"a","aud":[[]]}`, `[]`, `{"iss":1,"sub":1}`,
	} {
		f.Add(b64([]byte(`{"alg":"ES256","kid":"k"}`)) + "." + b64([]byte(claims)) + ".AAAA")
	}
	f.Add("..")
	f.Add(strings.Repeat("a", maxAssertion+1))
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := readAssertion(raw)
		if err != nil {
			return
		}
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		var claims map[string]any
		if err := json.Unmarshal(text, &claims); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if a.client == "" || claims["iss"] != string(a.client) || claims["sub"] != string(a.client) {
			t.Errorf("%s: the client is %q", text, a.client)
		}
		if !slices.Equal(a.audience, audienceOf(claims["aud"])) {
			t.Errorf("%s: the audience is %q", text, a.audience)
		}
		if exp, ok := claims["exp"].(float64); ok != (a.expires >= 0) || ok && int64(exp) != a.expires {
			t.Errorf("%s: it expires at %d", text, a.expires)
		}
	})
}

func audienceOf(v any) (list []string) {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	all, _ := v.([]any)
	for _, one := range all {
		s, _ := one.(string)
		list = append(list, s)
	}
	return list
}

package flow

import "testing"

// RFC 6749 §3.1.2: a query that is there stays as it is.
func TestWithQuery(t *testing.T) {
	for redirect, want := range map[string]string{
		"https://a.example/cb":          "https://a.example/cb?x=1",
		"https://a.example":             "https://a.example?x=1",
		"https://a.example/cb?":         "https://a.example/cb?x=1",
		"https://a.example/cb?a=b%20c":  "https://a.example/cb?a=b%20c&x=1",
		"https://a.example/cb?a=b&":     "https://a.example/cb?a=b&x=1",
		"com.example.app:/cb":           "com.example.app:/cb?x=1",
		"com.example.app:cb?tenant=a+b": "com.example.app:cb?tenant=a+b&x=1",
	} {
		if got := withQuery(redirect, "x=1"); got != want {
			t.Errorf("%s: %s, want %s", redirect, got, want)
		}
	}
}

func TestEncode(t *testing.T) {
	got := encode([]Parameter{{Name: "code", Value: "a"}, {Name: "state", Value: "a b+c&d=e#f\r\nSet-Cookie: x ü"}})
	if want := "code=a&state=a%20b%2Bc%26d%3De%23f%0D%0ASet-Cookie%3A%20x%20%C3%BC"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

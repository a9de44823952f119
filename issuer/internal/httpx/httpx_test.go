package httpx

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"email":"a"}`, `{"email":"a","email":"b"}`, `{"Email":"a"}`, `[]`, `{"email":1}`, `{"x":{"y":[1,2]}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var got, want struct {
			Email string `json:"email"`
		}
		if err := decodeJSON([]byte(body), &got); err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("not an error for clients: %v", err)
			}
			return
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil || want != got {
			t.Fatalf("%q: got %+v, encoding/json says %+v (%v)", body, got, want, err)
		}
	})
}

func TestDecodeJSONSaysWhich(t *testing.T) {
	for body, want := range map[string]string{
		`{"given_name":"Ann"}`:                        "the body has a member that is not known here: given_name",
		`{"a\"b":1}`:                                  "the body has a member that is not known here",
		`{"` + strings.Repeat("x", 65) + `":1}`:       "the body has a member that is not known here",
		`{"email":1}`:                                 "a member of the body has the wrong type: email",
		`{"address":{"city":1}}`:                      "a member of the body has the wrong type: address.city",
		`{"address":{"town":"Ghent"}}`:                "a member of the body has the wrong type, or one within that is not known here",
		`{"email":"ann@example.com","email":"other"}`: "the body is not one JSON object with each member once",
	} {
		var dst struct {
			Email   string `json:"email"`
			Address struct {
				City string `json:"city"`
			} `json:"address"`
		}
		err := decodeJSON([]byte(body), &dst)
		if e, ok := errors.AsType[*Error](err); !ok || e.Description != want {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestForm(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"plain":             {"a=b&c=d", true},
		"empty value":       {"a=&c=d", true},
		"twice":             {"a=b&a=b", false},
		"several resources": {"resource=a&resource=b", true},
		"semicolon":         {"a=b;c=d", false},
		"bad escape":        {"a=%zz", false},
		"too many":          {strings.Repeat("a=b&", 65), false},
	} {
		form, err := Values(c.body)
		if err == nil {
			_, err = once(form)
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	form, _ := Values("a=&c=d")
	if form.Has("a") { // RFC 6749 §3.1: sent without a value, as if left out
		t.Error("an empty parameter is there")
	}
}

func TestAddress(t *testing.T) {
	s := &Serve{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for name, c := range map[string]struct {
		peer, forwarded, want string
	}{
		"direct":                 {"192.0.2.1:5", "", "192.0.2.1"},
		"untrusted says":         {"192.0.2.1:5", "198.51.100.9", "192.0.2.1"},
		"one proxy":              {"10.0.0.1:5", "198.51.100.9", "198.51.100.9"},
		"forged before":          {"10.0.0.1:5", "203.0.113.7, 198.51.100.9", "198.51.100.9"},
		"two proxies":            {"10.0.0.1:5", "198.51.100.9, 10.0.0.2", "198.51.100.9"},
		"nonsense":               {"10.0.0.1:5", "unknown", "10.0.0.1"},
		"nonsense behind a good": {"10.0.0.1:5", "unknown, 198.51.100.9", "198.51.100.9"},
		"IPv4 in IPv6":           {"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.client(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestUnmappedAndPanicAreAFixed500(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"unmapped": Table{}.Handle(func(http.ResponseWriter, *http.Request) error { return errors.New("pq: secret detail") }),
		"panic":    http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret detail") }),
	} {
		for _, level := range []zerolog.Level{zerolog.InfoLevel, zerolog.ErrorLevel} {
			var log strings.Builder
			w := httptest.NewRecorder()
			(&Serve{Log: zerolog.New(&log).Level(level), Next: h}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), `"error":"server_error"`) {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
			if !strings.Contains(log.String(), "secret detail") || !strings.Contains(log.String(), w.Header().Get("X-Request-Id")) {
				t.Errorf("%s: the log at level %s doesn't know: %s", name, level, &log)
			}
		}
	}
}

package httpx

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	for name, c := range map[string]struct {
		body, media string
		status      int // 0: taken
	}{
		"members":               {`{"a":1,"b":["c"],"other":{"x":null}}`, "application/json", 0},
		"none":                  {`{}`, "application/json;charset=utf-8", 0},
		"a member twice":        {`{"a":1,"a":1}`, "application/json", 400},
		"in another case":       {`{"a":1,"A":1}`, "application/json", 400},
		"twice further in":      {`{"a":{"b":1,"b":1}}`, "application/json", 400},
		"null, then the same":   {`{"a":null,"a":1}`, "application/json", 400},
		"more after it":         {`{} {}`, "application/json", 400},
		"an array":              {`[]`, "application/json", 400},
		"nothing":               {``, "application/json", 400},
		"bad UTF-8":             {"{\"a\":\"\xff\"}", "application/json", 400},
		"as large as may be":    {`{"a":"` + strings.Repeat("x", 1024-8) + `"}`, "application/json", 0},
		"too large":             {`{"a":"` + strings.Repeat("x", 1024-7) + `"}`, "application/json", 413},
		"a form":                {`{}`, "application/x-www-form-urlencoded", 415},
		"a text, as a form may": {`{}`, "text/plain", 415},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		_, err := Members(httptest.NewRecorder(), r, 1024)
		switch e, _ := errors.AsType[*Error](err); {
		case c.status == 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.status != 0 && (e == nil || e.Status != c.status || e.Code != "invalid_request"):
			t.Errorf("%s: %v, want %d", name, err, c.status)
		}
	}
	got, err := parseMembers(`{"a": null , "b" : [1, 2] }`)
	if _, has := got["a"]; err != nil || has || string(got["b"]) != "[1, 2]" || len(got) != 1 {
		t.Errorf("%s, %v", got, err)
	}
}

func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":{"b":[]},"c":null}`, `{"a":1,"a":2}`, `[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := parseMembers(body)
		if err != nil {
			if e, _ := errors.AsType[*Error](err); e == nil || e.Status != http.StatusBadRequest {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("%q: encoding/json says %v", body, err)
		}
		for name, raw := range want {
			if string(raw) == "null" {
				continue
			}
			if string(got[name]) != string(raw) {
				t.Fatalf("%q: %s is %q, encoding/json says %q", body, name, got[name], raw)
			}
		}
	})
}

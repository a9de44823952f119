package jws

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestDecodeRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"one character": "A", "five characters": "AAAAA", "padding": "AA==", "standard alphabet": "+/+/", "line break": "AA\nAA",
		"carriage return": "AAAA\r\n", "space": "AA A", "bits left of two": "AB", "bits left of three": "AAB", "not ASCII": "AAAé", "NUL": "AAA\x00", "percent": "%41",
	} {
		if got, err := Decode(nil, s); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzDecode holds Decode against encoding/base64's strict reading, which differs in
// line breaks alone.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "AA", "AQ", "AAA", "AAE", "eyJhbGciOiJFUzI1NiJ9", "-_-_", "A", "AA\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Decode([]byte("x"), s)
		want, wantErr := base64.RawURLEncoding.Strict().DecodeString(s)
		if strings.ContainsAny(s, "\r\n") {
			if err == nil {
				t.Fatalf("line break taken: %q", s)
			}
			return
		}
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != "x"+string(want) {
			t.Fatalf("%q: %q %v, encoding/base64 has %q %v", s, got, err, want, wantErr)
		}
		if err == nil && base64.RawURLEncoding.EncodeToString(got[1:]) != s {
			t.Fatalf("%q has a second spelling", s)
		}
	})
}

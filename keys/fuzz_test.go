package keys

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/signet-oidc/signet/keys/secret"
)

// FuzzParseKey: whatever is given, a key that was read has a public part that some algorithm or none goes with, and an
// error is one of ours.
func FuzzParseKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Add([]byte(`{"kty":"oct","k":"AAAA"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseKey(b)
		if err != nil {
			if !errors.Is(err, ErrImport) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if p.settle(ImportRequest{}) != nil {
			return
		}
		public, err := json.Marshal(publicJWK(p.kid, p.alg, p.public))
		if err != nil {
			t.Fatalf("a key that was read can't be written: %v", err)
		}
		if _, err := readPublic(&record{KID: p.kid, Alg: p.alg, Imported: true, Public: public}); err != nil {
			t.Fatalf("a key that was written can't be read: %v", err)
		}
	})
}

// FuzzDocument: a stored ring that is read keeps its meaning when it is written again.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"format":1,"updated":"2026-11-01T12:00:00Z","marks":{"token":"15m0s","max_age":"5m0s","session":"720h0m0s"},"algs":["ES256"],"keys":[{"kid":"a","alg":"ES256","public":{},"created":"2026-11-01T12:00:00Z"}],"refresh":[{"id":1,"created":"2026-11-01T12:00:00Z"}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decodeDocument(b)
		if err != nil {
			if !errors.Is(err, ErrDocument) {
				t.Fatalf("error %v", err)
			}
			return
		}
		once, err := d.encode()
		if err != nil {
			return // a time beyond the year 9999
		}
		again, err := decodeDocument(once)
		if err != nil {
			t.Fatalf("read back: %v", err)
		}
		if twice, err := again.encode(); err != nil || string(twice) != string(once) {
			t.Fatalf("%s\n%s %v", once, twice, err)
		}
	})
}

// FuzzOpenSealed: nothing but what was sealed is opened.
func FuzzOpenSealed(f *testing.F) {
	key, err := secret.NewKey(make([]byte, secret.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	s, err := newSealer([]secret.Key{key})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("1." + s.first + ".AAAA")
	f.Add(s.seal(sealedSigning, "other", []byte("x")))
	f.Fuzz(func(t *testing.T, sealed string) {
		if _, err := s.open(sealedSigning, "kid", sealed); !errors.Is(err, ErrSealed) {
			t.Fatalf("opened %q: %v", sealed, err)
		}
	})
}

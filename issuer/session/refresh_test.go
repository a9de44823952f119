package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// testKeys are refresh keys whose key is their number, repeated.
type testKeys map[uint32]bool

func (testKeys) Newest() (uint32, error) { return 7, nil }

func (k testKeys) MAC(key uint32, message []byte) (mac [32]byte, ok bool) {
	if !k[key] {
		return mac, false
	}
	h := hmac.New(sha256.New, []byte{byte(key)})
	h.Write(message)
	return [32]byte(h.Sum(nil)), true
}

func sample() Refresh {
	return Refresh{
		Key: 7, Session: id.SessionOf([16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}),
		Generation: 42, NotAfter: time.Unix(1_900_000_000, 0).UTC(),
	}
}

func TestRefreshTokenRoundTrip(t *testing.T) {
	c := codec{"https://auth.example.com", testKeys{7: true}}
	token, err := c.encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	// The form on the wire is a promise to every client that holds one.
	const golden = "sgr_AQAAAAcBAgMEBQYHCAkKCwwNDg8QAAAAKgBxP7MAJn6Li2kIECCVemLs7_fyiCKlsfPNnAIfeEpnQB8egPE"
	if token != golden {
		t.Errorf("token %s", token)
	}
	got, err := c.decode(token)
	if err != nil || got != sample() {
		t.Errorf("decoded %+v, %v", got, err)
	}
	if again, _ := c.encode(sample()); again != token {
		t.Error("the same fields gave another token")
	}
}

func TestRefreshTokenRefused(t *testing.T) {
	c := codec{"https://auth.example.com", testKeys{7: true}}
	token, _ := c.encode(sample())
	zero := sample()
	zero.Generation = 0
	first, _ := c.encode(zero)
	elsewhere, _ := codec{"https://other.example.com", testKeys{7: true}}.encode(sample())
	for name, bad := range map[string]string{
		"empty": "", "cut": token[:len(token)-1], "longer": token + "A", "joined": token + token, "prefix": "sgx_" + token[4:],
		"line end": token[:20] + "\n" + token[21:], "padding": token[:len(token)-1] + "=", "standard alphabet": token[:50] + "+" + token[51:],
		"another issuer's": elsewhere, "generation 0": first, "an access token": "eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
	} {
		if _, err := c.decode(bad); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (codec{"https://auth.example.com", testKeys{}}).decode(token); !errors.Is(err, ErrToken) {
		t.Errorf("a key that is gone: %v", err)
	}
}

// Every bit counts: none of them can be turned.
func TestRefreshTokenEveryBit(t *testing.T) {
	c := codec{"https://auth.example.com", testKeys{7: true, 6: true, 5: true, 3: true, 15: true, 23: true, 39: true, 71: true, 135: true}}
	token, _ := c.encode(sample())
	raw, _ := base64.RawURLEncoding.DecodeString(token[4:])
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		if _, err := c.decode(refreshPrefix + base64.RawURLEncoding.EncodeToString(raw)); !errors.Is(err, ErrToken) {
			t.Fatalf("bit %d turned, and %v", i, err)
		}
		raw[i/8] ^= 1 << (i % 8)
	}
}

func FuzzRefreshToken(f *testing.F) {
	c := codec{"https://auth.example.com", testKeys{7: true}}
	token, _ := c.encode(sample())
	for _, s := range []string{"", token, token[:40], "sgr_", strings.ToUpper(token), token + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := c.decode(s)
		if err != nil {
			if !errors.Is(err, ErrToken) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		// What is accepted has one spelling.
		if again, err := c.encode(r); err != nil || again != s {
			t.Fatalf("accepted %q, which is written %q (%v)", s, again, err)
		}
	})
}

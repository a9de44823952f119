package oauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

// ring has the keys 1 and 2, of which 2 is the newest.
type ring struct{ revoked uint32 }

func (r ring) Newest() (uint32, error) {
	if r.revoked == 2 {
		return 0, errors.New("no key")
	}
	return 2, nil
}

func (r ring) MAC(key uint32, message []byte) (mac [32]byte, ok bool) {
	h := hmac.New(sha256.New, []byte{byte(key)})
	h.Write(message)
	copy(mac[:], h.Sum(nil))
	return mac, key != r.revoked && (key == 1 || key == 2)
}

func at(issuer string, sec int64, r ring) nonces {
	return nonces{issuer, r, func() time.Time { return time.Unix(sec, 0) }}
}

const home = "https://id.example.com"

func TestNonceLife(t *testing.T) {
	const slot = int64(nonceSlot / time.Second)
	const begun = 5_000_000 * slot // a slot begins
	for name, c := range map[string]struct {
		given, used int64
		want        bool
	}{
		"at once":                     {begun, begun, true},
		"at the end of its slot":      {begun, begun + slot - 1, true},
		"in the slot after":           {begun, begun + 2*slot - 1, true},
		"over":                        {begun, begun + 2*slot, false},
		"long over":                   {begun, begun + 100*slot, false},
		"by a clock that is behind":   {begun, begun - slot, true},
		"by one that is far too slow": {begun, begun - slot - 1, false},
	} {
		nonce := at(home, c.given, ring{}).Current()
		if got := at(home, c.used, ring{}).Valid(nonce); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if at(home, begun, ring{}).Current() != at(home, begun+slot-1, ring{}).Current() {
		t.Error("two nonces in one slot")
	}
}

func TestNonceIsOurs(t *testing.T) {
	n := at(home, 1e9, ring{})
	nonce := n.Current()
	for name, by := range map[string]nonces{"another issuer": at("https://other.example", 1e9, ring{}), "a revoked key": at(home, 1e9, ring{revoked: 2})} {
		if by.Valid(nonce) {
			t.Errorf("%s takes it", name)
		}
	}
	if at(home, 1e9, ring{revoked: 2}).Current() != "" {
		t.Error("a nonce of no key")
	}
	if !(optional{n}).Valid("") || !(optional{n}).Valid(nonce) || (optional{n}).Valid("x") || n.Valid("") {
		t.Error("optional: none or a good one; else: a good one")
	}
	if strings.ContainsFunc(nonce, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }) {
		t.Errorf("not of NQCHAR (RFC 9449 §8.1): %q", nonce)
	}
}

// One bit more or less is another nonce, and no nonce has two spellings.
func FuzzNonce(f *testing.F) {
	n := at(home, 1e9, ring{})
	good := n.Current()
	for _, s := range []string{good, good + "=", good[:10] + "\n" + good[10:], "", strings.Repeat("A", nonceLength)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n.Valid(s) && s != good {
			t.Errorf("%q is taken", s)
		}
	})
	b, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		f.Fatal(err)
	}
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if n.Valid(base64.RawURLEncoding.EncodeToString(b)) {
			f.Errorf("bit %d can be turned", i)
		}
		b[i/8] ^= 1 << (i % 8)
	}
}

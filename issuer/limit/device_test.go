package limit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"
)

type oneKey struct{}

func (oneKey) Newest() (uint32, error) { return 7, nil }

func (oneKey) MAC(key uint32, message []byte) ([32]byte, bool) {
	h := hmac.New(sha256.New, []byte{1})
	h.Write(message)
	return [32]byte(h.Sum(nil)), key == 7
}

func TestDevices(t *testing.T) {
	d := Devices{"https://auth.example.com", oneKey{}}
	token, err := d.Give("Ada@Example.com")
	if err != nil {
		t.Fatal(err)
	}
	key := d.Known(" ada@example.COM", token)
	if key == "" {
		t.Fatal("a device isn't known by another spelling of its account")
	}
	other, _ := d.Give("ada@example.com")
	if d.Known("ada@example.com", other) == key {
		t.Error("two devices share a key")
	}
	for name, unknown := range map[string]string{
		"another account":  d.Known("bob@example.com", token),
		"another issuer":   Devices{"https://other.example.com", oneKey{}}.Known("ada@example.com", token),
		"nothing":          d.Known("ada@example.com", ""),
		"cut":              d.Known("ada@example.com", token[:len(token)-1]),
		"a refresh token":  d.Known("ada@example.com", "sgr_"+token[4:]),
		"with a line end":  d.Known("ada@example.com", token[:9]+"\n"+token[10:]),
		"no base64":        d.Known("ada@example.com", token[:9]+"+"+token[10:]),
		"the other prefix": d.Known("ada@example.com", "SGD_"+token[4:]),
	} {
		if unknown != "" {
			t.Errorf("%s: known", name)
		}
	}
}

func FuzzDevice(f *testing.F) {
	d := Devices{"https://auth.example.com", oneKey{}}
	token, _ := d.Give("ada@example.com")
	f.Add(token)
	f.Add("sgd_")
	f.Fuzz(func(t *testing.T, s string) {
		if key := d.Known("ada@example.com", s); key != "" {
			raw, err := base64.RawURLEncoding.Strict().DecodeString(s[4:])
			if err != nil || base64.RawURLEncoding.EncodeToString(raw[5:21]) != key {
				t.Fatalf("%q is known as %q", s, key)
			}
		}
	})
}

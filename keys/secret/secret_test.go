package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// holder keeps secrets in unexported fields, for which package fmt doesn't call Format.
type holder struct {
	Public  String
	private String
	key     Key
}

func TestNothingPrints(t *testing.T) {
	const text = "correct-horse-battery"
	raw := []byte("0123456789abcdefghijklmnopqrstuv")
	key, err := NewKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := New(text)
	h := holder{Public: s, private: s, key: key}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T"} {
		for _, v := range []any{s, &s, key, &key, h, &h, []any{s, key}, map[string]any{"s": s, "k": key}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, v := range []any{s, key, h, map[string]any{"s": s, "k": key}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		z := zerolog.New(&out)
		z.Info().Interface("v", v).Any("w", v).Send()
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	z := zerolog.New(&out)
	z.Info().Stringer("s", s).Stringer("k", key).Send()
	for _, bad := range []string{
		text, string(raw), fmt.Sprintf("%x", text), fmt.Sprintf("%X", raw), fmt.Sprintf("%x", raw),
		fmt.Sprintf("%d", raw), fmt.Sprintf("%d", raw[:4])[1:8], base64.StdEncoding.EncodeToString(raw),
	} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("output holds %q", bad)
		}
	}
	if !strings.Contains(out.String(), Redacted) {
		t.Error("nothing was printed at all")
	}
	if s.Reveal() != text || !bytes.Equal(key.Reveal(), raw) {
		t.Error("Reveal doesn't give the secret")
	}
}

func TestEqual(t *testing.T) {
	a, b := GenerateKey(), GenerateKey()
	same, _ := NewKey(a.Reveal())
	zero, _ := NewKey(make([]byte, KeySize))
	for _, tc := range []struct {
		name string
		got  bool
		want bool
	}{
		{"a key and its copy", a.Equal(same), true},
		{"two keys", a.Equal(b), false},
		{"no key and no key", Key{}.Equal(Key{}), true},
		{"no key and a key of zeros", Key{}.Equal(zero), false},
		{"texts alike", New("a").Equal(New("a")), true},
		{"a prefix", New("a").Equal(New("ab")), false},
		{"empty and zero", New("").Equal(String{}), true},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	if a.Fingerprint() != same.Fingerprint() || a.Fingerprint() == b.Fingerprint() || len(a.Fingerprint()) != 12 {
		t.Errorf("fingerprints %q %q %q", a.Fingerprint(), same.Fingerprint(), b.Fingerprint())
	}
}

func TestRevealIsACopy(t *testing.T) {
	k := GenerateKey()
	before := k.Fingerprint()
	k.Reveal()[0] ^= 1
	if k.Fingerprint() != before {
		t.Error("a caller changed the key through Reveal")
	}
}

func TestParseSealKeys(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xff}, 16)
	std, url := base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, tc := range []struct {
		name, in string
		n        int
		err      error
	}{
		{"standard", std, 1, nil},
		{"url without padding", url, 1, nil},
		{"space around", " " + std + "\n", 1, nil},
		{"two", std + "," + other, 2, nil},
		{"empty", "", 0, ErrSealKey},
		{"empty entry", std + ",", 0, ErrSealKey},
		{"31 bytes", base64.StdEncoding.EncodeToString(raw[:31]), 0, ErrSealKey},
		{"33 bytes", base64.StdEncoding.EncodeToString(append(raw, 1)), 0, ErrSealKey},
		{"hexadecimal", fmt.Sprintf("%x", raw), 0, ErrSealKey},
		{"line end inside", std[:10] + "\n" + std[10:], 0, ErrSealKey},
		{"not base64", "correct horse", 0, ErrSealKey},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseSealKeys(tc.in)
			if !errors.Is(err, tc.err) || len(got) != tc.n {
				t.Fatalf("%d keys, error %v; want %d, %v", len(got), err, tc.n, tc.err)
			}
			if err != nil && len(tc.in) > 8 && strings.Contains(err.Error(), tc.in[:8]) {
				t.Errorf("the error gives away what was set: %v", err)
			}
		})
	}
	if _, err := ParseSealKeys(std + "," + url); err == nil {
		t.Error("the same key twice was taken")
	}
	if _, err := ParseSealKeys(strings.Repeat(std+",", 40)); err == nil {
		t.Error("forty keys were taken")
	}
	k, err := ParseSealKey(std)
	if err != nil || !bytes.Equal(k.Reveal(), raw) || k.Base64().Reveal() != std {
		t.Errorf("round trip: %v", err)
	}
}

func FuzzParseSealKeys(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	f.Add("AAAA,,BBBB")
	f.Fuzz(func(t *testing.T, s string) {
		ks, err := ParseSealKeys(s)
		if err != nil {
			return
		}
		for _, k := range ks {
			again, err := ParseSealKey(k.Base64().Reveal())
			if err != nil || !again.Equal(k) {
				t.Fatalf("a key doesn't survive its own text: %v", err)
			}
		}
	})
}

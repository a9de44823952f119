package verifier

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/verifier/jws"
)

const (
	ecX   = `"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"`
	ecY   = `"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	ecKey = `"kty":"EC","crv":"P-256",` + ecX + `,` + ecY
)

func rsaKey(bits uint, e int64) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	n.Add(n, big.NewInt(1))
	b := func(i *big.Int) string { return base64.RawURLEncoding.EncodeToString(i.Bytes()) }
	return fmt.Sprintf(`"kty":"RSA","n":%q,"e":%q`, b(n), b(big.NewInt(e)))
}

// One bad key is left out, and the others are loaded.
func TestJWKSLeavesOut(t *testing.T) {
	const good = `{` + ecKey + `,"kid":"good","alg":"ES256","use":"sig"}`
	cases := []struct {
		name, jwk string
		taken     bool
		alg       string
	}{
		{"plain", `{"kid":"k",` + ecKey + `}`, true, "ES256"},
		{"with alg", `{"kid":"k","alg":"ES256",` + ecKey + `}`, true, "ES256"},
		{"RSA without alg", `{"kid":"k",` + rsaKey(2048, 65537) + `}`, true, ""},
		{"RSA for PS256", `{"kid":"k","alg":"PS256",` + rsaKey(2048, 3) + `}`, true, "PS256"},
		{"RSA of 8192 bits", `{"kid":"k",` + rsaKey(8192, 65537) + `}`, true, ""},
		{"Ed25519", `{"kid":"k","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, true, "EdDSA"},
		{"key_ops verify", `{"kid":"k","key_ops":["verify"],` + ecKey + `}`, true, "ES256"},
		{"members nobody knows", `{"kid":"k","x-foo":[1],"exp":1,` + ecKey + `}`, true, "ES256"},
		{"no kid", `{` + ecKey + `}`, false, ""},
		{"empty kid", `{"kid":"",` + ecKey + `}`, false, ""},
		{"kid a number", `{"kid":1,` + ecKey + `}`, false, ""},
		{"private EC", `{"kid":"k","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",` + ecKey + `}`, false, ""},
		{"private RSA", `{"kid":"k","d":"AQAB","p":"AQAB","q":"AQAB",` + rsaKey(2048, 65537) + `}`, false, ""},
		{"symmetric", `{"kid":"k","kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, false, ""},
		{"for encryption", `{"kid":"k","use":"enc",` + ecKey + `}`, false, ""},
		{"key_ops sign", `{"kid":"k","key_ops":["sign"],` + ecKey + `}`, false, ""},
		{"key_ops empty", `{"kid":"k","key_ops":[],` + ecKey + `}`, false, ""},
		{"alg of another type", `{"kid":"k","alg":"RS256",` + ecKey + `}`, false, ""},
		{"alg HS256", `{"kid":"k","alg":"HS256",` + rsaKey(2048, 65537) + `}`, false, ""},
		{"alg none", `{"kid":"k","alg":"none",` + ecKey + `}`, false, ""},
		{"alg unknown", `{"kid":"k","alg":"RSA-OAEP",` + rsaKey(2048, 65537) + `}`, false, ""},
		{"RSA of 1024 bits", `{"kid":"k",` + rsaKey(1024, 65537) + `}`, false, ""},
		{"RSA of 2047 bits", `{"kid":"k",` + rsaKey(2047, 65537) + `}`, false, ""},
		{"RSA of 8193 bits", `{"kid":"k",` + rsaKey(8193, 65537) + `}`, false, ""},
		{"RSA with exponent 1", `{"kid":"k",` + rsaKey(2048, 1) + `}`, false, ""},
		{"RSA with an even exponent", `{"kid":"k",` + rsaKey(2048, 65536) + `}`, false, ""},
		{"RSA with a huge exponent", `{"kid":"k",` + rsaKey(2048, 1<<40+1) + `}`, false, ""},
		{"off the curve", `{"kid":"k","kty":"EC","crv":"P-256",` + ecX + `,"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aM"}`, false, ""},
		{"the point at zero", `{"kid":"k","kty":"EC","crv":"P-256","x":"AA","y":"AA"}`, false, ""},
		{"P-521", `{"kid":"k","kty":"EC","crv":"P-521",` + ecX + `,` + ecY + `}`, false, ""},
		{"secp256k1", `{"kid":"k","kty":"EC","crv":"secp256k1",` + ecX + `,` + ecY + `}`, false, ""},
		{"X25519", `{"kid":"k","kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, false, ""},
		{"kty unknown", `{"kid":"k","kty":"PQ","x":"AA"}`, false, ""},
		{"no kty", `{"kid":"k",` + ecX + `}`, false, ""},
		{"null", `null`, false, ""},
		{"a string", `"k"`, false, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			keys, err := parseJWKS([]byte(`{"keys":[` + c.jwk + `,` + good + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := keys["good"]; !ok {
				t.Error("the good key is gone")
			}
			if key, ok := keys["k"]; ok != c.taken || key.Algorithm != c.alg {
				t.Errorf("taken %v for %q", ok, key.Algorithm)
			}
			if len(keys) > 2 {
				t.Errorf("%d keys", len(keys))
			}
		})
	}
}

func TestJWKSFirstOfTwoByOneKid(t *testing.T) {
	keys, err := parseJWKS([]byte(`{"keys":[{"kid":"k",` + ecKey + `},{"kid":"k",` + rsaKey(2048, 65537) + `}]}`))
	if err != nil || len(keys) != 1 || keys["k"].Algorithm != "ES256" {
		t.Errorf("%v, %v", keys, err)
	}
}

func FuzzJWKS(f *testing.F) {
	for _, jwk := range []string{ecKey, rsaKey(2048, 65537), `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`, `"kty":"oct","k":"AAAA"`, `"kty":"EC","crv":"P-384","x":"AA","y":"AA"`} {
		f.Add([]byte(`{"keys":[{"kid":"k","use":"sig",` + jwk + `}]}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseJWKS(text)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for kid, key := range keys {
			if kid == "" || key.ID != kid || key.Algorithm != "" && !jws.Fits(key.Algorithm, key.Public) {
				t.Fatalf("%q: %+v", kid, key)
			}
			if err := jws.CheckKey(key.Public); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// pack is the list of a status list token.
func pack(list []byte) string {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(list) // to memory
	_ = z.Close()
	return base64.RawURLEncoding.EncodeToString(out.Bytes())
}

// The examples of draft-ietf-oauth-status-list §4.1 and §4.2: which index has which
// status in these bytes.
func TestStatusListBits(t *testing.T) {
	cases := []struct {
		bits uint64
		list []byte
		set  []uint64 // 1 where the status isn't 0
	}{
		{1, []byte{0xb9, 0xa3}, []uint64{1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1}},
		{2, []byte{0xc9, 0x44, 0xf9}, []uint64{1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1}},
		{4, []byte{0x10, 0x00}, []uint64{0, 1, 0, 0}},
		{8, []byte{0, 7}, []uint64{0, 1}},
	}
	for _, c := range cases {
		s, err := readStatusList(fmt.Sprintf(`{"status_list":{"bits":%d,"lst":%q}}`, c.bits, pack(c.list)))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.set {
			if got, ok := s.set(uint64(i)); !ok || got != (want == 1) {
				t.Errorf("%d bits, index %d: %v %v", c.bits, i, got, ok)
			}
		}
		for _, beyond := range []uint64{uint64(len(c.set)), 1<<53 - 1, 1<<64 - 1} {
			if _, ok := s.set(beyond); ok {
				t.Errorf("%d bits: index %d is there", c.bits, beyond)
			}
		}
	}
}

// The lst of the draft's example, made by others.
func TestStatusListExampleOfDraft(t *testing.T) {
	s, err := readStatusList(`{"status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`)
	if err != nil || !bytes.Equal(s.list, []byte{0xb9, 0xa3}) {
		t.Errorf("%x, %v", s.list, err)
	}
}

func TestStatusListNeverGoesBack(t *testing.T) {
	list := func(version, issued int64) *statusList {
		return &statusList{version: uint64(max(version, 0)), versioned: version >= 0, issued: issued}
	}
	cases := []struct {
		name       string
		fresh, old *statusList
		want       bool
	}{
		{"newer version, older iat", list(2, 1), list(1, 2), false},
		{"same version, older iat", list(1, 1), list(1, 2), false},
		{"older version, newer iat", list(1, 2), list(2, 1), true},
		{"no version, newer iat", list(-1, 2), list(-1, 1), false},
		{"no version, same iat", list(-1, 1), list(-1, 1), false},
		{"no version, older iat", list(-1, 1), list(-1, 2), true},
		{"version lost, older iat", list(-1, 1), list(3, 2), true},
	}
	for _, c := range cases {
		if got := c.fresh.before(c.old); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func FuzzStatusList(f *testing.F) {
	f.Add(`{"iss":"i","sub":"s","iat":1,"exp":2,"ttl":5,"version":1,"status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}`, uint64(3))
	f.Add(`{"status_list":{"bits":8,"lst":"`+pack(make([]byte, 4096))+`"}}`, uint64(1<<63))
	f.Fuzz(func(t *testing.T, text string, index uint64) {
		s, err := readStatusList(text)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if len(s.list) == 0 || len(s.list) > maxList {
			t.Fatalf("%d bytes", len(s.list))
		}
		if _, ok := s.set(index); ok != (index < uint64(len(s.list))*8/s.bits) {
			t.Fatalf("index %d of %d bytes: %v", index, len(s.list), ok)
		}
	})
}

func TestCacheComparesTheWholeToken(t *testing.T) {
	c := newCache(8)
	one := &entry{raw: "one." + strings.Repeat("x", 100)}
	c.put(one, one.token.Expiry)
	if c.get(one.raw) != one {
		t.Error("not found")
	}
	if c.get("two."+strings.Repeat("x", 100)) != nil {
		t.Error("found by its tail alone")
	}
	c.clear()
	if c.get(one.raw) != nil {
		t.Error("found after clear")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(64)
	for i := range 10000 {
		c.put(&entry{raw: fmt.Sprintf("token-%d", i)}, (&entry{}).token.Expiry)
	}
	n := 0
	for i := range 10000 {
		if c.get(fmt.Sprintf("token-%d", i)) != nil {
			n++
		}
	}
	if n == 0 || n > 64 {
		t.Errorf("%d tokens in a cache of 64", n)
	}
	if newCache(-1) != nil || (*cache)(nil).get("x") != nil {
		t.Error("no cache is a cache")
	}
}

func TestStaticKeys(t *testing.T) {
	keys, err := ParseKeys([]byte(`{"keys":[{"kid":"k",` + ecKey + `}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Key(context.Background(), "k"); err != nil {
		t.Error(err)
	}
	if _, err := keys.Key(context.Background(), "other"); !errors.Is(err, ErrUnknownKey) {
		t.Error(err)
	}
}

package keys_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/signet-oidc/signet/keys"
)

// TestSameAsGoJose: the header is go-jose's to the byte, and for an algorithm whose signatures aren't random so is the
// token.
func TestSameAsGoJose(t *testing.T) {
	software := keys.Software{}
	for _, alg := range keys.Algorithms() {
		private, _, err := software.Generate(t.Context(), alg)
		if err != nil {
			t.Fatal(err)
		}
		d := deploy(t, keys.Policy{Algs: []keys.Algorithm{alg}})
		d.config.Providers = []keys.Provider{&fixedProvider{first: private}}
		key := signerOf(t, d.open(), alg, private)
		for _, typ := range []string{"at+jwt", "JWT", "logout+jwt", "statuslist+jwt", "something-else+jwt"} {
			options := new(jose.SignerOptions).WithType(jose.ContentType(typ))
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: private, KeyID: key.ID()}}, options)
			if err != nil {
				t.Fatal(err)
			}
			for _, payload := range []string{"", "{}", `{"sub":"ü"}`, strings.Repeat("x", 5000)} {
				signed, err := signer.Sign([]byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				want, _ := signed.CompactSerialize()
				got, err := key.SignJWS(typ, []byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				random := alg == keys.ES256 || alg == keys.ES384 || alg == keys.PS256
				if random {
					verifyJWS(t, got, key.Public(), alg)
					cut := func(s string) string { return s[:strings.LastIndexByte(s, '.')] }
					got, want = cut(got), cut(want)
				}
				if got != want {
					t.Errorf("%s %s\n got %s\nwant %s", alg, typ, got, want)
				}
			}
		}
	}
}

// TestPSSSalt: RFC 7518 §3.5, the salt is as long as the hash.
func TestPSSSalt(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.PS256}})
	key, err := d.open().Ring().Signer(keys.PS256, start)
	if err != nil {
		t.Fatal(err)
	}
	token, err := key.SignJWS("at+jwt", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	i := strings.LastIndexByte(token, '.')
	sig, _ := base64.RawURLEncoding.DecodeString(token[i+1:])
	sum := sha256.Sum256([]byte(token[:i]))
	opts := &rsa.PSSOptions{SaltLength: 32}
	if err := rsa.VerifyPSS(as[*rsa.PublicKey](t, key.Public()), crypto.SHA256, sum[:], sig, opts); err != nil {
		t.Error(err)
	}
}

// TestManySignatures: about one ECDSA signature in 128 has a short r or s, which must be padded.
func TestManySignatures(t *testing.T) {
	d := deploy(t, keys.Policy{})
	key, err := d.open().Ring().Signer(keys.ES256, start)
	if err != nil {
		t.Fatal(err)
	}
	for range 1500 {
		token, err := key.SignJWS("at+jwt", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		verifyJWS(t, token, key.Public(), keys.ES256)
	}
}

// signerOf returns the handle of a private key, which may have become the standby: keys are made in parallel.
func signerOf(t *testing.T, k *keys.Keeper, alg keys.Algorithm, private crypto.Signer) *keys.Key {
	t.Helper()
	key, err := k.Ring().Signer(alg, start)
	if err != nil {
		t.Fatal(err)
	}
	if !as[interface{ Equal(crypto.PublicKey) bool }](t, key.Public()).Equal(private.Public()) {
		if _, err := k.Rotate(t.Context(), keys.RotateRequest{Force: true}); err != nil {
			t.Fatal(err)
		}
		if key, err = k.Ring().Signer(alg, start.Add(keys.ActivateAhead)); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/signet-oidc/signet/keys"
)

// foreign is a key of another issuer.
type foreign struct {
	private crypto.Signer
	pem     []byte // PKCS #8
	public  []byte // PKIX
}

func foreignKey(t *testing.T, alg keys.Algorithm) foreign {
	t.Helper()
	s, der, err := keys.Software{}.Generate(t.Context(), alg)
	if err != nil {
		t.Fatal(err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(s.Public())
	if err != nil {
		t.Fatal(err)
	}
	return foreign{s, block("PRIVATE KEY", der), block("PUBLIC KEY", pkix)}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (f foreign) jwk(t *testing.T, kid, alg, use string, public bool) []byte {
	t.Helper()
	k := jose.JSONWebKey{Key: f.private, KeyID: kid, Algorithm: alg, Use: use}
	if public {
		k = k.Public()
	}
	b, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestImportRetired(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	f := foreignKey(t, keys.RS256) // the ring doesn't sign RS256: tokens that are out stay valid all the same
	res, err := k.Import(t.Context(), keys.ImportRequest{Key: f.jwk(t, "legacy-2024", "", "", true), As: keys.Retired, TokenLife: 24 * time.Hour, Actor: "cli:root", Reason: "migration"})
	if err != nil {
		t.Fatal(err)
	}
	if res.KID != "legacy-2024" || res.Alg != keys.RS256 || res.As != keys.Retired {
		t.Errorf("result %+v", res)
	}
	pub, alg, ok := k.Ring().PublicKey("legacy-2024", d.clock.Now())
	if !ok || alg != keys.RS256 || !as[*rsa.PublicKey](t, f.private.Public()).Equal(pub) {
		t.Errorf("published: %v %s", ok, alg)
	}
	if !slices.Contains(published(t, k.Ring().JWKS(d.clock.Now())), "legacy-2024") {
		t.Error("not in the JWKS")
	}
	if got := res.Remove.Sub(d.clock.Now()); got < 24*time.Hour+10*time.Minute {
		t.Errorf("published for %s, want longer than its tokens live", got)
	}
	if _, err := k.Ring().Signer(keys.RS256, d.clock.Now()); !errors.Is(err, keys.ErrAlgorithm) {
		t.Errorf("a retired key signs: %v", err)
	}
	if c := d.store.Changes()[1]; c.Kind != keys.Imported || c.Actor != "cli:root" || c.Detail["as"] != "retired" {
		t.Errorf("audit %+v", c)
	}
	if _, err := k.Import(t.Context(), keys.ImportRequest{Key: f.public, As: keys.Retired}); !errors.Is(err, keys.ErrImport) {
		t.Errorf("the same key under another kid: %v", err)
	}
}

func TestImportStandby(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	d.pass(time.Hour, k)
	old, f := d.kidOf(k, keys.ES256, keys.Standby), foreignKey(t, keys.ES256)
	res, err := k.Import(t.Context(), keys.ImportRequest{Key: f.pem, As: keys.Standby})
	if err != nil || res.Replaced != old || d.kidOf(k, keys.ES256, keys.Standby) != res.KID {
		t.Fatalf("%+v %v", res, err)
	}
	if slices.Contains(published(t, k.Ring().JWKS(d.clock.Now())), old) {
		t.Error("the old standby is still published")
	}
	if _, err := k.Rotate(t.Context(), keys.RotateRequest{}); !errors.Is(err, keys.ErrTooEarly) {
		t.Errorf("rotated to it at once: %v", err)
	}
	d.pass(k.Policy().PublishWait(), k)
	d.rotate(k, keys.RotateRequest{})
	d.pass(keys.ActivateAhead, k)
	key, err := k.Ring().Signer(keys.ES256, d.clock.Now())
	if err != nil || key.ID() != res.KID || !as[*ecdsa.PublicKey](t, f.private.Public()).Equal(key.Public()) {
		t.Errorf("signer %v %v, want the imported key", key, err)
	}
}

func TestImportActive(t *testing.T) {
	for _, force := range []bool{false, true} {
		d := deploy(t, keys.Policy{})
		k := d.open()
		d.pass(time.Hour, k)
		old, f := d.signer(k, keys.ES256), foreignKey(t, keys.ES256)
		res, err := k.Import(t.Context(), keys.ImportRequest{Key: f.pem, KID: "main", As: keys.Active, Force: force})
		if err != nil || res.Replaced != old || res.KID != "main" {
			t.Fatalf("%+v %v", res, err)
		}
		wait := k.Policy().PublishWait()
		if force {
			wait = keys.ActivateAhead
		}
		if got := res.Activate.Sub(d.clock.Now()); got != wait {
			t.Errorf("force %v: signs after %s, want %s", force, got, wait)
		}
		if _, err := k.Import(t.Context(), keys.ImportRequest{Key: foreignKey(t, keys.ES256).pem, As: keys.Active}); !errors.Is(err, keys.ErrTooEarly) {
			t.Errorf("force %v: a second one while the first waits: %v", force, err)
		}
		d.pass(wait-1, k)
		if got := d.signer(k, keys.ES256); got != old {
			t.Errorf("force %v: %s signs before the wait is over", force, got)
		}
		d.pass(1, k)
		if got := d.signer(k, keys.ES256); got != "main" {
			t.Errorf("force %v: %s signs, want the imported key", force, got)
		}
		if got := d.states(k); got != "ES256 retired, ES256 active, ES256 standby" {
			t.Errorf("force %v: %s", force, got)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	ec, rs, ed := foreignKey(t, keys.ES256), foreignKey(t, keys.RS256), foreignKey(t, keys.EdDSA)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	p521DER, _ := x509.MarshalPKCS8PrivateKey(p521)
	x, _ := ecdh.X25519().GenerateKey(rand.Reader)
	xDER, _ := x509.MarshalPKCS8PrivateKey(x)
	oct := []byte(`{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0","alg":"HS256"}`)
	standby := func(b []byte) keys.ImportRequest { return keys.ImportRequest{Key: b, As: keys.Standby} }
	withAlg := func(b []byte, a keys.Algorithm) keys.ImportRequest {
		return keys.ImportRequest{Key: b, Alg: a, As: keys.Retired}
	}
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte("x")})
	offCurve := bytes.Replace(ec.jwk(t, "", "", "", true), []byte(`"y":"`), []byte(`"y":"A`), 1)
	for _, tc := range []struct {
		name string
		q    keys.ImportRequest
		want error
	}{
		{"nothing", standby(nil), keys.ErrImport},
		{"neither", standby([]byte("hello")), keys.ErrImport},
		{"too much", standby(bytes.Repeat([]byte("x"), 40<<10)), keys.ErrImport},
		{"two keys", standby(slices.Concat(ec.pem, ec.pem)), keys.ErrImport},
		{"a certificate request", standby(block("CERTIFICATE REQUEST", []byte("x"))), keys.ErrImport},
		{"damaged", standby(block("PRIVATE KEY", []byte("x"))), keys.ErrImport},
		{"encrypted, the old way", standby(encrypted), keys.ErrImport},
		{"encrypted", standby(block("ENCRYPTED PRIVATE KEY", []byte("x"))), keys.ErrImport},
		{"a public key to sign with", standby(ec.public), keys.ErrImport},
		{"no place", keys.ImportRequest{Key: ec.pem}, keys.ErrImport},
		{"as revoked", keys.ImportRequest{Key: ec.pem, As: keys.Revoked}, keys.ErrImport},
		{"a symmetric key", withAlg(oct, ""), keys.ErrImport},
		{"a JWK for encryption", withAlg(ec.jwk(t, "", "", "enc", true), ""), keys.ErrImport},
		{"a broken JWK", withAlg([]byte(`{"kty":"EC"}`), ""), keys.ErrImport},
		{"a point off the curve", withAlg(offCurve, ""), keys.ErrImport},
		{"a weak RSA key", withAlg(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak)), ""), keys.ErrAlgorithm},
		{"P-521", withAlg(block("PRIVATE KEY", p521DER), ""), keys.ErrAlgorithm},
		{"X25519", withAlg(block("PRIVATE KEY", xDER), ""), keys.ErrImport},
		{"EC as RS256", withAlg(ec.pem, keys.RS256), keys.ErrAlgorithm},
		{"RSA as ES256", withAlg(rs.pem, keys.ES256), keys.ErrAlgorithm},
		{"RSA as EdDSA", withAlg(rs.pem, keys.EdDSA), keys.ErrAlgorithm},
		{"Ed25519 as PS256", withAlg(ed.pem, keys.PS256), keys.ErrAlgorithm},
		{"alg none", withAlg(ec.pem, "none"), keys.ErrAlgorithm},
		{"a JWK of another alg", withAlg(rs.jwk(t, "", "PS256", "", true), keys.RS256), keys.ErrImport},
		{"a JWK of RS512", withAlg(rs.jwk(t, "", "RS512", "", true), ""), keys.ErrAlgorithm},
		{"a kid with a space", keys.ImportRequest{Key: ec.pem, KID: "a b", As: keys.Retired}, keys.ErrImport},
		{"a kid with a line end", keys.ImportRequest{Key: ec.pem, KID: "a\nb", As: keys.Retired}, keys.ErrImport},
		{"a long kid", keys.ImportRequest{Key: ec.pem, KID: strings.Repeat("k", 129), As: keys.Retired}, keys.ErrImport},
		{"an algorithm that the ring lacks", standby(ed.pem), keys.ErrAlgorithm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := deploy(t, keys.Policy{})
			k := d.open()
			if _, err := k.Import(t.Context(), tc.q); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			if got := d.changeKinds(); got != "created" {
				t.Errorf("changes %q", got)
			}
		})
	}
}

func TestImportForms(t *testing.T) {
	ec, rs := foreignKey(t, keys.ES256), foreignKey(t, keys.RS256)
	sec1, _ := x509.MarshalECPrivateKey(as[*ecdsa.PrivateKey](t, ec.private))
	rsPub := as[*rsa.PublicKey](t, rs.private.Public())
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(as[*rsa.PrivateKey](t, rs.private)))
	for _, tc := range []struct {
		name string
		key  []byte
		alg  keys.Algorithm
		want keys.Algorithm
	}{
		{"PKCS #8", ec.pem, "", keys.ES256},
		{"SEC 1", block("EC PRIVATE KEY", sec1), "", keys.ES256},
		{"PKCS #1", pkcs1, "", keys.RS256},
		{"PKCS #1, for PS256", pkcs1, keys.PS256, keys.PS256},
		{"PKIX", ec.public, "", keys.ES256},
		{"PKCS #1, public", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsPub)), "", keys.RS256},
		{"JWK, private", rs.jwk(t, "", "PS256", "sig", false), "", keys.PS256},
		{"JWK with space around", slices.Concat([]byte("\n "), ec.jwk(t, "", "", "", true), []byte("\n")), "", keys.ES256},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := deploy(t, keys.Policy{}).open()
			res, err := k.Import(t.Context(), keys.ImportRequest{Key: tc.key, Alg: tc.alg, As: keys.Retired})
			if err != nil || res.Alg != tc.want || len(res.KID) != 43 {
				t.Fatalf("%+v %v", res, err)
			}
		})
	}
}

// TestExport: what is exported is what is published, in both forms, and can be imported elsewhere.
func TestExport(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: keys.Algorithms()})
	k := d.open()
	all, err := k.Ring().Export("", d.clock.Now())
	if err != nil || len(all) != 10 {
		t.Fatalf("%d keys, %v", len(all), err)
	}
	elsewhere := deploy(t, keys.Policy{}).open()
	for _, e := range all {
		for _, form := range [][]byte{e.JWK, []byte(e.PEM)} {
			if bytes.Contains(form, []byte("PRIVATE")) || bytes.Contains(form, []byte(`"d"`)) {
				t.Fatalf("a private part in %s", form)
			}
		}
		res, err := elsewhere.Import(t.Context(), keys.ImportRequest{Key: []byte(e.PEM), Alg: e.Alg, As: keys.Retired})
		if err != nil || res.KID != e.KID {
			t.Errorf("%s %s comes back as %+v, %v", e.Alg, e.KID, res, err)
		}
		one, err := k.Ring().Export(e.KID, d.clock.Now())
		if err != nil || len(one) != 1 || one[0].PEM != e.PEM {
			t.Errorf("export of one: %v %v", one, err)
		}
	}
	if _, err := k.Ring().Export("nobody", d.clock.Now()); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("unknown kid: %v", err)
	}
}

// TestRevokedStaysOut: a revoked key can't come back by import.
func TestRevokedStaysOut(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	f := foreignKey(t, keys.ES256)
	res, err := k.Import(t.Context(), keys.ImportRequest{Key: f.pem, As: keys.Standby})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Revoke(t.Context(), res.KID, "", ""); err != nil {
		t.Fatal(err)
	}
	d.pass(365*24*time.Hour, k)
	if _, err := k.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, kid := range []string{"", "renamed"} {
		if _, err := k.Import(t.Context(), keys.ImportRequest{Key: f.pem, KID: kid, As: keys.Retired}); !errors.Is(err, keys.ErrImport) {
			t.Errorf("kid %q: %v", kid, err)
		}
	}
}

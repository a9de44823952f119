package leaks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestFind plants each secret in each form: a search that finds nothing proves
// nothing unless it finds these.
func TestFind(t *testing.T) {
	ec, rs := newECDSA(t), newRSA(t)
	const text = "correct horse battery staple"
	seal := make([]byte, 32)
	_, _ = rand.Read(seal)
	var s Secrets
	s.AddRSA("rsa", rs)
	if err := s.AddECDSA("ec", ec); err != nil {
		t.Fatal(err)
	}
	s.AddText("password", text)
	s.AddBytes("seal key", seal)

	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	d, err := ec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, leak := range map[string]string{
		"PKCS #8 of EC":         pkcs8(t, ec),
		"PKCS #8 of RSA":        pkcs8(t, rs),
		"SEC 1":                 pemOf("EC PRIVATE KEY", sec1),
		"PKCS #1":               pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs)),
		"PEM in JSON":           jsonOf(t, pkcs8(t, ec)),
		"DER in base64":         base64.StdEncoding.EncodeToString(sec1),
		"DER in base64, behind": base64.StdEncoding.EncodeToString(append([]byte("x"), sec1...)),
		"DER in base64url":      base64.RawURLEncoding.EncodeToString(sec1),
		"JWK of EC":             jsonOf(t, jose.JSONWebKey{Key: ec}),
		"JWK of RSA":            jsonOf(t, jose.JSONWebKey{Key: rs}),
		"d in decimal":          fmt.Sprint(rs.D),
		"%v of an RSA key":      fmt.Sprintf("%v", rs),
		"bytes":                 fmt.Sprintf("%d", d),
		"bytes as Go":           fmt.Sprintf("%#v", d),
		"hex":                   fmt.Sprintf("%X", d),
		"a seal key":            base64.StdEncoding.EncodeToString(seal),
		"a password":            "password is " + text,
		"half a password":       text[len(text)/2:],
		"a password in base64":  base64.StdEncoding.EncodeToString([]byte("ann:" + text)), // as in Basic
	} {
		t.Run(name, func(t *testing.T) {
			found := s.Find("it", "before "+leak+" after")
			if len(found) == 0 {
				t.Errorf("not found in %.80q", leak)
			}
			if strings.Contains(strings.Join(found, ""), text) {
				t.Error("the report shows the secret")
			}
		})
	}
	if found := s.Find("it", pkcs8(t, newECDSA(t))+pkcs8(t, newRSA(t))+"other words of another sentence"); found != nil {
		t.Errorf("found in what holds none: %v", found)
	}
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("PRIVATE KEY", der)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

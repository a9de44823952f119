package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certify has the public address speak HTTPS, with a certificate of its own that
// s.CA trusts.
func (s *SignetServer) certify(t testing.TB, env map[string]string) {
	t.Helper()
	cert, key, err := certificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	env["SIGNET_TLS_CERT"], env["SIGNET_TLS_KEY"] = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	err = errors.Join(os.WriteFile(env["SIGNET_TLS_CERT"], cert, 0o600), os.WriteFile(env["SIGNET_TLS_KEY"], key, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	s.CA = x509.NewCertPool()
	s.CA.AppendCertsFromPEM(cert)
}

// certificate makes one of the loopback for an hour, signed by itself, and its key,
// as PEM.
func certificate(now time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), nil
}

// transport is one of its own: a kept connection would hold up a server's end.
func (s *SignetServer) transport() *http.Transport {
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.CA}}
}

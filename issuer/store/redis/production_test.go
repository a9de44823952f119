package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/signet-oidc/signet/integration/servers"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/issuer/store/storetest"
)

// works refreshes once, from the beginning.
func works(t *testing.T, s *Store) {
	t.Helper()
	mustRotate(t, s, rotation(begun(t, s, start), 1, start), session.Rotated)
}

func TestUnixSocket(t *testing.T) {
	server := servers.Redis(t)
	works(t, open(t, "unix://"+server.Socket+"?db=3"))
	if got := server.CLI("-n", "3", "DBSIZE"); got != "1" {
		t.Errorf("database 3 holds %s keys, want 1", got)
	}
}

// The user may do what doc.go lists and no more.
func TestLeastUser(t *testing.T) {
	server := servers.Redis(t)
	server.CLI(append([]string{"ACL", "SETUSER", "signet", "on", ">pass word"}, leastACL...)...)
	s := open(t, "redis://signet:pass%20word@"+server.Addr)
	works(t, s)
	busy(t, s)
	reuse(t, s)
	storetest.Waiting(t, func(*testing.T) grant.Store { return s.Waiting() })
	if _, err := s.Unsettled(t.Context(), 10); err != nil {
		t.Error(err)
	}
	if err := errors.Join(s.Reachable(t.Context()), s.Remember(t.Context(), "dep")); err != nil {
		t.Error(err)
	}
	if advice := s.Advice(t.Context()); len(advice) != 0 {
		t.Errorf("advice %q though CONFIG is forbidden", advice)
	}
}

func testLeastUserOfCluster(t *testing.T, masters []*servers.RedisServer) {
	for _, m := range masters {
		m.CLI(append(append([]string{"ACL", "SETUSER", "signet", "on", ">pw"}, leastACL...), "+cluster|slots", "+cluster|shards")...)
	}
	s := open(t, fmt.Sprintf("redis://signet:pw@%s,%s", masters[0].Addr, masters[1].Addr))
	if err := s.Reachable(t.Context()); err != nil {
		t.Fatal(err)
	}
	works(t, s)
	reuse(t, s)
	mustSay(t, s, true, "the first call")
	if list, err := s.Unsettled(t.Context(), 10); err != nil || len(list) == 0 {
		t.Errorf("%d unsettled, error %v", len(list), err)
	}
}

// leastACL is stated in doc.go.
var leastACL = []string{"~signet:*", "-@all", "+@connection", "+@set", "+@string", "+@scripting", "+@keyspace",
	"-@dangerous", "+info"}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca := authority(t, dir)
	server := ca.issue(t, dir, "server")
	client := ca.issue(t, dir, "client")
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr) // it was made by FreeAddr
	servers.Redis(t, "--tls-port", port, "--tls-cert-file", server+".pem", "--tls-key-file", server+".key",
		"--tls-ca-cert-file", ca.file, "--tls-auth-clients", "yes")
	params := fmt.Sprintf("?ca_file=%s&cert_file=%s.pem&key_file=%s.key", ca.file, client, client)

	works(t, open(t, "rediss://"+addr+params))
	works(t, open(t, "rediss://"+addr+params+"&server_name=redis.test"))
	for name, url := range map[string]string{
		"unknown authority": "rediss://" + addr + "?cert_file=" + client + ".pem&key_file=" + client + ".key",
		"another's name":    "rediss://" + addr + params + "&server_name=evil.test",
		"no certificate":    "rediss://" + addr + "?ca_file=" + ca.file,
		"in the clear":      "redis://" + addr,
	} {
		t.Run(name, func(t *testing.T) {
			if err := open(t, url).Reachable(t.Context()); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%v, want ErrUnavailable", err)
			}
		})
	}
}

func TestTLSFilesMustBeRight(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, query := range map[string]string{
		"no such CA":          "ca_file=" + filepath.Join(dir, "none"),
		"empty CA":            "ca_file=" + empty,
		"empty pair":          "cert_file=" + empty + "&key_file=" + empty,
		"certificate, no key": "cert_file=" + empty,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseURL("rediss://h?" + query); err == nil {
				t.Error("no error")
			}
		})
	}
}

// certs is a certificate authority for a test.
type certs struct {
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func authority(t *testing.T, dir string) certs {
	t.Helper()
	c := certs{file: filepath.Join(dir, "ca.pem")}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	c.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, c.key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writePEM(t, c.file, "CERTIFICATE", der)
	return c
}

// issue writes name.pem and name.key and returns their path without the ending.
func (c certs) issue(t *testing.T, dir, name string) string {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"redis.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, name)
	writePEM(t, base+".pem", "CERTIFICATE", der)
	writePEM(t, base+".key", "PRIVATE KEY", private)
	return base
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

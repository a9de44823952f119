package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer"
)

// certFiles is a directory with a certificate and its key.
type certFiles struct {
	t         *testing.T
	cert, key string
	pool      *x509.CertPool // trusts all that were written
}

func newCertFiles(t *testing.T) *certFiles {
	dir := t.TempDir()
	c := &certFiles{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), pool: x509.NewCertPool()}
	c.write("first", ecKey(t))
	return c
}

func ecKey(t *testing.T) crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// write replaces both files by a self-signed certificate of 127.0.0.1 with a common name.
func (c *certFiles) write(name string, key crypto.Signer) {
	c.t.Helper()
	cert, certPEM, keyPEM, err := selfSigned(name, key)
	c.must(err)
	c.pool.AddCert(cert)
	c.put(c.cert, certPEM)
	c.put(c.key, keyPEM)
}

func selfSigned(name string, key crypto.Signer) (cert *x509.Certificate, certPEM, keyPEM []byte, err error) {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, nil, err
	}
	cert, err = x509.ParseCertificate(der)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), err
}

func (c *certFiles) put(path string, text []byte) {
	c.t.Helper()
	c.must(os.WriteFile(path, text, 0o600))
}

func (c *certFiles) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// httpsServer serves "hello" with the files' certificate until the test ends.
func (c *certFiles) httpsServer(log zerolog.Logger, clk *clock) (addr string) {
	c.t.Helper()
	held := &certificate{certFile: c.cert, keyFile: c.key, log: log, now: clk.now}
	c.must(held.open())
	l := local(c.t)
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	e := endpoint{name: "public", listener: l, handler: hello, tls: held.config()}
	go func() {
		ended <- serveUntil(ctx, zerolog.Nop(), []endpoint{e}, func(ctx context.Context) error { <-ctx.Done(); return nil })
	}()
	c.t.Cleanup(func() { stop(); c.must(<-ended) })
	return l.Addr().String()
}

// shake makes a handshake and returns what came of it.
func (c *certFiles) shake(addr string, config *tls.Config) (tls.ConnectionState, error) {
	c.t.Helper()
	config.RootCAs = c.pool
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState(), nil
}

// TestHandshakes offers what a client may offer, and what BCP 195 forbids.
func TestHandshakes(t *testing.T) {
	files := newCertFiles(t)
	ec := files.httpsServer(zerolog.Nop(), &clock{at: time.Now()})
	rsaFiles := newCertFiles(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaFiles.write("rsa", key)
	withRSA := rsaFiles.httpsServer(zerolog.Nop(), &clock{at: time.Now()})
	tls12 := func(suite uint16) *tls.Config {
		return &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}
	}
	const refused = "remote error: tls: "
	for name, c := range map[string]struct {
		files  *certFiles
		addr   string
		config *tls.Config
		want   string // the error, or the version and suite
	}{
		"TLS 1.3":                 {files, ec, &tls.Config{MinVersion: tls.VersionTLS13}, "TLS 1.3 TLS_AES_128_GCM_SHA256"},
		"TLS 1.2":                 {files, ec, &tls.Config{MaxVersion: tls.VersionTLS12}, "TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		"TLS 1.2, AES-256":        {files, ec, tls12(tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), "TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
		"TLS 1.2, RSA":            {rsaFiles, withRSA, &tls.Config{MaxVersion: tls.VersionTLS12}, "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		"TLS 1.1":                 {files, ec, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, refused + "protocol version not supported"},
		"TLS 1.0":                 {files, ec, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, refused + "protocol version not supported"},
		"CBC":                     {files, ec, tls12(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA), refused + "handshake failure"},
		"CBC with SHA-256":        {rsaFiles, withRSA, tls12(tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256), refused + "handshake failure"},
		"RSA key exchange":        {rsaFiles, withRSA, tls12(tls.TLS_RSA_WITH_AES_128_GCM_SHA256), refused + "handshake failure"},
		"3DES":                    {rsaFiles, withRSA, tls12(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA), refused + "handshake failure"},
		"a suite beside the list": {files, ec, tls12(tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256), refused + "handshake failure"},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := c.files.shake(c.addr, c.config)
			got := tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestHTTP2(t *testing.T) {
	files := newCertFiles(t)
	addr := files.httpsServer(zerolog.Nop(), &clock{at: time.Now()})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: files.pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.ProtoMajor != 2 {
		t.Errorf("%s, want HTTP/2", resp.Proto)
	}
}

// A new certificate is taken up within a second, and no connection ends for it.
func TestCertificateIsReadAnew(t *testing.T) {
	files, clk, log := newCertFiles(t), &clock{at: time.Now()}, &bytes.Buffer{}
	addr := files.httpsServer(zerolog.New(zerolog.SyncWriter(log)), clk)
	old, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: files.pool})
	files.must(err)
	defer func() { _ = old.Close() }()
	speaker := func() string {
		t.Helper()
		state, err := files.shake(addr, &tls.Config{})
		files.must(err)
		return state.PeerCertificates[0].Subject.CommonName
	}

	files.write("second", ecKey(t))
	if got := speaker(); got != "first" {
		t.Errorf("%s within the second, want first", got)
	}
	clk.add(certificateAge)
	if got := speaker(); got != "second" {
		t.Errorf("%s after the second, want second", got)
	}

	good, err := os.ReadFile(files.cert)
	files.must(err)
	files.put(files.cert, []byte("half a cert"))
	for range 3 {
		clk.add(certificateAge)
		if got := speaker(); got != "second" {
			t.Errorf("%s with a broken file, want second", got)
		}
	}
	if got := strings.Count(log.String(), "the certificate that changed can't be used; the one before goes on"); got != 1 {
		t.Errorf("a broken file was logged %d times, want 1:\n%s", got, log)
	}
	files.must(os.Remove(files.cert))
	clk.add(certificateAge)
	if got := speaker(); got != "second" {
		t.Errorf("%s without a file, want second", got)
	}
	files.put(files.cert, good)
	files.write("third", ecKey(t))
	clk.add(certificateAge)
	if got := speaker(); got != "third" {
		t.Errorf("%s, want third", got)
	}
	if got := strings.Count(log.String(), "the certificate was read anew"); got != 2 {
		t.Errorf("read anew %d times in the log, want 2:\n%s", got, log)
	}

	_, err = io.WriteString(old, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	files.must(err)
	if answer, err := io.ReadAll(old); err != nil || !strings.HasSuffix(string(answer), "hello") {
		t.Errorf("the connection of before the change: %q, %v", answer, err)
	}
}

func TestOpenTLSSaysWhatIsWrong(t *testing.T) {
	files, other := newCertFiles(t), newCertFiles(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	files.put(empty, nil)
	const mend = "; name the PEM file of the private key that belongs to the first certificate of SIGNET_TLS_CERT"
	for name, c := range map[string]struct{ cert, key, want string }{
		"no certificate":        {"nowhere.pem", files.key, "SIGNET_TLS_CERT: open nowhere.pem: no such file or directory"},
		"no key":                {files.cert, "nowhere.pem", "SIGNET_TLS_KEY: open nowhere.pem: no such file or directory"},
		"an empty certificate":  {empty, files.key, "SIGNET_TLS_CERT: " + empty + ": is no PEM certificate: name the chain, the server's own certificate first (fullchain.pem)"},
		"an empty key":          {files.cert, empty, "SIGNET_TLS_KEY: " + empty + ": tls: failed to find any PEM data in key input" + mend},
		"the two the other way": {files.key, files.cert, "SIGNET_TLS_CERT: " + files.key + ": is no PEM certificate: name the chain, the server's own certificate first (fullchain.pem)"},
		"a certificate as key":  {files.cert, files.cert, "SIGNET_TLS_KEY: " + files.cert + ": tls: found a certificate rather than a key in the PEM for the private key" + mend},
		"another's key":         {files.cert, other.key, "SIGNET_TLS_KEY: " + other.key + ": tls: private key does not match public key" + mend},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openTLS(issuer.Settings{TLSCert: c.cert, TLSKey: c.key}, zerolog.Nop()); err == nil || err.Error() != c.want {
				t.Errorf("openTLS: %v\n    want: %s", err, c.want)
			}
		})
	}
	if config, err := openTLS(issuer.Settings{}, zerolog.Nop()); config != nil || err != nil {
		t.Errorf("without a setting: %v, %v", config, err)
	}
}

// One that is no longer valid is served, since nothing else is there, and an operator is told.
func TestExpiredCertificateIsTold(t *testing.T) {
	files, log := newCertFiles(t), &bytes.Buffer{}
	late := &clock{at: time.Now().Add(2 * time.Hour)}
	held := &certificate{certFile: files.cert, keyFile: files.key, log: zerolog.New(log), now: late.now}
	files.must(held.open())
	if !strings.Contains(log.String(), "the certificate isn't valid now") {
		t.Errorf("the log: %s", log)
	}
}

func TestHSTS(t *testing.T) {
	for issuerURL, want := range map[string]string{
		"https://auth.example.com": "max-age=63072000", "https://localhost:8443": "", "https://auth.localhost": "",
	} {
		rec := httptest.NewRecorder()
		withHSTS(issuerURL, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		if got := rec.Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s: %q, want %q", issuerURL, got, want)
		}
	}
}

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer"
)

// certificateAge is how long a certificate is used before its files are read again.
const certificateAge = time.Second

// suites are those that BCP 195 recommends for TLS 1.2 (RFC 9325 §4.2): ephemeral keys and an AEAD. Those of TLS 1.3 are all
// of that kind.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
}

// certificate is that of the public address. A handshake that finds the last look older than certificateAge reads the
// files again; others meanwhile, and all after a pair that can't be used, go on with the last good one. What is
// compared is what the files hold: times and sizes can stay the same, and a link (Kubernetes, certbot) can lead elsewhere.
type certificate struct {
	certFile, keyFile string
	log               zerolog.Logger
	now               func() time.Time // nil: time.Now

	current atomic.Pointer[tls.Certificate]

	mu     sync.Mutex // guards:
	looked time.Time
	seen   pair  // the last pair that was looked at, good or bad
	failed error // why the last look found nothing to use, so that this is logged once; nil: it did
}

// pair is what the two files hold.
type pair struct{ cert, key []byte }

// openTLS reads the certificate that the settings name; nil where they name none. An error names the setting.
func openTLS(s issuer.Settings, log zerolog.Logger) (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	c := &certificate{certFile: s.TLSCert, keyFile: s.TLSKey, log: log}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c.config(), nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, GetCertificate: c.get}
}

// open reads the first pair, without which nothing is served.
func (c *certificate) open() error {
	if c.now == nil {
		c.now = time.Now
	}
	p, err := c.read()
	if err != nil {
		return err
	}
	c.looked, c.seen = c.now(), p
	return c.use(p)
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.mu.TryLock() { // whoever comes meanwhile doesn't wait for the disk
		defer c.mu.Unlock()
		c.look()
	}
	return c.current.Load(), nil
}

// look reads the files again when it is time. The caller holds mu.
func (c *certificate) look() {
	now := c.now()
	if age := now.Sub(c.looked); age >= 0 && age < certificateAge {
		return
	}
	c.looked = now
	p, err := c.read()
	switch {
	case err != nil:
		c.complain(err)
	case c.failed != nil || !bytes.Equal(p.cert, c.seen.cert) || !bytes.Equal(p.key, c.seen.key):
		c.seen = p
		c.replace(p)
	}
}

func (c *certificate) replace(p pair) {
	if err := c.use(p); err != nil {
		c.complain(err)
		return
	}
	c.failed = nil
	c.log.Info().Str("file", c.certFile).Time("not_after", c.current.Load().Leaf.NotAfter).Msg("the certificate was read anew")
}

// complain logs each cause once. Between the writing of the one file and the other they don't fit; that heals itself.
func (c *certificate) complain(err error) {
	if c.failed == nil || c.failed.Error() != err.Error() {
		c.log.Error().Err(err).Msg("the certificate that changed can't be used; the one before goes on")
	}
	c.failed = err
}

func (c *certificate) read() (p pair, err error) {
	if p.cert, err = readBounded(c.certFile, maxFile); err != nil {
		return p, fmt.Errorf("SIGNET_TLS_CERT: %w", err)
	}
	if p.key, err = readBounded(c.keyFile, maxFile); err != nil {
		return p, fmt.Errorf("SIGNET_TLS_KEY: %w", err)
	}
	return p, nil
}

// use makes a pair the current one. crypto/tls checks that key and certificate belong together.
func (c *certificate) use(p pair) error {
	if err := checkChain(p.cert); err != nil {
		return fmt.Errorf("SIGNET_TLS_CERT: %s: %w", c.certFile, err)
	}
	made, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("SIGNET_TLS_KEY: %s: %w; name the PEM file of the private key that belongs to the first certificate of SIGNET_TLS_CERT", c.keyFile, err)
	}
	if now := c.now(); now.After(made.Leaf.NotAfter) || now.Before(made.Leaf.NotBefore) {
		c.log.Warn().Str("file", c.certFile).Time("not_before", made.Leaf.NotBefore).Time("not_after", made.Leaf.NotAfter).
			Msg("the certificate isn't valid now; clients will refuse it")
	}
	c.current.Store(&made)
	return nil
}

// checkChain tells a wrong certificate file from a wrong key file.
func checkChain(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New("is no PEM certificate: name the chain, the server's own certificate first (fullchain.pem)")
	}
	_, err := x509.ParseCertificate(block.Bytes)
	return err
}

// hstsAge is what the preload lists ask: two years.
const hstsAge = "max-age=63072000"

// withHSTS tells browsers to come by https alone (RFC 6797, as RFC 9325 §3.2 asks). Not on localhost, which other programs
// share; addresses are left out by the browsers (RFC 6797 §8.1.1).
func withHSTS(issuerURL string, h http.Handler) http.Handler {
	if u, err := url.Parse(issuerURL); err != nil || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", hstsAge)
		h.ServeHTTP(w, r)
	})
}

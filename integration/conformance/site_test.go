package conformance

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// site is what clients have at their own address: documents that the provider reads, and
// the place where it tells of logouts.
type site struct {
	*httptest.Server
	notices chan notice

	mu   sync.Mutex // guards:
	docs map[string][]byte
}

// notice is one request to backchannel_logout_uri.
type notice struct {
	path, contentType string
	form              url.Values
	query             string
	tls               uint16
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{notices: make(chan notice, 16), docs: map[string][]byte{}}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

// ca is a file with the certificate.
func (s *site) ca(t *testing.T) string {
	t.Helper()
	return writeFile(t, "site.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// put serves a document at a path, and returns its address.
func (s *site) put(t *testing.T, path string, document any) string {
	t.Helper()
	b, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[path] = b
	return s.URL + path
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.heed(w, r)
		return
	}
	s.mu.Lock()
	b, there := s.docs[r.URL.Path]
	s.mu.Unlock()
	if !there {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// heed answers as Back-Channel Logout §2.8 asks.
func (s *site) heed(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.notices <- notice{r.URL.Path, r.Header.Get("Content-Type"), r.PostForm, r.URL.RawQuery, r.TLS.Version}
	w.Header().Set("Cache-Control", "no-store")
}

// notice waits for a request to a path.
func (s *site) notice(t *testing.T, path string) notice {
	t.Helper()
	for {
		select {
		case n := <-s.notices:
			if n.path == path {
				return n
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the provider doesn't call the backchannel_logout_uri")
		}
	}
}

var _ http.Handler = (*site)(nil)

// secure fails on a TLS version under 1.2 (BCP 195).
func (n notice) secure(t *testing.T) {
	t.Helper()
	if n.tls < tls.VersionTLS12 {
		t.Errorf("called by TLS version %x", n.tls)
	}
}

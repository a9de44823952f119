package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// other is a TLS server, and counts who connects.
type other struct {
	*httptest.Server
	connections atomic.Int32
}

// newOther serves on an address of loopback by httptest's certificate, which is good for 127.0.0.1 and example.com.
func newOther(t *testing.T, addr string, h http.HandlerFunc) *other {
	t.Helper()
	o := &other{Server: httptest.NewUnstartedServer(h)}
	if addr != "" {
		_ = o.Listener.Close()
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Skipf("no second address of loopback here: %v", err)
		}
		o.Listener = l
	}
	o.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			o.connections.Add(1)
		}
	}
	o.Config.ErrorLog = nil
	o.StartTLS()
	t.Cleanup(o.Close)
	return o
}

func (o *other) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(o.Certificate())
	return pool
}

func (o *other) port() string { return o.URL[strings.LastIndex(o.URL, ":"):] }

func newClient(t *testing.T, c Config) *Client {
	t.Helper()
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.http.CloseIdleConnections)
	return client
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestGet(t *testing.T) {
	o := newOther(t, "", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/json" || r.Header.Get("Accept-Encoding") != "" || len(r.Cookies()) > 0 || r.Method != "GET" {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = io.WriteString(w, "hello")
	})
	c := newClient(t, Config{CA: o.pool(), Allow: []string{"127.0.0.1"}})
	for range 2 { // the second time it would bring the cookie
		if body, err := c.Get(t.Context(), o.URL+"/keys?a=b", "application/json"); err != nil || string(body) != "hello" {
			t.Errorf("%q, %v", body, err)
		}
	}
	if n := len(c.slots.hosts) + len(c.slots.all); n != 0 {
		t.Errorf("%d slots are taken by nobody", n)
	}
}

func TestPostForm(t *testing.T) {
	o := newOther(t, "", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.PostFormValue("logout_token") != "a b" {
			t.Errorf("%s with %v and %v", r.Method, r.Header, r.PostForm)
		}
		w.WriteHeader(http.StatusBadRequest)
	})
	c := newClient(t, Config{CA: o.pool(), Allow: []string{"127.0.0.1"}})
	if status, err := c.PostForm(t.Context(), o.URL, url.Values{"logout_token": {"a b"}}); status != 400 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
}

// Without being allowed to, nothing on loopback is even connected to, in whatever way it is written.
func TestGuard(t *testing.T) {
	o := newOther(t, "", hello)
	to := func(texts ...string) *net.Resolver { return resolver(t, texts...) }
	for name, c := range map[string]struct {
		host     string
		resolver *net.Resolver
		allow    []string
	}{
		"by address":            {"127.0.0.1", nil, nil},
		"mapped":                {"[::ffff:127.0.0.1]", nil, nil},
		"mapped in hex":         {"[::ffff:7f00:1]", nil, nil},
		"unspecified":           {"0.0.0.0", nil, nil},
		"unspecified by IPv6":   {"[::]", nil, nil},
		"by name":               {"example.com", to("127.0.0.1"), nil},
		"localhost":             {"localhost", nil, nil},
		"another name allowed":  {"example.com", to("127.0.0.1"), []string{"keys.example.com", "com"}},
		"another prefix":        {"127.0.0.1", nil, []string{"127.0.0.2", "10.0.0.0/8"}},
		"a name like a prefix":  {"example.com", to("127.0.0.1"), []string{"128.0.0.0/8"}},
		"an address by a name":  {"127.0.0.1", nil, []string{"localhost"}},
		"the metadata of cloud": {"169.254.169.254", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, Config{CA: o.pool(), Allow: c.allow, Resolver: c.resolver})
			body, err := client.Get(t.Context(), "https://"+c.host+o.port(), "*/*")
			if !errors.Is(err, ErrRefused) {
				t.Errorf("%q, %v, want ErrRefused", body, err)
			}
			if _, err := client.PostForm(t.Context(), "https://"+c.host+o.port(), url.Values{}); !errors.Is(err, ErrRefused) {
				t.Errorf("PostForm: %v, want ErrRefused", err)
			}
		})
	}
	// The resolver itself knows that these are no names.
	client := newClient(t, Config{CA: o.pool(), Resolver: to("127.0.0.1")})
	for _, host := range []string{"127.1", "2130706433", "0x7f.1"} {
		if body, err := client.Get(t.Context(), "https://"+host+o.port(), "*/*"); err == nil {
			t.Errorf("%s: %q", host, body)
		}
	}
	if n := o.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestAllowed(t *testing.T) {
	o := newOther(t, "", hello)
	for name, c := range map[string]struct {
		host  string
		allow string
	}{
		"an address":              {"127.0.0.1", "127.0.0.1"},
		"a prefix":                {"127.0.0.1", "127.0.0.0/8"},
		"a prefix behind a name":  {"example.com", "127.0.0.0/8"},
		"a name":                  {"example.com", "example.com"},
		"a name in other letters": {"EXAMPLE.com", "Example.COM"},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, Config{CA: o.pool(), Allow: []string{c.allow}, Resolver: resolver(t, "127.0.0.1")})
			if body, err := client.Get(t.Context(), "https://"+c.host+o.port(), "*/*"); err != nil || string(body) != "hello" {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
}

// A name that leads elsewhere the second time is asked about again: what counts is the address of the connection.
func TestRebinding(t *testing.T) {
	closing := func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close"); hello(w, r) }
	o := newOther(t, "", closing)
	inner := newOther(t, "127.0.0.2"+o.port(), closing)
	c := newClient(t, Config{CA: o.pool(), Allow: []string{"127.0.0.1"}, Resolver: resolver(t, "127.0.0.1", "127.0.0.2")})
	if body, err := c.Get(t.Context(), "https://example.com"+o.port(), "*/*"); err != nil || string(body) != "hello" {
		t.Fatalf("%q, %v", body, err)
	}
	if body, err := c.Get(t.Context(), "https://example.com"+o.port(), "*/*"); !errors.Is(err, ErrRefused) {
		t.Errorf("%q, %v, want ErrRefused", body, err)
	}
	if n := inner.connections.Load(); n != 0 {
		t.Errorf("%d connections to the inner server", n)
	}
}

func TestBadURLs(t *testing.T) {
	c := newClient(t, Config{Allow: []string{"127.0.0.1", "localhost"}})
	for name, address := range map[string]string{
		"http":                "http://127.0.0.1/",
		"another scheme":      "file:///etc/passwd",
		"no scheme":           "//127.0.0.1/",
		"a path":              "/keys",
		"nothing":             "",
		"no host":             "https:///keys",
		"a port alone":        "https://:443/keys",
		"opaque":              "https:127.0.0.1",
		"a user":              "https://user@127.0.0.1/",
		"a user and password": "https://user:hunter2@127.0.0.1/",
		"an empty user":       "https://@127.0.0.1/",
		"a fragment":          "https://127.0.0.1/#keys",
		"a bad port":          "https://127.0.0.1:http/",
		"a control character": "https://127.0.0.1/\n",
		"a long one":          "https://127.0.0.1/" + strings.Repeat("a", maxURL),
	} {
		t.Run(name, func(t *testing.T) {
			body, err := c.Get(t.Context(), address, "*/*")
			if _, parsed := parseURL(address); !errors.Is(err, ErrRefused) || !errors.Is(parsed, ErrRefused) {
				t.Errorf("%q, %v and %v, want ErrRefused", body, err, parsed)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is in: %v", err)
			}
		})
	}
	if _, err := parseURL("https://rp.example.com:8443/jwks?v=1"); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

// What another sends is bounded in all directions.
func TestBounds(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for chunk := make([]byte, 32<<10); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	elsewhere := newOther(t, "", func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    error
		says    string
	}{
		"a body of the size":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) }, nil, ""},
		"a byte more":          {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1001)) }, ErrTooLarge, ""},
		"an endless body":      {endless, ErrTooLarge, ""},
		"a redirect":           {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, StatusError(302), ""},
		"no document":          {http.NotFound, StatusError(404), ""},
		"nothing, as 204":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, StatusError(204), ""},
		"a header without end": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) }, nil, "server response headers exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOther(t, "", c.handler)
			client := newClient(t, Config{CA: o.pool(), Allow: []string{"127.0.0.1"}, MaxBytes: 1000})
			body, err := client.Get(t.Context(), o.URL, "*/*")
			if c.says != "" && err != nil && strings.Contains(err.Error(), c.says) {
				return
			}
			if !errors.Is(err, c.want) || (err != nil) != (c.want != nil) || c.says != "" {
				t.Errorf("%d bytes, %v, want %v %s", len(body), err, c.want, c.says)
			}
		})
	}
}

// A redirect doesn't take a POST elsewhere either.
func TestPostFollowsNothing(t *testing.T) {
	elsewhere := newOther(t, "", func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	o := newOther(t, "", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	client := newClient(t, Config{CA: o.pool(), Allow: []string{"127.0.0.1"}})
	if status, err := client.PostForm(t.Context(), o.URL, url.Values{"a": {"b"}}); status != 307 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
}

// A body that trickles ends with the time of the call, not with that of each byte.
func TestSlow(t *testing.T) {
	for name, sent := range map[string]string{"no header": "", "half a body": "hel"} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{}) // not the request's end: a body that ends just then may come in whole
			defer close(release)
			o := newOther(t, "", func(w http.ResponseWriter, _ *http.Request) {
				if sent != "" {
					_, _ = io.WriteString(w, sent)
					_ = http.NewResponseController(w).Flush()
				}
				<-release
			})
			client := newClient(t, Config{CA: o.pool(), Allow: []string{"127.0.0.1"}, Timeout: 100 * time.Millisecond})
			if body, err := client.Get(t.Context(), o.URL, "*/*"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%q, %v, want DeadlineExceeded", body, err)
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	o := newOther(t, "", hello)
	old := newOther(t, "", hello)
	old.Close()
	old.Server = httptest.NewUnstartedServer(http.HandlerFunc(hello))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	for name, c := range map[string]struct {
		client Config
		url    string
		says   string
	}{
		"of an unknown authority": {Config{}, o.URL, "certificate signed by unknown authority"},
		"of another name":         {Config{CA: o.pool(), Resolver: resolver(t, "127.0.0.1")}, "https://rp.example.org" + o.port(), "certificate is valid for example.com"},
		"by TLS 1.1":              {Config{CA: old.pool()}, old.URL, "protocol version not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			c.client.Allow = []string{"127.0.0.1"}
			if _, err := newClient(t, c.client).Get(t.Context(), c.url, "*/*"); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s", err, c.says)
			}
		})
	}
}

// A proxy of the environment is not asked: it would be the one that connects.
func TestNoProxy(t *testing.T) {
	proxy := newOther(t, "", func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") })
	t.Setenv("HTTPS_PROXY", proxy.URL)
	c := newClient(t, Config{})
	if c.transport(nil, 1).Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
	if _, err := c.Get(t.Context(), "https://10.0.0.1/", "*/*"); !errors.Is(err, ErrRefused) {
		t.Errorf("%v, want ErrRefused", err)
	}
}

// A host that doesn't answer keeps its own turns and nobody else's.
func TestTurns(t *testing.T) {
	s := newSlots(3, 2, 5, 4)
	var frees []func()
	for range 2 {
		free, err := s.take(t.Context(), "slow")
		if err != nil {
			t.Fatal(err)
		}
		frees = append(frees, free)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.take(ended, "slow"); !errors.Is(err, context.Canceled) {
		t.Errorf("a third turn of one host: %v", err)
	}
	other, err := s.take(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.take(ended, "third"); !errors.Is(err, context.Canceled) {
		t.Errorf("a fourth turn in all: %v", err)
	}
	other()
	for _, free := range frees {
		free()
	}
	if len(s.hosts) != 0 || len(s.all) != 0 {
		t.Errorf("%d hosts and %d turns are left", len(s.hosts), len(s.all))
	}
}

// Who waits is counted too: where too many do, the next is told at once.
func TestTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 1, 4, 2)
		free, err := s.take(t.Context(), "slow")
		if err != nil {
			t.Fatal(err)
		}
		waits := func(host string) {
			go func() {
				free, err := s.take(t.Context(), host)
				if err != nil {
					t.Error(err)
					return
				}
				free()
			}()
			synctest.Wait()
		}
		waits("slow")
		if _, err := s.take(t.Context(), "slow"); !errors.Is(err, ErrBusy) {
			t.Errorf("the third of one host: %v", err)
		}
		waits("other")
		waits("third")
		if _, err := s.take(t.Context(), "fourth"); !errors.Is(err, ErrBusy) {
			t.Errorf("the fifth in all: %v", err)
		}
		free()
		synctest.Wait()
		if len(s.hosts) != 0 || s.users != 0 {
			t.Errorf("%d hosts and %d calls are left", len(s.hosts), s.users)
		}
	})
}

func TestNewRefusesWhatItCannotRead(t *testing.T) {
	if _, err := New(Config{Allow: []string{"*.example.com"}}); err == nil {
		t.Error("a wildcard was taken")
	}
}

// resolver answers A questions with the addresses in turn, and the last one from then on; there is no AAAA.
func resolver(t *testing.T, texts ...string) *net.Resolver {
	t.Helper()
	asked := &atomic.Int32{}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerDNS(server, func() netip.Addr {
			n := int(asked.Add(1)) - 1
			return netip.MustParseAddr(texts[min(n, len(texts)-1)])
		})
		return client, nil
	}}
}

// answerDNS answers questions as over TCP (RFC 1035 §4.2.2): net takes a pipe for that.
func answerDNS(conn net.Conn, next func() netip.Addr) {
	defer func() { _ = conn.Close() }()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer := dnsAnswer(query, next)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// dnsAnswer is the query's header and question, and one address where A was asked for (RFC 1035 §4.1).
func dnsAnswer(query []byte, next func() netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root, type and class
	answer := append([]byte{}, query[:end]...)
	answer[2], answer[3] = 0x84, 0x00 // an answer, by authority, no error
	copy(answer[6:12], []byte{0, 0, 0, 0, 0, 0})
	if binary.BigEndian.Uint16(query[end-4:]) == 1 {
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		answer = append(answer, next().AsSlice()...)
	}
	return answer
}

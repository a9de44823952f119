package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Errors. What they say is for the log: an address or a status that is told to whoever chose the URL lets them look
// around.
var (
	// ErrRefused means that the URL or the address behind it may not be called.
	ErrRefused = errors.New("may not be called")
	// ErrTooLarge means that the answer is larger than Config.MaxBytes.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrBusy means that there was no turn: as many calls are being made, of the host or in
	// all, as may be at once.
	ErrBusy = errors.New("no turn for the call")
)

// StatusError is an answer to Get that isn't 200. A redirect is one too: where it leads was not registered.
type StatusError int

func (e StatusError) Error() string { return fmt.Sprintf("the answer has status %d", int(e)) }

// Defaults and bounds of Config.
const (
	DefaultTimeout  = 5 * time.Second
	DefaultMaxBytes = 64 << 10 // a set of ten keys has 10 KiB
	maxHeaderBytes  = 16 << 10
	maxURL          = 2048
	dialTimeout     = 3 * time.Second
	idleTimeout     = 30 * time.Second
)

// Config is what a Client is made of. Its zero value calls public addresses alone.
type Config struct {
	CA       *x509.CertPool // nil: the system's
	Allow    []string       // hosts by exact name, addresses or prefixes that may be called though they aren't public
	Timeout  time.Duration  // of a call in all, waiting for its turn included; zero: 5 s
	MaxBytes int64          // of an answer's body; zero: 64 KiB
	Calls    int            // that are made at once; zero: 64
	Resolver *net.Resolver  // nil: net.DefaultResolver
	Observe  func(Call)     // is told of every call, at once by many; nil: nobody is
}

// Client makes the calls. It is safe for concurrent use; what it does at once is bounded, in all and a host. Who must not
// wait for another's calls has a Client of their own.
type Client struct {
	http     *http.Client
	allow    allowed
	resolver *net.Resolver
	timeout  time.Duration
	maxBytes int64
	slots    *slots
	observe  func(Call)
	purpose  Purpose
}

// New returns a client. An error is about Config.Allow.
func New(c Config) (*Client, error) {
	allow, err := parseAllow(c.Allow)
	if err != nil {
		return nil, err
	}
	c = withDefaults(c)
	client := &Client{
		allow: allow, resolver: c.Resolver, timeout: c.Timeout, maxBytes: c.MaxBytes, slots: newSlots(c.Calls, maxCallsHost, maxCalling, maxCallingHost),
		observe: c.Observe,
	}
	client.http = &http.Client{
		Transport:     client.transport(c.CA, c.Calls),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

func withDefaults(c Config) Config {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Calls <= 0 {
		c.Calls = DefaultCalls
	}
	if c.Observe == nil {
		c.Observe = func(Call) {}
	}
	return c
}

// For returns the client for calls with a purpose: it shares turns and connections with c.
func (c *Client) For(p Purpose) *Client {
	with := *c
	with.purpose = p
	return &with
}

// transport speaks HTTP/1.1 alone: these are small and rare calls, and it has the plainest bounds.
func (c *Client) transport(ca *x509.CertPool, idle int) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // one named by the environment would connect to where the guard doesn't see
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ca},
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // the bound is on what is sent
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        idleTimeout,
	}
}

// dial connects, having looked at the address that is connected to, and not at one that the name had before.
func (c *Client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialTimeout, Resolver: c.resolver}
	if !c.allow.host(host) {
		d.ControlContext = c.guard
	}
	return d.DialContext(ctx, network, addr)
}

// parseURL takes what can be called. Which address is behind it is asked at each call.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxURL:
		return nil, fmt.Errorf("%w: not a URL", ErrRefused) // what url.Parse says quotes it
	case u.Scheme != "https":
		return nil, fmt.Errorf("%w: not https", ErrRefused)
	case u.Hostname() == "" || u.Opaque != "":
		return nil, fmt.Errorf("%w: no host", ErrRefused)
	case u.User != nil:
		return nil, fmt.Errorf("%w: a user or password in the URL", ErrRefused)
	case strings.Contains(raw, "#"):
		return nil, fmt.Errorf("%w: a fragment in the URL", ErrRefused)
	}
	return u, nil
}

// Get fetches a document; an answer that isn't 200 is a StatusError.
func (c *Client) Get(ctx context.Context, address, accept string) (body []byte, err error) {
	header := func(h http.Header) { h.Set("Accept", accept) }
	_, err = c.call(ctx, http.MethodGet, address, nil, header, func(r *http.Response) error {
		if r.StatusCode != http.StatusOK {
			return StatusError(r.StatusCode)
		}
		body, err = c.read(r.Body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return body, nil
}

// PostForm posts a form and returns the answer's status, whatever it is. Its body is nobody's.
func (c *Client) PostForm(ctx context.Context, address string, form url.Values) (status int, err error) {
	header := func(h http.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") }
	return c.call(ctx, http.MethodPost, address, strings.NewReader(form.Encode()), header, func(*http.Response) error { return nil })
}

// call makes one call, and says what came of it. status is that of an answer which take took.
func (c *Client) call(ctx context.Context, method, address string, body io.Reader, header func(http.Header), take func(*http.Response) error) (status int, err error) {
	begun := time.Now()
	status, err = c.bounded(ctx, method, address, body, header, take)
	c.observe(Call{Purpose: c.purpose, Outcome: outcome(status, err), Took: time.Since(begun)})
	return status, err
}

// bounded makes one call within its bounds, from the wait for a turn to the end of the body.
func (c *Client) bounded(ctx context.Context, method, address string, body io.Reader, header func(http.Header), take func(*http.Response) error) (status int, err error) {
	u, err := parseURL(address)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	free, err := c.slots.take(ctx, canonicalHost(u.Hostname()))
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, u.Host, err)
	}
	defer free()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return 0, err
	}
	header(req.Header)
	req.Header.Set("User-Agent", "Signet")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err // *url.Error: it has the method and the URL
	}
	defer func() { _ = resp.Body.Close() }() // all that matters was read
	if err := take(resp); err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, address, err)
	}
	return resp.StatusCode, nil
}

func (c *Client) read(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, c.maxBytes+1))
	if err == nil && int64(len(body)) > c.maxBytes {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, c.maxBytes)
	}
	return body, err
}

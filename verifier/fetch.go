package verifier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds on a fetch. No request waits so long: it is the background that does.
const (
	fetchTime   = 10 * time.Second
	maxMetadata = 256 << 10
)

// fetcher makes conditional GETs at the issuer, and follows nothing.
type fetcher struct {
	client   *http.Client
	insecure bool // the issuer is http on loopback, so its documents may be too
}

// newFetcher prepares to fetch for the issuer at u. The client is copied, so that
// its owner keeps their redirects.
func newFetcher(client *http.Client, u *url.URL) fetcher {
	c := http.Client{Transport: defaultTransport()}
	if client != nil {
		c = *client
	}
	// A redirect would let whoever can write one choose our keys.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Jar = nil
	return fetcher{client: &c, insecure: u.Scheme == "http"}
}

func defaultTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxResponseHeaderBytes = 64 << 10
	t.ResponseHeaderTimeout = fetchTime
	t.MaxIdleConnsPerHost = 1
	return t
}

// document is the answer to a GET.
type document struct {
	body      []byte
	etag      string
	maxAge    time.Duration // of Cache-Control; negative if not said
	unchanged bool          // 304: what was held is still the truth
}

// get fetches at most limit bytes. With an etag it asks for news only.
func (f fetcher) get(ctx context.Context, address, etag, accept string, limit int64) (document, error) {
	if err := f.allow(address); err != nil {
		return document{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return document{}, err
	}
	req.Header.Set("Accept", accept)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return document{}, err
	}
	defer resp.Body.Close()
	return readDocument(resp, etag, limit)
}

func readDocument(resp *http.Response, etag string, limit int64) (document, error) {
	d := document{etag: resp.Header.Get("ETag"), maxAge: maxAge(resp.Header)}
	switch {
	case resp.StatusCode == http.StatusNotModified && etag != "":
		d.unchanged, d.etag = true, etag
		return d, nil
	case resp.StatusCode != http.StatusOK:
		return document{}, fmt.Errorf("GET %s: status %d", resp.Request.URL.Redacted(), resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return document{}, fmt.Errorf("GET %s: %w", resp.Request.URL.Redacted(), err)
	}
	if int64(len(body)) > limit {
		return document{}, fmt.Errorf("GET %s: larger than %d bytes", resp.Request.URL.Redacted(), limit)
	}
	d.body = body
	return d, nil
}

// allow refuses addresses that aren't https. Where the issuer itself is http on
// loopback (a developer's machine), its documents may be there too.
func (f fetcher) allow(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	switch {
	case u.User != nil || u.Fragment != "" || u.Host == "":
		return fmt.Errorf("address %q isn't a plain URL", u.Redacted())
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && f.insecure && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("address %q isn't https", u.Redacted())
}

// maxAge reads max-age of Cache-Control (RFC 9111 §5.2.2.1); no-store and
// no-cache are an age of zero.
func maxAge(h http.Header) time.Duration {
	age := time.Duration(-1)
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if n, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil && n >= 0 {
				age = time.Duration(min(n, 1<<30)) * time.Second
			}
		}
	}
	return age
}

// checkIssuer parses an issuer URL (RFC 8414 §2): https, no query, no fragment.
func checkIssuer(issuer string) (*url.URL, error) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil:
		return nil, err
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%q isn't scheme://host[:port][/path]", issuer)
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("has to be https, unless the host is localhost or a loopback address")
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// origin returns the scheme://host[:port] of an http address, "" if it is none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

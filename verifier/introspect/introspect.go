// Package introspect asks the issuer whether a token is good (RFC 7662), for
// those who would rather ask than check offline: refresh tokens, which are opaque,
// and places where "within seconds" is too late.
//
// It owns the question and, if wanted, a short bounded memory of the answers. It
// checks nothing by itself: the answer is the issuer's, and belongs to this moment.
// Each answer costs a request; package verifier costs none.
package introspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/jws"
)

// Defaults and bounds of Config.
const (
	DefaultTimeout  = 2 * time.Second
	DefaultInFlight = 64
	MaxCacheFor     = time.Minute

	cacheSize = 4096
	maxAnswer = 64 << 10 // bytes
	maxToken  = 16 << 10 // bytes
)

// ErrUnavailable says that the issuer gave no usable answer. It says nothing about
// the token: answer 503.
var ErrUnavailable = errors.New("introspection unavailable")

// Config says whom to ask, and as whom. ClientID and one of Issuer and Endpoint
// are required.
type Config struct {
	// Issuer is the issuer's URL; its introspection stands at /oauth/introspect.
	// Where the answer names its issuer, it must be this one.
	Issuer string
	// Endpoint is the address to ask, where it isn't the one under Issuer.
	Endpoint string
	// ClientID and ClientSecret are of the client that this resource server is at
	// the issuer (client_secret_basic).
	ClientID, ClientSecret string
	// Audience, if set, must be among the answer's aud.
	Audience string
	// HTTPClient asks; redirects are never followed. Nil: one of our own.
	HTTPClient *http.Client
	// Timeout bounds a question. Zero: 2 s.
	Timeout time.Duration
	// InFlight bounds how many questions are asked at once; more wait for their
	// context. Zero: 64.
	InFlight int
	// CacheFor is how long the answer "active" is remembered, at most a minute.
	// Zero: not at all, so that a revocation counts at once.
	CacheFor time.Duration
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Answer is what the issuer said. Nothing else is filled in unless Active.
type Answer struct {
	Active    bool
	Issuer    string   // iss
	Subject   string   // sub
	ClientID  string   // client_id
	Username  string   // username
	Audience  []string // aud
	Scopes    []string // scope, split
	SessionID string   // sid
	ID        string   // jti
	TokenType string   // token_type
	IssuedAt  time.Time
	Expiry    time.Time // zero if not said
	Bound     bool      // cnf: good only with proof of a key, which who presents it has to bring
	BoundKey  string    // cnf's jkt: the thumbprint of that DPoP key; empty, where Bound: of something else, so refuse
}

// Client asks an issuer. It is safe for concurrent use.
type Client struct {
	cfg   Config
	http  *http.Client
	slots chan struct{}

	mu    sync.Mutex // remembered
	cache map[[sha256.Size]byte]remembered
}

// remembered is an answer and until when it may be given again.
type remembered struct {
	answer Answer
	until  time.Time
}

// New makes a Client. Its errors are about the Config.
func New(cfg Config) (*Client, error) {
	if cfg.Endpoint == "" && cfg.Issuer != "" {
		cfg.Endpoint = strings.TrimSuffix(cfg.Issuer, "/") + "/oauth/introspect"
	}
	if err := checkEndpoint(cfg.Endpoint); err != nil {
		return nil, fmt.Errorf("introspect config: %w", err)
	}
	if cfg.ClientID == "" {
		return nil, errors.New("introspect config: ClientID is empty: register this resource server as a client")
	}
	if cfg.CacheFor < 0 || cfg.CacheFor > MaxCacheFor || cfg.Timeout < 0 || cfg.InFlight < 0 {
		return nil, errors.New("introspect config: CacheFor, Timeout or InFlight out of bounds")
	}
	cfg = cfg.filled()
	c := &http.Client{}
	if cfg.HTTPClient != nil {
		*c = *cfg.HTTPClient
	}
	// A redirect would carry our secret and the token somewhere else.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{cfg: cfg, http: c, slots: make(chan struct{}, cfg.InFlight), cache: make(map[[sha256.Size]byte]remembered)}, nil
}

func (c Config) filled() Config {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.InFlight == 0 {
		c.InFlight = DefaultInFlight
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func checkEndpoint(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("endpoint %q isn't a URL: set Issuer or Endpoint", address)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("endpoint has to be https, unless the host is localhost or a loopback address")
}

// Introspect asks about raw. A token that the issuer doesn't vouch for, whyever,
// is an Answer that isn't Active, and no error. Errors wrap ErrUnavailable, or
// verifier.ErrMalformed for what is no token at all and isn't sent.
func (c *Client) Introspect(ctx context.Context, raw string) (Answer, error) {
	if raw == "" || len(raw) > maxToken {
		return Answer{}, fmt.Errorf("%w: %d bytes", verifier.ErrMalformed, len(raw))
	}
	id := sha256.Sum256([]byte(raw))
	if a, ok := c.remembered(id); ok {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	a, err := c.ask(ctx, raw)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	a = c.judged(a)
	c.remember(id, a)
	return a, nil
}

func (c *Client) ask(ctx context.Context, raw string) (Answer, error) {
	form := url.Values{"token": {raw}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	// RFC 6749 §2.3.1: both are form-encoded before they are joined.
	req.SetBasicAuth(url.QueryEscape(c.cfg.ClientID), url.QueryEscape(c.cfg.ClientSecret))
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, err
	case resp.StatusCode != http.StatusOK:
		return Answer{}, fmt.Errorf("status %d", resp.StatusCode)
	case len(body) > maxAnswer:
		return Answer{}, errors.New("answer too large")
	}
	return readAnswer(string(body))
}

// readAnswer reads RFC 7662 §2.2.
func readAnswer(text string) (Answer, error) {
	var a Answer
	said := false
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		said = said || m.Name == "active"
		a.member(&r, m.Name)
	}
	if err := r.End(); err != nil {
		return Answer{}, err
	}
	if !said { // REQUIRED: without it nothing was said of the token
		return Answer{}, errors.New("an answer without active")
	}
	if !a.Active {
		return Answer{}, nil
	}
	return a, nil
}

func (a *Answer) member(r *jws.Reader, name string) {
	switch name {
	case "active":
		a.Active = r.Bool()
	case "iss":
		a.Issuer = r.String()
	case "sub":
		a.Subject = r.String()
	case "client_id":
		a.ClientID = r.String()
	case "username":
		a.Username = r.String()
	case "aud":
		a.Audience = r.Audience(nil)
	case "scope":
		a.Scopes = strings.Fields(r.String())
	case "sid":
		a.SessionID = r.String()
	case "jti":
		a.ID = r.String()
	case "token_type":
		a.TokenType = r.String()
	case "iat":
		a.IssuedAt = time.Unix(r.Time(), 0).UTC()
	case "exp":
		a.Expiry = time.Unix(r.Time(), 0).UTC()
	case "cnf":
		a.Bound, a.BoundKey = true, r.Confirmation()
	}
}

// judged makes an answer inactive that is about somebody else's token.
func (c *Client) judged(a Answer) Answer {
	if a.Issuer != "" && c.cfg.Issuer != "" && a.Issuer != c.cfg.Issuer {
		return Answer{}
	}
	if c.cfg.Audience == "" {
		return a
	}
	for _, aud := range a.Audience {
		if aud == c.cfg.Audience {
			return a
		}
	}
	return Answer{}
}

func (c *Client) remembered(id [sha256.Size]byte) (Answer, bool) {
	if c.cfg.CacheFor == 0 {
		return Answer{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, ok := c.cache[id]
	return kept.answer, ok && c.cfg.Now().Before(kept.until)
}

// remember keeps active answers only: an inactive one costs its sender, not us.
func (c *Client) remember(id [sha256.Size]byte, a Answer) {
	if c.cfg.CacheFor == 0 || !a.Active {
		return
	}
	until := c.cfg.Now().Add(c.cfg.CacheFor)
	if !a.Expiry.IsZero() && a.Expiry.Before(until) {
		until = a.Expiry
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cache) >= cacheSize {
		clear(c.cache) // rare, and cheaper than keeping an order
	}
	c.cache[id] = remembered{a, until}
}

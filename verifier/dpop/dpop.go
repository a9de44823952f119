package dpop

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/verifier/jws"
)

// Defaults and bounds of Config.
const (
	DefaultMaxAge = time.Minute
	MaxMaxAge     = 10 * time.Minute
	DefaultLeeway = 10 * time.Second
	MaxLeeway     = time.Minute

	maxProof = 8 << 10 // bytes; one with a key of RSA 8192 has 3 KiB
	maxID    = 256     // bytes of a jti
)

// Config says which proofs are taken. The zero value is usable.
type Config struct {
	// Algorithms that may sign a proof. Empty: all that package jws knows.
	Algorithms []string

	// MaxAge is how old a proof may be, at most ten minutes. Zero: a minute.
	MaxAge time.Duration

	// Leeway is how far ahead the sender's clock may be, and is added to MaxAge.
	// Zero: 10 s; negative: none; at most a minute.
	Leeway time.Duration

	// Replay remembers the proofs that were used. Nil: NewMemory(0), which is of
	// this process alone.
	Replay Replay

	// Nonces makes proofs carry a nonce of the server's (RFC 9449 §8). Nil: none
	// is asked for.
	Nonces Nonces

	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Replay remembers proofs. Implementations are safe for concurrent use, bounded,
// and shared by all processes that serve one resource.
type Replay interface {
	// Use says whether id is used for the first time, and remembers it until
	// then. An error means that it can't tell; the proof is refused.
	Use(ctx context.Context, id string, until time.Time) (first bool, err error)
}

// Nonces knows the nonces that this server gave out lately.
type Nonces interface {
	// Valid says whether nonce is one of them.
	Valid(nonce string) bool
	// Current is the one to give out now, in the DPoP-Nonce header.
	Current() string
}

// Request is what a proof came with.
type Request struct {
	Method string // the HTTP method, compared as it stands
	URL    string // scheme, host and path as the client meant them; query and fragment don't count

	// AccessToken is the token presented with the proof, whose hash must be in
	// ath. Empty at a token endpoint.
	AccessToken string

	// Thumbprint is the RFC 7638 thumbprint that the proof's key must have.
	// Empty: any key; the caller then binds what it makes to Proof.Thumbprint.
	Thumbprint string
}

// Proof is a proof that was checked.
type Proof struct {
	Thumbprint string    // of its key (RFC 7638), as in cnf.jkt
	ID         string    // jti
	IssuedAt   time.Time // iat
}

// Checker checks proofs. It is safe for concurrent use.
type Checker struct {
	cfg Config
}

// New makes a Checker. Its errors are about the Config.
func New(cfg Config) (*Checker, error) {
	for _, alg := range cfg.Algorithms {
		if !jws.Known(alg) {
			return nil, fmt.Errorf("dpop config: algorithm %q isn't known", alg)
		}
	}
	if cfg.MaxAge < 0 || cfg.MaxAge > MaxMaxAge || cfg.Leeway > MaxLeeway {
		return nil, errors.New("dpop config: MaxAge or Leeway out of bounds")
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultMaxAge
	}
	if cfg.Leeway == 0 {
		cfg.Leeway = DefaultLeeway
	}
	cfg.Leeway = max(cfg.Leeway, 0)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Replay == nil {
		cfg.Replay = NewMemory(0, cfg.Now)
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{jws.ES256, jws.ES384, jws.EdDSA, jws.PS256, jws.RS256}
	}
	cfg.Algorithms = slices.Clone(cfg.Algorithms)
	return &Checker{cfg: cfg}, nil
}

// Algorithms are those that may sign a proof, for the algs of a challenge.
func (c *Checker) Algorithms() []string { return slices.Clone(c.cfg.Algorithms) }

// Nonce is the nonce to give out now, "" if none is asked for.
func (c *Checker) Nonce() string {
	if c.cfg.Nonces == nil {
		return ""
	}
	return c.cfg.Nonces.Current()
}

// Check checks a proof, the value of the one DPoP header of a request, by the
// steps of RFC 9449 §4.3. All its errors wrap ErrProof. A proof is good once: the
// second time it is ErrReplay.
func (c *Checker) Check(ctx context.Context, proof string, req Request) (Proof, error) {
	p, err := readProof(proof, c.cfg.Algorithms)
	if err != nil {
		return Proof{}, err
	}
	if err := c.judge(p, req); err != nil {
		return Proof{}, err
	}
	// Last, so that only a proof that is good otherwise takes room in the memory.
	id := sha256.Sum256([]byte(p.thumbprint + "\n" + p.id))
	until := time.Unix(p.issued, 0).Add(c.cfg.MaxAge + c.cfg.Leeway)
	first, err := c.cfg.Replay.Use(ctx, base64.RawURLEncoding.EncodeToString(id[:]), until)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: replay memory: %w", ErrProof, err)
	}
	if !first {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, ErrReplay)
	}
	return Proof{Thumbprint: p.thumbprint, ID: p.id, IssuedAt: time.Unix(p.issued, 0).UTC()}, nil
}

func wrong(reason string) error { return fmt.Errorf("%w: %s", ErrProof, reason) }

// unread is a proof whose signature holds, and whose claims nobody has compared.
type unread struct {
	thumbprint                  string
	id, method, url, ath, nonce string
	issued                      int64 // seconds; -1 if absent
}

// readProof checks the syntax and the signature: typ, alg, a public jwk.
func readProof(raw string, algorithms []string) (unread, error) {
	parts, err := jws.SplitUpTo(raw, maxProof)
	if err != nil {
		return unread{}, wrong(err.Error())
	}
	header, err := jws.ReadHeader(parts.Header, jws.WithKey)
	if err != nil {
		return unread{}, wrong(err.Error())
	}
	if !slices.Contains(algorithms, header.Algorithm) {
		return unread{}, wrong("algorithm not allowed")
	}
	if typ := strings.ToLower(header.Type); typ != "dpop+jwt" && typ != "application/dpop+jwt" {
		return unread{}, wrong("typ isn't dpop+jwt")
	}
	thumbprint, err := verify(parts, header)
	if err != nil {
		return unread{}, wrong(err.Error())
	}
	text, err := parts.Payload()
	if err != nil {
		return unread{}, wrong(err.Error())
	}
	return readClaims(text, thumbprint)
}

func verify(parts jws.Parts, header jws.Header) (thumbprint string, err error) {
	key, err := jws.ParseKey(header.JWK)
	if err != nil {
		return "", err
	}
	if err := parts.Verify(header.Algorithm, key); err != nil {
		return "", err
	}
	return jws.Thumbprint(key)
}

func readClaims(text, thumbprint string) (unread, error) {
	p := unread{thumbprint: thumbprint, issued: -1}
	r := jws.NewReader(text)
	for m := r.Object(); m.Next(&r); {
		switch m.Name {
		case "jti":
			p.id = r.String()
		case "htm":
			p.method = r.String()
		case "htu":
			p.url = r.String()
		case "iat":
			p.issued = r.Time()
		case "ath":
			p.ath = r.String()
		case "nonce":
			p.nonce = r.String()
		}
	}
	if err := r.End(); err != nil {
		return unread{}, wrong(err.Error())
	}
	return p, nil
}

// judge compares a proof with the request it came with.
func (c *Checker) judge(p unread, req Request) error {
	now := c.cfg.Now()
	issued := time.Unix(p.issued, 0)
	switch {
	case p.id == "" || len(p.id) > maxID:
		return wrong("no jti, or a very long one")
	case p.method == "" || p.method != req.Method:
		return wrong("htm is another method")
	case !sameURL(p.url, req.URL):
		return wrong("htu is another address")
	case p.issued < 0:
		return wrong("no iat")
	case issued.After(now.Add(c.cfg.Leeway)) || !issued.After(now.Add(-c.cfg.MaxAge-c.cfg.Leeway)):
		return wrong("iat is too far from now")
	case req.AccessToken != "" && !equal(p.ath, hash(req.AccessToken)):
		return wrong("ath is of another token")
	case req.Thumbprint != "" && !equal(p.thumbprint, req.Thumbprint):
		return wrong("another key than the token is bound to")
	case c.cfg.Nonces != nil && !c.cfg.Nonces.Valid(p.nonce):
		return fmt.Errorf("%w: %w", ErrProof, ErrNonce)
	}
	return nil
}

// hash is the ath of a token (RFC 9449 §4.2).
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/dpop"
)

// Once is a memory that all replicas share: grant.Waiting is.
type Once interface {
	// Once tells whether parts of a kind are seen for the first time until a time.
	Once(ctx context.Context, what string, parts []string, now, until time.Time) (first bool, err error)
}

// proofSkew is how far the clocks of replicas may be apart: a proof is remembered that
// much longer, or a slow one would take it when a fast one has forgotten it.
const proofSkew = 30 * time.Second

// ProofConfig is what Proofs are made of; all of it is required.
type ProofConfig struct {
	Issuer string // the issuer URL: htu is an endpoint below it
	Keys   NonceKeys
	Once   Once
	Now    func() time.Time
}

// Proofs checks DPoP proofs (RFC 9449).
//
// A public client's proof must have a nonce (§8). The key of such a client lies where
// other code may run for a while: in a browser, it can't be taken away, but made to sign
// proofs for next week, which only a nonce makes worthless. Who authenticates as well, or
// presents the token that ath names, gains nothing from a stock of proofs: their nonce is
// optional. One that comes must be good, from anybody.
type Proofs struct {
	nonces    nonces
	once      Once          // the proofs of all replicas
	demanding *dpop.Checker // takes no proof without a nonce
	lenient   *dpop.Checker
}

// NewProofs returns a checker of proofs.
func NewProofs(c ProofConfig) (*Proofs, error) {
	p := &Proofs{nonces: nonces{c.Issuer, c.Keys, c.Now}, once: c.Once}
	cfg := dpop.Config{Replay: anyTime{}, Nonces: p.nonces, Now: c.Now}
	var err, err2 error
	p.demanding, err = dpop.New(cfg)
	cfg.Nonces = optional{p.nonces}
	p.lenient, err2 = dpop.New(cfg)
	return p, errors.Join(err, err2)
}

// errMemory means that it can't be told whether a proof was seen before.
var errMemory = errors.New("the memory of proofs can't be asked")

// anyTime is no memory: a checker is done before it is known whether a proof is to be
// remembered.
type anyTime struct{}

var _ dpop.Replay = anyTime{}

func (anyTime) Use(context.Context, string, time.Time) (bool, error) { return true, nil }

// use remembers a proof that was checked, and says so where it was seen before.
func (p *Proofs) use(ctx context.Context, proof dpop.Proof) error {
	until := proof.IssuedAt.Add(dpop.DefaultMaxAge + dpop.DefaultLeeway + proofSkew)
	switch first, err := p.once.Once(ctx, "dpop", []string{proof.Thumbprint, proof.ID}, p.nonces.now(), until); {
	case err != nil:
		return fmt.Errorf("%w: %w", errMemory, err)
	case !first:
		return fmt.Errorf("%w: %w", dpop.ErrProof, dpop.ErrReplay)
	}
	return nil
}

// proof checks the proof that a client's request brings, and returns the thumbprint of
// its key; empty where it brings none. credible is check's.
func (o *OAuth) proof(w http.ResponseWriter, r *http.Request, c client.Client, credible func(context.Context) error) (string, error) {
	checker := o.Proofs.lenient
	if c.Public {
		checker = o.Proofs.demanding
	}
	return o.check(w, r, checker, "", credible)
}

// check checks a proof for an access token, or for a request without one. The answer
// tells the nonce for the next proof, also when all is well (RFC 9449 §8.2).
//
// A proof that is good is remembered, for all replicas, and anybody can make one: so
// credible is asked before whether what came with it could be good. Its error comes back.
func (o *OAuth) check(w http.ResponseWriter, r *http.Request, checker *dpop.Checker, access string, credible func(context.Context) error) (string, error) {
	proofs := r.Header.Values("DPoP")
	if len(proofs) == 0 {
		return "", nil
	}
	nonce := o.Proofs.nonces.Current()
	if nonce != "" {
		w.Header().Set("DPoP-Nonce", nonce)
	}
	if len(proofs) > 1 { // RFC 9449 §4.3 step 1
		return "", fmt.Errorf("%w: %d of them", dpop.ErrProof, len(proofs))
	}
	p, err := checker.Check(r.Context(), proofs[0], dpop.Request{Method: r.Method, URL: o.Issuer + r.URL.Path, AccessToken: access})
	if errors.Is(err, dpop.ErrNonce) && nonce == "" { // there is none to tell
		err = errors.Join(keys.ErrStale, err)
	}
	if err == nil {
		err = credible(r.Context())
	}
	if err == nil {
		err = o.Proofs.use(r.Context(), p)
	}
	return p.Thumbprint, err
}

// tokenProof is proof at the token endpoint, where some clients must bring one (RFC 9449
// §5.2).
func (o *OAuth) tokenProof(w http.ResponseWriter, r *http.Request, c client.Client, g grantType, form url.Values) (string, error) {
	key, err := o.proof(w, r, c, func(ctx context.Context) error {
		if g, is := g.(given); is {
			return g.credible(ctx, form)
		}
		return nil
	})
	if err == nil && key == "" && c.BoundTokens {
		err = &httpx.Error{Status: http.StatusBadRequest, Code: "invalid_dpop_proof", Description: "the client is registered for tokens that are bound to a key: a DPoP proof is missing"}
	}
	return key, err
}

// proofAlgorithms are those that may sign a proof, for discovery and challenges.
func (o *OAuth) proofAlgorithms() []string { return o.Proofs.lenient.Algorithms() }

// proved is a token of the DPoP scheme with its proof, whose nonce is optional: ath names
// a token that is soon over.
func (o *OAuth) proved(w http.ResponseWriter, r *http.Request, access string) (flow.Presented, error) {
	switch {
	case access == "":
		return flow.Presented{}, fmt.Errorf("%w: no token in the Authorization header", verifier.ErrRequest)
	case len(r.Header.Values("DPoP")) == 0:
		return flow.Presented{}, fmt.Errorf("%w: it is missing", dpop.ErrProof)
	}
	key, err := o.check(w, r, o.Proofs.lenient, access, func(ctx context.Context) error { return o.Flow.GivenAccess(ctx, access) })
	return flow.Presented{Access: access, Proof: key}, err
}

// challenged gives an error of userinfo the challenge that its request needs: of both
// schemes where it brought no token, of DPoP where that is what is wrong (RFC 9449 §7.1).
func (o *OAuth) challenged(r *http.Request, err error) error {
	e := *Errors.Lookup(err)
	algs := ` algs="` + strings.Join(o.proofAlgorithms(), " ") + `"`
	_, isDPoP := dpopToken(r)
	switch {
	case errors.Is(err, verifier.ErrNoToken):
		e.Challenge += ", DPoP" + algs
	case errors.Is(err, dpop.ErrProof) && e.Status == http.StatusBadRequest:
		e.Status, e.Challenge = http.StatusUnauthorized, `DPoP error="`+e.Code+`",`+algs
	case (isDPoP || errors.Is(err, flow.ErrBound)) && e.Challenge != "":
		e.Challenge = "DPoP" + strings.TrimPrefix(e.Challenge, "Bearer") + "," + algs
	default:
		return err
	}
	httpx.Note(r.Context(), "why", err.Error())
	return &e
}

package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/signet-oidc/signet/verifier/dpop"
)

// Problem is what a client is told: no internal text, and nothing about why a
// token is invalid that would help who guesses.
type Problem struct {
	Status      int    // of HTTP
	Code        string // error of RFC 6750 §3.1 or RFC 9449 §7.1
	Description string // error_description

	// Bare says that the challenge carries no error, for the request carried no
	// token (RFC 6750 §3.1).
	Bare bool
	// RetryAfter is in seconds; 0 for none.
	RetryAfter int
	// Scope is what the request needed, space-separated; for insufficient_scope.
	Scope string
}

// problems maps errors to what clients are told; the first that fits counts.
// What isn't here is a fixed 500.
var problems = []struct {
	err     error
	problem Problem
}{
	{ErrRequest, Problem{Status: 400, Code: "invalid_request", Description: "the request must carry one access token, in one way"}},
	{ErrCrossSite, Problem{Status: 403, Code: "invalid_request", Description: "cross-site request refused"}},
	{ErrNoToken, Problem{Status: 401, Code: "invalid_token", Description: "the request carries no access token", Bare: true}},
	{ErrInsufficient, Problem{Status: 403, Code: "insufficient_scope", Description: "the access token doesn't allow this"}},
	{dpop.ErrNonce, Problem{Status: 401, Code: "use_dpop_nonce", Description: "the DPoP proof needs the nonce of the DPoP-Nonce header"}},
	{ErrProof, Problem{Status: 401, Code: "invalid_dpop_proof", Description: "the access token is bound to a key, and its proof is missing or invalid"}},
	{ErrKeysUnavailable, unavailableProblem},
	{ErrStatusUnavailable, unavailableProblem},
	{context.Canceled, unavailableProblem},
	{context.DeadlineExceeded, unavailableProblem},
	{ErrExpired, Problem{Status: 401, Code: "invalid_token", Description: "the access token expired"}},
	{ErrRevoked, Problem{Status: 401, Code: "invalid_token", Description: "the access token was revoked"}},
	{ErrMalformed, invalidToken},
	{ErrAlgorithm, invalidToken},
	{ErrUnknownKey, invalidToken},
	{ErrSignature, invalidToken},
	{ErrType, invalidToken},
	{ErrIssuer, invalidToken},
	{ErrAudience, invalidToken},
	{ErrNotYetValid, invalidToken},
}

var (
	invalidToken       = Problem{Status: 401, Code: "invalid_token", Description: "the access token is invalid"}
	unavailableProblem = Problem{Status: 503, Code: "temporarily_unavailable", Description: "access tokens can't be checked at the moment", RetryAfter: 5}
)

// ProblemOf says what a client is told of an error of this package.
func ProblemOf(err error) Problem {
	for _, row := range problems {
		if errors.Is(err, row.err) {
			p := row.problem
			var short *insufficient
			if errors.As(err, &short) {
				p.Scope = short.scope
			}
			return p
		}
	}
	return Problem{Status: 500, Code: "server_error", Description: "internal error"}
}

// insufficient is ErrInsufficient with the scope that was needed.
type insufficient struct{ scope string }

func (e *insufficient) Error() string { return ErrInsufficient.Error() }
func (e *insufficient) Unwrap() error { return ErrInsufficient }

// Refuse answers a request that err refuses: status, challenge and body.
// Middleware does it by itself; it is exported for handlers that verify on
// their own.
func (v *Verifier) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	v.setHeaders(w.Header(), p)
	if v.cfg.Refuse != nil {
		v.cfg.Refuse(w, r, p)
		return
	}
	WriteProblem(w, p)
}

func (v *Verifier) setHeaders(h http.Header, p Problem) {
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if p.Status == 503 || p.Status == 500 {
		return // nothing a client could present would help
	}
	dpopOnly := p.Code == "invalid_dpop_proof" || p.Code == "use_dpop_nonce"
	if !dpopOnly {
		h.Add("WWW-Authenticate", challenge("Bearer", p, v.cfg.ResourceMetadata, ""))
	}
	if dpopOnly || p.Bare && v.cfg.BaseURL != "" {
		h.Add("WWW-Authenticate", challenge("DPoP", p, v.cfg.ResourceMetadata, strings.Join(v.proofs.Algorithms(), " ")))
	}
	if nonce := v.proofs.Nonce(); nonce != "" && dpopOnly {
		h.Set("DPoP-Nonce", nonce) // RFC 9449 §9
	}
}

// challenge writes one challenge of WWW-Authenticate (RFC 6750 §3, RFC 9449 §7.1,
// RFC 9728 §5.1).
func challenge(scheme string, p Problem, metadata, algs string) string {
	var params []string
	add := func(name, value string) {
		if value != "" {
			params = append(params, name+"="+quoted(value))
		}
	}
	if !p.Bare {
		add("error", p.Code)
		add("error_description", p.Description)
	}
	add("scope", p.Scope)
	add("algs", algs)
	add("resource_metadata", metadata)
	if len(params) == 0 {
		return scheme
	}
	return scheme + " " + strings.Join(params, ", ")
}

// quoted is a quoted-string without what RFC 6750 §3 forbids in its values.
func quoted(s string) string {
	return `"` + strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, s) + `"`
}

// WriteProblem writes p as {"error","error_description"}.
func WriteProblem(w http.ResponseWriter, p Problem) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	// A client that hung up is not told, and needs not be.
	_ = json.NewEncoder(w).Encode(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{p.Code, p.Description})
}

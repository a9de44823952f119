package verifier

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Middleware lets requests with a good access token through to next, which finds
// it by FromContext, and refuses the others with a challenge of RFC 6750.
//
// A token is read from "Authorization: Bearer" or, for one bound to a key,
// "Authorization: DPoP" with a DPoP header; and from the cookie that Config.Cookie
// names, if it does. A request with a token in two places is refused. Tokens in
// the query or the body are never read.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, err := v.VerifyRequest(r)
		if err != nil {
			v.Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(newContext(r.Context(), authorized{tok, v})))
	})
}

// VerifyRequest is what Middleware does with a request. Its errors are those of
// Verify, ErrNoToken, ErrRequest and ErrCrossSite; [Verifier.Refuse] answers them.
func (v *Verifier) VerifyRequest(r *http.Request) (*Token, error) {
	scheme, raw, err := v.present(r)
	if err != nil {
		return nil, err
	}
	if scheme == "dpop" {
		return v.verifyDPoP(r, raw)
	}
	return v.Verify(r.Context(), raw)
}

func (v *Verifier) verifyDPoP(r *http.Request, raw string) (*Token, error) {
	proofs := r.Header.Values("DPoP")
	if len(proofs) != 1 { // RFC 9449 §4.3 step 1
		return nil, fmt.Errorf("%w: %d DPoP headers", ErrProof, len(proofs))
	}
	if v.cfg.BaseURL == "" {
		return nil, fmt.Errorf("%w: BaseURL isn't configured", ErrProof)
	}
	return v.VerifyWithProof(r.Context(), raw, proofs[0], r.Method, v.cfg.BaseURL+r.URL.EscapedPath())
}

// present finds the one token of a request.
func (v *Verifier) present(r *http.Request) (scheme, raw string, err error) {
	scheme, raw, err = authorization(r)
	if err != nil || v.cfg.Cookie == "" {
		return scheme, raw, orNoToken(raw, err)
	}
	fromCookie, err := cookie(r, v.cfg.Cookie)
	switch {
	case err != nil:
		return "", "", err
	case fromCookie == "":
		return scheme, raw, orNoToken(raw, nil)
	case raw != "":
		return "", "", fmt.Errorf("%w: a token in the header and one in the cookie", ErrRequest)
	}
	// A browser sends cookies by itself, also for a page of somebody else.
	if err := v.csrf.Check(r); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrCrossSite, err)
	}
	return "bearer", fromCookie, nil
}

func orNoToken(raw string, err error) error {
	if err == nil && raw == "" {
		return ErrNoToken
	}
	return err
}

// Bearer returns the token of the Authorization header (RFC 6750 §2.1):
// ErrNoToken if there is none, ErrRequest if it can't be told.
func Bearer(r *http.Request) (string, error) {
	scheme, raw, err := authorization(r)
	if err == nil && scheme != "bearer" {
		raw = ""
	}
	return raw, orNoToken(raw, err)
}

// Cookie returns the token in the cookie by that name: ErrNoToken if there is
// none, ErrRequest if there are several. Whoever takes a token from a cookie must
// refuse unsafe cross-site requests; Middleware does.
func Cookie(r *http.Request, name string) (string, error) {
	raw, err := cookie(r, name)
	return raw, orNoToken(raw, err)
}

// authorization returns the token of a Bearer or DPoP header, and "" if there is
// none or it is of another scheme. The scheme is without regard to case
// (RFC 9110 §11.1) and returned in small letters.
func authorization(r *http.Request) (scheme, raw string, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", "", nil
	}
	if len(values) > 1 {
		return "", "", fmt.Errorf("%w: %d Authorization headers", ErrRequest, len(values))
	}
	scheme, raw, _ = strings.Cut(values[0], " ")
	scheme, raw = strings.ToLower(scheme), strings.Trim(raw, " ")
	if scheme != "bearer" && scheme != "dpop" {
		return "", "", nil
	}
	if raw == "" || strings.ContainsAny(raw, " ,\t") {
		return "", "", fmt.Errorf("%w: not one token in the Authorization header", ErrRequest)
	}
	return scheme, raw, nil
}

func cookie(r *http.Request, name string) (string, error) {
	cookies := r.CookiesNamed(name)
	if len(cookies) > 1 { // one of them may be planted from a sibling domain
		return "", fmt.Errorf("%w: %d cookies by one name", ErrRequest, len(cookies))
	}
	if len(cookies) == 0 {
		return "", nil
	}
	return cookies[0].Value, nil
}

type contextKey struct{}

// authorized is what Middleware leaves in the context.
type authorized struct {
	token    *Token
	verifier *Verifier // nil if the token came by NewContext
}

func newContext(ctx context.Context, a authorized) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// NewContext returns ctx with a verified token, for those who aren't net/http, as
// an interceptor of gRPC.
func NewContext(ctx context.Context, tok *Token) context.Context {
	return newContext(ctx, authorized{token: tok})
}

// FromContext returns the token that Middleware verified.
func FromContext(ctx context.Context) (*Token, bool) {
	a, ok := ctx.Value(contextKey{}).(authorized)
	return a.token, ok && a.token != nil
}

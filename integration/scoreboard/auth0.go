package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/core"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"

	"github.com/signet-oidc/signet/integration/behaviours"
)

// auth0 is auth0/go-jwt-middleware v3: caching provider, validator and middleware,
// as its README sets them up. The middleware is asked with a request in memory.
func auth0() behaviours.Library {
	return behaviours.Library{
		Name: "go-jwt-middleware", Has: behaviours.Fetches | behaviours.Discovers, Open: openAuth0, Why: whyAuth0,
	}
}

func openAuth0(_ context.Context, s behaviours.Setup) (behaviours.Verify, error) {
	v, err := newAuth0Validator(s)
	if err != nil {
		return nil, err
	}
	m, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v), jwtmiddleware.WithErrorHandler(func(_ http.ResponseWriter, r *http.Request, err error) {
		*r.Context().Value(refusal{}).(*error) = err
	}))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, raw string) error {
		refused := errors.New("the handler wasn't called")
		ctx = context.WithValue(ctx, refusal{}, &refused)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+raw)
		m.CheckJWT(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { refused = nil })).ServeHTTP(httptest.NewRecorder(), r)
		return refused
	}, nil
}

// refusal is where the error handler leaves the error, in the request's context.
type refusal struct{}

func newAuth0Validator(s behaviours.Setup) (*validator.Validator, error) {
	issuer, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, err
	}
	options := []any{jwks.WithIssuerURL(issuer)}
	if s.Refresh > 0 {
		options = append(options, jwks.WithCacheTTL(s.Refresh))
	}
	if s.Client != nil {
		options = append(options, jwks.WithCustomClient(s.Client))
	}
	provider, err := jwks.NewCachingProvider(options...)
	if err != nil {
		return nil, err
	}
	return validator.New(
		validator.WithKeyFunc(provider.KeyFunc), validator.WithAlgorithms([]validator.SignatureAlgorithm{validator.ES256, validator.RS256}),
		validator.WithIssuer(s.Issuer), validator.WithAudience(behaviours.Audience),
	)
}

func whyAuth0(err error) behaviours.Reason {
	fault := (*core.ValidationError)(nil)
	if !errors.As(err, &fault) {
		return behaviours.Unknown
	}
	return map[string]behaviours.Reason{
		core.ErrorCodeTokenExpired: behaviours.Expired, core.ErrorCodeTokenNotYetValid: behaviours.NotYet, core.ErrorCodeInvalidAudience: behaviours.BadAudience,
		core.ErrorCodeInvalidIssuer: behaviours.BadIssuer, core.ErrorCodeInvalidSignature: behaviours.BadSign, core.ErrorCodeJWKSFetchFailed: behaviours.Unavailable,
	}[fault.Code]
}

package main

import (
	"context"
	"errors"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"github.com/signet-oidc/signet/integration/behaviours"
)

// jwx is lestrrat-go/jwx v2: jwk.Cache and jwt.Parse with its set, as jwk's
// README shows them. It takes the algorithm from the key, and has no list.
func jwx() behaviours.Library {
	return behaviours.Library{Name: "jwx", Has: behaviours.Fetches, Open: openJWX, Why: whyJWX}
}

func openJWX(ctx context.Context, s behaviours.Setup) (behaviours.Verify, error) {
	var pace []jwk.CacheOption
	var options []jwk.RegisterOption
	if s.Refresh > 0 {
		pace = append(pace, jwk.WithRefreshWindow(s.Refresh))
		options = append(options, jwk.WithRefreshInterval(s.Refresh))
	}
	if s.Client != nil {
		options = append(options, jwk.WithHTTPClient(s.Client))
	}
	cache := jwk.NewCache(ctx, pace...)
	if err := cache.Register(s.JWKS, options...); err != nil {
		return nil, err
	}
	if _, err := cache.Refresh(ctx, s.JWKS); err != nil {
		return nil, err
	}
	set := jwk.NewCachedSet(cache, s.JWKS)
	return func(_ context.Context, raw string) error {
		_, err := jwt.Parse([]byte(raw), jwt.WithKeySet(set), jwt.WithIssuer(s.Issuer), jwt.WithAudience(behaviours.Audience), jwt.WithRequiredClaim(jwt.ExpirationKey))
		return err
	}, nil
}

func whyJWX(err error) behaviours.Reason {
	for _, r := range []struct {
		err    error
		reason behaviours.Reason
	}{
		{jwt.ErrTokenExpired(), behaviours.Expired}, {jwt.ErrTokenNotYetValid(), behaviours.NotYet}, {jwt.ErrInvalidAudience(), behaviours.BadAudience}, {jwt.ErrInvalidIssuer(), behaviours.BadIssuer},
	} {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	if jws.IsVerificationError(err) {
		return behaviours.BadSign
	}
	return behaviours.Unknown
}

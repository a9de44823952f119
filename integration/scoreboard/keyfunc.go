package main

import (
	"context"
	"errors"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/signet-oidc/signet/integration/behaviours"
)

// keyFunc is MicahParks/keyfunc v3 with golang-jwt v5: NewDefaultOverrideCtx
// and jwt.Parse, with all of golang-jwt's checks for what is known here.
func keyFunc() behaviours.Library {
	return behaviours.Library{
		Name: "keyfunc+golang-jwt", Has: behaviours.Fetches, Open: openKeyFunc, Why: whyGolangJWT,
	}
}

func openKeyFunc(ctx context.Context, s behaviours.Setup) (behaviours.Verify, error) {
	// Without overrides this is NewDefaultCtx.
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{s.JWKS}, keyfunc.Override{Client: s.Client, RefreshInterval: s.Refresh})
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, raw string) error {
		_, err := jwt.Parse(raw, keys.Keyfunc,
			jwt.WithIssuer(s.Issuer), jwt.WithAudience(behaviours.Audience), jwt.WithExpirationRequired(), jwt.WithValidMethods(behaviours.Algorithms))
		return err
	}, nil
}

func whyGolangJWT(err error) behaviours.Reason {
	for _, r := range []struct {
		err    error
		reason behaviours.Reason
	}{
		{jwt.ErrTokenExpired, behaviours.Expired}, {jwt.ErrTokenNotValidYet, behaviours.NotYet}, {jwt.ErrTokenInvalidAudience, behaviours.BadAudience},
		{jwt.ErrTokenInvalidIssuer, behaviours.BadIssuer}, {jwt.ErrTokenSignatureInvalid, behaviours.BadSign},
	} {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return behaviours.Unknown
}

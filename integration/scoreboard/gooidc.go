package main

import (
	"context"
	"errors"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/signet-oidc/signet/integration/behaviours"
)

// goOIDC is coreos/go-oidc v3: oidc.NewProvider and provider.Verifier, as its
// package documentation begins. The algorithms come from discovery.
func goOIDC() behaviours.Library {
	return behaviours.Library{
		Name: "go-oidc", Has: behaviours.Fetches | behaviours.Discovers,
		Open: func(ctx context.Context, s behaviours.Setup) (behaviours.Verify, error) {
			if s.Client != nil {
				ctx = oidc.ClientContext(ctx, s.Client)
			}
			provider, err := oidc.NewProvider(ctx, s.Issuer)
			if err != nil {
				return nil, err
			}
			v := provider.Verifier(&oidc.Config{ClientID: behaviours.Audience})
			return func(ctx context.Context, raw string) error {
				_, err := v.Verify(ctx, raw)
				return err
			}, nil
		},
		Why: func(err error) behaviours.Reason {
			if expired := (*oidc.TokenExpiredError)(nil); errors.As(err, &expired) {
				return behaviours.Expired
			}
			return behaviours.Unknown // its one typed error
		},
	}
}

package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/signet-oidc/signet/integration/behaviours"
)

// zitadel is zitadel/oidc v3: op.VerifyAccessToken with the relying party's
// remote key set. It asks for no audience, and offers no place to name one.
func zitadel() behaviours.Library {
	return behaviours.Library{
		Name: "zitadel", Has: behaviours.Fetches | behaviours.Discovers | behaviours.Introspects,
		Open: openZitadel, Introspect: introspectZitadel, Why: whyZitadel,
	}
}

func openZitadel(ctx context.Context, s behaviours.Setup) (behaviours.Verify, error) {
	c := s.Client
	if c == nil {
		c = http.DefaultClient
	}
	meta, err := client.Discover(ctx, s.Issuer, c)
	if err != nil {
		return nil, err
	}
	v := op.NewAccessTokenVerifier(s.Issuer, rp.NewRemoteKeySet(c, meta.JwksURI), op.WithSupportedAccessTokenSigningAlgorithms(behaviours.Algorithms...))
	return func(ctx context.Context, raw string) error {
		_, err := op.VerifyAccessToken[*oidc.AccessTokenClaims](ctx, raw, v)
		return err
	}, nil
}

func introspectZitadel(ctx context.Context, s behaviours.Setup) (behaviours.Introspect, error) {
	server, err := rs.NewResourceServerClientCredentials(ctx, s.Issuer, s.ClientID, s.Secret)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, raw string) (bool, error) {
		answer, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, server, raw)
		if err != nil {
			return false, err
		}
		return answer.Active, nil
	}, nil
}

func whyZitadel(err error) behaviours.Reason {
	for _, r := range []struct {
		err    error
		reason behaviours.Reason
	}{
		{oidc.ErrExpired, behaviours.Expired}, {oidc.ErrAudience, behaviours.BadAudience}, {oidc.ErrIssuerInvalid, behaviours.BadIssuer}, {oidc.ErrSignatureInvalid, behaviours.BadSign},
	} {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return behaviours.Unknown
}

package behaviours

import (
	"context"
	"errors"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/introspect"
)

// Signet is our own column.
func Signet() Library {
	return Library{
		Name: "signet", Has: Fetches | Discovers | Status | Introspects,
		Open: openSignet, Introspect: introspectSignet, Why: whySignet,
	}
}

func openSignet(ctx context.Context, s Setup) (Verify, error) {
	v, err := verifier.New(ctx, verifier.Config{
		Issuer: s.Issuer, Audience: Audience, HTTPClient: s.Client, Poll: s.Refresh, Outage: s.Outage, StatusMaxAge: s.MaxAge,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, raw string) error {
		_, err := v.Verify(ctx, raw)
		return err
	}, nil
}

func introspectSignet(_ context.Context, s Setup) (Introspect, error) {
	c, err := introspect.New(introspect.Config{Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: s.Secret})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, raw string) (bool, error) {
		a, err := c.Introspect(ctx, raw)
		return a.Active, err
	}, nil
}

func whySignet(err error) Reason {
	for _, r := range []struct {
		err    error
		reason Reason
	}{
		{verifier.ErrExpired, Expired}, {verifier.ErrNotYetValid, NotYet}, {verifier.ErrAudience, BadAudience}, {verifier.ErrIssuer, BadIssuer},
		{verifier.ErrSignature, BadSign}, {verifier.ErrRevoked, Revoked}, {verifier.ErrKeysUnavailable, Unavailable}, {verifier.ErrStatusUnavailable, Unavailable},
	} {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return Unknown
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/signet-oidc/signet/integration/behaviours"
)

// goJOSE is go-jose v4: jwt.ParseSigned, Claims with a set and Validate. It
// fetches nothing: the set is read once, by the few lines that everybody writes.
func goJOSE() behaviours.Library {
	return behaviours.Library{Name: "go-jose", Open: openGoJOSE, Why: whyGoJOSE}
}

func openGoJOSE(ctx context.Context, s behaviours.Setup) (behaviours.Verify, error) {
	keys, err := fetchSet(ctx, s.JWKS)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, raw string) error {
		tok, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
		if err != nil {
			return err
		}
		var c jwt.Claims
		if err := tok.Claims(keys, &c); err != nil {
			return err
		}
		return c.Validate(jwt.Expected{Issuer: s.Issuer, AnyAudience: jwt.Audience{behaviours.Audience}, Time: time.Now()})
	}, nil
}

func fetchSet(ctx context.Context, address string) (*jose.JSONWebKeySet, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", address, resp.Status)
	}
	var keys jose.JSONWebKeySet
	return &keys, json.NewDecoder(resp.Body).Decode(&keys)
}

func whyGoJOSE(err error) behaviours.Reason {
	for _, r := range []struct {
		err    error
		reason behaviours.Reason
	}{
		{jwt.ErrExpired, behaviours.Expired}, {jwt.ErrNotValidYet, behaviours.NotYet}, {jwt.ErrInvalidAudience, behaviours.BadAudience}, {jwt.ErrInvalidIssuer, behaviours.BadIssuer}, {jose.ErrCryptoFailure, behaviours.BadSign},
	} {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return behaviours.Unknown
}

package oauth

import (
	"context"
	"net/url"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
)

// authorizationCode is RFC 6749 §4.1.3, with PKCE (RFC 7636).
type authorizationCode struct{ flow Flow }

func (authorizationCode) name() string { return client.GrantAuthorizationCode }

func (g authorizationCode) credible(ctx context.Context, form url.Values) error {
	return g.flow.GivenCode(ctx, form.Get("code"))
}

func (g authorizationCode) exchange(ctx context.Context, r request) (flow.Tokens, error) {
	code, err := r.need("code")
	if err != nil {
		return flow.Tokens{}, err
	}
	redirect, err := r.need("redirect_uri")
	if err != nil {
		return flow.Tokens{}, err
	}
	t, err := g.flow.ExchangeCode(ctx, flow.Exchange{
		Code: code, Client: r.client, Redirect: redirect, Verifier: r.form.Get("code_verifier"), Resource: r.resource, Proof: r.proof,
	})
	return forClient(t, r.client), err
}

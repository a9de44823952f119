package oauth

import (
	"context"
	"net/url"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
)

// refreshToken is RFC 6749 §6, with rotation (RFC 9700 §4.14.2).
type refreshToken struct{ flow Flow }

func (refreshToken) name() string { return client.GrantRefreshToken }

func (g refreshToken) credible(_ context.Context, form url.Values) error {
	return g.flow.GivenRefresh(form.Get("refresh_token"))
}

func (g refreshToken) exchange(ctx context.Context, r request) (flow.Tokens, error) {
	raw, err := r.need("refresh_token")
	if err != nil {
		return flow.Tokens{}, err
	}
	return g.flow.Refresh(ctx, flow.Refresh{Token: raw, Client: r.client, Scope: r.scope, Resource: r.resource, Proof: r.proof})
}

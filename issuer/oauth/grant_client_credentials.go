package oauth

import (
	"context"
	"net/http"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// clientCredentials is RFC 6749 §4.4: a client's own token.
type clientCredentials struct{ flow Flow }

func (clientCredentials) name() string { return client.GrantClientCredentials }

func (g clientCredentials) exchange(ctx context.Context, r request) (flow.Tokens, error) {
	if r.client.Public { // §4.4: only confidential clients; who else would it be?
		return flow.Tokens{}, &httpx.Error{Status: http.StatusBadRequest, Code: "unauthorized_client", Description: "a public client has no credentials"}
	}
	return g.flow.ClientCredentials(ctx, r.client, r.scope, r.resource, r.proof)
}

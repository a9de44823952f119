package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// password is RFC 6749 §4.3, for first-party clients that were given it. (RFC 9700
// §2.4 forbids it to others: nothing here gives it to a client by itself.)
type password struct{ flow Flow }

func (password) name() string { return client.GrantPassword }

func (g password) exchange(ctx context.Context, r request) (flow.Tokens, error) {
	username, err := r.need("username")
	if err != nil {
		return flow.Tokens{}, err
	}
	secret, err := r.need("password")
	if err != nil {
		return flow.Tokens{}, err
	}
	t, err := g.flow.SignIn(ctx, flow.SignIn{
		Email: username, Password: secret, Client: r.client, Scope: r.scope, Audience: r.resource, Proof: r.proof, Address: r.from,
	})
	if errors.Is(err, account.ErrCredentials) { // §5.2: invalid_grant, a 400
		return t, &httpx.Error{Status: http.StatusBadRequest, Code: "invalid_grant", Description: "username or password is wrong"}
	}
	return forClient(t, r.client), err
}

// forClient leaves out the refresh token of a client that could not use it.
func forClient(t flow.Tokens, c client.Client) flow.Tokens {
	if !c.AllowsGrant(client.GrantRefreshToken) {
		t.Refresh = ""
	}
	return t
}

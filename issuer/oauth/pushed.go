package oauth

import (
	"context"
	"net/url"

	"github.com/signet-oidc/signet/issuer/client"
)

// resolve puts the parameters of a pushed request (RFC 9126 §4) in the place of those
// that came.
func (o *OAuth) resolve(_ context.Context, _ client.Client, v url.Values) (url.Values, string, error) {
	return v, "", nil
}

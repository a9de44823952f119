package oauth

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// authMethods are the ways a client can authenticate, for discovery.
func authMethods() []string {
	return []string{string(client.MethodBasic), string(client.MethodPost), string(client.MethodNone)}
}

// authenticate finds the client of a request and checks that it is who it says
// (RFC 6749 §2.3). Only failures are throttled: a client that knows its secret
// never waits for those that guess.
func (o *OAuth) authenticate(r *http.Request, form url.Values) (client.Client, error) {
	name, by, err := credentials(r, form)
	if err != nil {
		return client.Client{}, err
	}
	c, err := o.Clients.Get(r.Context(), name)
	if err == nil {
		err = client.Authenticate(c, by, o.Now())
	}
	if errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrCredentials) {
		err = o.refuse(r, name)
	}
	return c, err
}

func (o *OAuth) refuse(r *http.Request, name id.Client) error {
	if err := o.Throttle.ClientFailed(r.Context(), httpx.Address(r.Context()), name, o.Now()); err != nil {
		return err
	}
	// RFC 6749 §5.2: a 401 names the scheme the client used, or could use.
	return &httpx.Error{
		Status: http.StatusUnauthorized, Code: "invalid_client", Description: "client authentication failed",
		Challenge: `Basic realm="signet", charset="UTF-8"`,
	}
}

// credentials reads who the client says it is. More than one method is refused
// (RFC 6749 §2.3: one in each request).
func credentials(r *http.Request, form url.Values) (id.Client, client.Credentials, error) {
	header := r.Header.Values("Authorization")
	named, secret := form.Get("client_id"), form.Get("client_secret")
	switch {
	case len(header) > 1 || (len(header) == 1 && secret != ""):
		return "", client.Credentials{}, httpx.BadRequest("more than one way of client authentication")
	case len(header) == 1:
		return basic(r, named)
	case named == "":
		return "", client.Credentials{}, httpx.BadRequest("client_id is missing")
	case secret != "":
		return id.Client(named), client.Credentials{Method: client.MethodPost, Secret: secret}, nil
	}
	return id.Client(named), client.Credentials{Method: client.MethodNone}, nil
}

// basic reads client_secret_basic: id and secret are form-encoded before they are
// put together (RFC 6749 §2.3.1).
func basic(r *http.Request, named string) (id.Client, client.Credentials, error) {
	user, pass, ok := r.BasicAuth()
	name, err := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(pass)
	if !ok || err != nil || err2 != nil {
		return "", client.Credentials{}, httpx.BadRequest("the Authorization header is not HTTP Basic with client_id and client_secret")
	}
	if named != "" && named != name {
		return "", client.Credentials{}, httpx.BadRequest("client_id is not the one of the Authorization header")
	}
	return id.Client(name), client.Credentials{Method: client.MethodBasic, Secret: secret}, nil
}

// tokenOf reads what revocation and introspection take: an authenticated client and a token.
// token_type_hint is only a hint (RFC 7009 §2.1), and not needed to tell ours apart.
func (o *OAuth) tokenOf(w http.ResponseWriter, r *http.Request) (client.Client, string, error) {
	form, err := httpx.Form(w, r)
	if err != nil {
		return client.Client{}, "", err
	}
	c, err := o.authenticate(r, form)
	if err != nil {
		return client.Client{}, "", err
	}
	raw, err := request{form: url.Values(form)}.need("token")
	return c, raw, err
}

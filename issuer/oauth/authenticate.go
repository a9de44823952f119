package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// authMethods are the ways a client can authenticate, for discovery.
func authMethods() []string { return append(confidential(), string(client.MethodNone)) }

// confidential are those of clients that have something to show.
func confidential() []string {
	return []string{string(client.MethodBasic), string(client.MethodPost), string(client.MethodPrivateKeyJWT)}
}

// authenticated reads the form of a request, and who sends it.
func (o *OAuth) authenticated(w http.ResponseWriter, r *http.Request) (client.Client, url.Values, error) {
	form, err := httpx.Form(w, r)
	if err != nil {
		return client.Client{}, nil, err
	}
	c, err := o.authenticate(r, form)
	return c, form, err
}

// authenticate finds the client of a request and checks that it is who it says
// (RFC 6749 §2.3). Only failures are throttled: a client that knows its secret
// never waits for those that guess.
func (o *OAuth) authenticate(r *http.Request, form url.Values) (client.Client, error) {
	name, by, err := credentials(r, form)
	if err != nil {
		return client.Client{}, err
	}
	c, err := o.prove(r.Context(), name, by)
	if errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrCredentials) {
		httpx.Note(r.Context(), "refused", err.Error())
		err = o.refuse(r, c.ID)
	}
	return c, err
}

// prove checks credentials. What comes back with an error is who was named.
func (o *OAuth) prove(ctx context.Context, name id.Client, by client.Credentials) (client.Client, error) {
	if by.Method == client.MethodPrivateKeyJWT {
		return o.Flow.Assertion(ctx, by.Secret, name)
	}
	c, err := o.Clients.Get(ctx, name)
	if err != nil {
		return client.Client{ID: name}, err
	}
	return c, client.Authenticate(c, by, o.Now())
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
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return asserted(form, len(header) > 0 || secret != "")
	}
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

// assertionType is the one kind of assertion that clients authenticate by (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// asserted reads private_key_jwt. client_id isn't needed beside it (RFC 7521 §4.2).
func asserted(form url.Values, another bool) (id.Client, client.Credentials, error) {
	switch raw := form.Get("client_assertion"); {
	case another:
		return "", client.Credentials{}, httpx.BadRequest("more than one way of client authentication")
	case raw == "":
		return "", client.Credentials{}, httpx.BadRequest("client_assertion is missing")
	case form.Get("client_assertion_type") != assertionType:
		return "", client.Credentials{}, httpx.BadRequest("client_assertion_type is not " + assertionType)
	default:
		return id.Client(form.Get("client_id")), client.Credentials{Method: client.MethodPrivateKeyJWT, Secret: raw}, nil
	}
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
	c, form, err := o.authenticated(w, r)
	if err != nil {
		return client.Client{}, "", err
	}
	raw, err := request{form: form}.need("token")
	return c, raw, err
}

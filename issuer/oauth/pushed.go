package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// Waiting keeps pushed requests: grant.Waiting does.
type Waiting interface {
	// Push keeps a request and returns its request_uri, or says grant.ErrTooLong.
	Push(ctx context.Context, p grant.Pushed, now time.Time) (uri string, err error)
	// Pushed returns the request of a request_uri, or grant.ErrNotFound.
	Pushed(ctx context.Context, uri string, now time.Time) (grant.Pushed, error)
}

// pushedBody is the answer of RFC 9126 §2.2.
type pushedBody struct {
	URI       string `json:"request_uri"`
	ExpiresIn int64  `json:"expires_in"` // seconds
}

// Push is the pushed authorization request endpoint: the client authenticates as at
// the token endpoint (RFC 9126 §2), and the request is checked as if it had come to the
// authorization endpoint (§2.1 step 3).
func (o *OAuth) Push(w http.ResponseWriter, r *http.Request) error {
	c, form, err := o.authenticated(w, r)
	if err != nil {
		return err
	}
	httpx.Note(r.Context(), "client", string(c.ID))
	if form.Has("request_uri") { // §2.1 step 2
		return httpx.BadRequest("a pushed request has no request_uri")
	}
	key, err := o.proof(w, r, c, func(ctx context.Context) error { return o.mayPush(ctx, c) })
	if err != nil {
		return err
	}
	uri, err := o.push(r.Context(), c, form, key)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusCreated, pushedBody{uri, int64(grant.PushedLife / time.Second)})
	return nil
}

// mayPush counts a request to be kept. In the name of a public client anybody can push:
// that is throttled by address; a confidential one pushes for many people from one.
func (o *OAuth) mayPush(ctx context.Context, c client.Client) error {
	if !c.Public {
		return nil
	}
	return o.Throttle.Wait(ctx, httpx.Address(ctx), o.Now())
}

// push checks and keeps a request.
func (o *OAuth) push(ctx context.Context, c client.Client, form url.Values, key string) (string, error) {
	if err := bindCode(form, key); err != nil {
		return "", err
	}
	asked := parametersOf(c, form)
	a, err := o.readAuthorization(ctx, c, asked)
	if err != nil {
		return "", err
	}
	if a.refused != nil { // RFC 9126 §2.3: the codes of the authorization endpoint, told at once
		return "", &httpx.Error{Status: http.StatusBadRequest, Code: a.refused.Code, Description: a.refused.Description}
	}
	if key == "" { // else it was counted with the proof
		if err := o.mayPush(ctx, c); err != nil {
			return "", err
		}
	}
	return o.Waiting.Push(ctx, grant.Pushed{Client: c.ID, Parameters: asked}, o.Now())
}

// bindCode has a proof that comes with a pushed request do what dpop_jkt would: the code
// will be good with that key alone (RFC 9449 §10.1).
func bindCode(form url.Values, key string) error {
	switch asked := form.Get("dpop_jkt"); {
	case key == "":
		return nil
	case asked != "" && asked != key:
		return &httpx.Error{Status: http.StatusBadRequest, Code: "invalid_dpop_proof", Description: "dpop_jkt is not the key of the DPoP proof"}
	}
	form.Set("dpop_jkt", key)
	return nil
}

// parametersOf are those of the authorization request in a pushed one: all but what the
// client authenticated by, which must not be kept.
func parametersOf(c client.Client, form url.Values) url.Values {
	v := url.Values{"client_id": {string(c.ID)}}
	for name, values := range form {
		switch name {
		case "client_id", "client_secret", "client_assertion", "client_assertion_type":
		default:
			v[name] = values
		}
	}
	return v
}

var errRequestURI = &httpx.Error{Status: http.StatusBadRequest, Code: "invalid_request_uri", Description: "this request_uri was not given to this client, or it is used or over"}

// resolve puts the parameters of a pushed request (RFC 9126 §4) in the place of those
// that came, of which client_id and request_uri alone count (RFC 9101 §5). What is wrong
// with a request_uri is told by no redirect: where to is what isn't known.
func (o *OAuth) resolve(ctx context.Context, c client.Client, v url.Values) (url.Values, string, error) {
	uris := v["request_uri"]
	if len(uris) != 1 || !grant.IsPushed(uris[0]) {
		if c.RequirePushed { // RFC 9126 §6
			return nil, "", httpx.BadRequest("the client has to push its authorization requests (RFC 9126)")
		}
		return v, "", nil
	}
	p, err := o.Waiting.Pushed(ctx, uris[0], o.Now())
	if errors.Is(err, grant.ErrNotFound) || err == nil && p.Client != c.ID {
		return nil, "", errRequestURI
	}
	return p.Parameters, uris[0], err
}

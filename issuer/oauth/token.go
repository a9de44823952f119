package oauth

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// grantType is one way to a token (RFC 6749 §1.3).
type grantType interface {
	// name is its grant_type.
	name() string
	// exchange gives tokens for a request whose client has the grant.
	exchange(ctx context.Context, r request) (flow.Tokens, error)
}

// given is a grant whose request presents something that was given here before.
type given interface {
	// credible tells whether that could be good, without using it up.
	credible(ctx context.Context, form url.Values) error
}

var _, _ given = authorizationCode{}, refreshToken{}

// grants is the one table of grants. Discovery and registration follow from it.
func grants(f Flow) []grantType {
	return []grantType{authorizationCode{f}, clientCredentials{f}, refreshToken{f}, password{f}}
}

// request is a token request as far as all grants share it.
type request struct {
	client   client.Client
	form     url.Values
	scope    []string // nil: not asked
	resource []string // nil: not asked (RFC 8707 §2)
	from     netip.Addr
	proof    string // thumbprint of the DPoP key (RFC 9449 §5); empty: none
}

// need returns a parameter that the grant can't do without.
func (r request) need(name string) (string, error) {
	if v := r.form.Get(name); v != "" {
		return v, nil
	}
	return "", httpx.BadRequest(name + " is missing")
}

// Token is the token endpoint.
func (o *OAuth) Token(w http.ResponseWriter, r *http.Request) error {
	c, form, err := o.authenticated(w, r)
	if err != nil {
		return err
	}
	g, err := o.grant(c, form.Get("grant_type"))
	if err != nil {
		return err
	}
	httpx.Note(r.Context(), "client", string(c.ID))
	httpx.Note(r.Context(), "grant", g.name())
	proof, err := o.tokenProof(w, r, c, g, form)
	if err != nil {
		return err
	}
	scope, err := scopes(form.Get("scope"))
	if err != nil {
		return err
	}
	t, err := g.exchange(r.Context(), request{
		client: c, form: form, scope: scope, resource: form["resource"], from: httpx.Address(r.Context()), proof: proof,
	})
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, answer(t))
	return nil
}

func (o *OAuth) grant(c client.Client, name string) (grantType, error) {
	if name == "" {
		return nil, httpx.BadRequest("grant_type is missing")
	}
	g := o.grants[name]
	if g == nil {
		return nil, &httpx.Error{Status: http.StatusBadRequest, Code: "unsupported_grant_type", Description: "there is no such grant here; discovery lists those there are"}
	}
	if !c.AllowsGrant(name) {
		return nil, &httpx.Error{Status: http.StatusBadRequest, Code: "unauthorized_client", Description: "the client is not registered for this grant"}
	}
	return g, nil
}

// scopes takes a scope apart (RFC 6749 §3.3). Its letters are checked against what
// the client has, so only the separators matter here.
func scopes(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	words := strings.Split(s, " ")
	for _, w := range words {
		if w == "" {
			return nil, &httpx.Error{Status: http.StatusBadRequest, Code: "invalid_scope", Description: "scopes are separated by one space"}
		}
	}
	return words, nil
}

// tokenBody is a token response (RFC 6749 §5.1).
type tokenBody struct {
	Access         string `json:"access_token"`
	Type           string `json:"token_type"`
	ExpiresIn      int64  `json:"expires_in"`
	Refresh        string `json:"refresh_token,omitempty"`
	RefreshExpires int64  `json:"refresh_expires_in,omitempty"`
	ID             string `json:"id_token,omitempty"`
	Session        string `json:"session_id,omitempty"`
	Scope          string `json:"scope"`
}

func answer(t flow.Tokens) tokenBody {
	b := tokenBody{
		Access: t.Access, Type: tokenType(t.Bound), ExpiresIn: t.ExpiresIn(),
		Refresh: t.Refresh, ID: t.ID, Session: string(t.Session), Scope: strings.Join(t.Scope, " "),
	}
	if t.Refresh != "" {
		b.RefreshExpires = t.RefreshExpiresIn()
	}
	return b
}

// tokenType is the token_type of an access token: DPoP where it is bound to a key (RFC
// 9449 §5).
func tokenType(bound bool) string {
	if bound {
		return "DPoP"
	}
	return "Bearer"
}

// Package api is the first-party face: JSON calls of one's own app, which belong to
// the built-in public client `signet`.
//
//	POST /register  {"email","password"}                        201 the user
//	POST /login     {"email","password","audience"?,"scope"?,"cookies"?}  200 tokens
//	POST /refresh   {"refresh_token"} or both cookies           200 tokens
//	POST /logout    {"refresh_token"} or an access token, {"everywhere":true}  204
//	POST /password  {"old","new"}, access token                 204
//
// Errors are {"error","error_description","request_id"}. The rules are flow's; this
// package decodes, calls and encodes.
package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// Flow is what the calls ask for.
type Flow interface {
	Register(ctx context.Context, email, password string, from netip.Addr) (account.User, error)
	SignIn(ctx context.Context, in flow.SignIn) (flow.Tokens, error)
	Refresh(ctx context.Context, in flow.Refresh) (flow.Tokens, error)
	ChangePassword(ctx context.Context, access, old, next string) error
	Leaver
}

// Leaver is how a session is left.
type Leaver interface {
	SignOutRefresh(ctx context.Context, c client.Client, refresh string) error
	SignOutAccess(ctx context.Context, c client.Client, access string) error
	SignOutEverywhere(ctx context.Context, access string) error
}

// API has a handler for each call.
type API struct {
	flow   Flow
	client client.Client // the built-in one
}

// New returns the face of a flow for the built-in client.
func New(f Flow, builtin client.Client) *API { return &API{f, builtin} }

type registered struct {
	ID    string   `json:"id"`
	Email string   `json:"email"`
	Roles []string `json:"roles"`
}

// Register makes an account: 201, or 409 user_exists.
func (a *API) Register(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	u, err := a.flow.Register(r.Context(), in.Email, in.Password, httpx.Address(r.Context()))
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusCreated, registered{string(u.ID), u.Email, orNone(u.Roles)})
	return nil
}

func orNone(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// Login opens a session: 200 with tokens, in the body or in cookies.
func (a *API) Login(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		Audience string `json:"audience"`
		Scope    string `json:"scope"`
		Cookies  bool   `json:"cookies"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	var audience []string
	if in.Audience != "" {
		audience = []string{in.Audience}
	}
	device, err := cookie(r, httpx.DeviceCookie)
	if err != nil {
		return err
	}
	t, err := a.flow.SignIn(r.Context(), flow.SignIn{
		Email: in.Email, Password: in.Password, Client: a.client, Device: device,
		Audience: audience, Scope: strings.Fields(in.Scope), Address: httpx.Address(r.Context()),
		Agent: r.UserAgent(),
	})
	if err != nil {
		return err
	}
	httpx.GiveDevice(w, t.Device)
	give(w, t, in.Cookies)
	return nil
}

// Refresh exchanges a refresh token, of the body or of the cookie; the answer
// goes where the token came from.
func (a *API) Refresh(w http.ResponseWriter, r *http.Request) error {
	raw, byCookie, err := refreshToken(w, r)
	if err != nil {
		return err
	}
	in := flow.Refresh{Token: raw, Client: a.client}
	if byCookie {
		// Another host of the domain can plant the one cookie, and not the other (__Host-,
		// RFC 6265bis §8.6): without this, a person could be logged in as somebody else.
		access, err := cookie(r, AccessCookie)
		if err != nil {
			return err
		}
		in.Beside = &access
	}
	t, err := a.flow.Refresh(r.Context(), in)
	if err != nil {
		return err
	}
	give(w, t, byCookie)
	return nil
}

// refreshToken reads the body, and the cookie where there is no body.
func refreshToken(w http.ResponseWriter, r *http.Request) (raw string, byCookie bool, err error) {
	if r.ContentLength == 0 {
		raw, err = cookie(r, RefreshCookie)
		if err == nil && raw == "" {
			err = httpx.BadRequest("a refresh_token is expected in the body, or its cookie")
		}
		return raw, true, err
	}
	var in struct {
		Token string `json:"refresh_token"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return "", false, err
	}
	if in.Token != "" {
		return in.Token, false, nil
	}
	raw, err = cookie(r, RefreshCookie)
	if err == nil && raw == "" {
		err = httpx.BadRequest("a refresh_token is expected")
	}
	return raw, true, err
}

// Password changes the password of the bearer: 204; the other logins end.
func (a *API) Password(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	access, err := accessToken(r)
	if err != nil {
		return err
	}
	if err := a.flow.ChangePassword(r.Context(), access, in.Old, in.New); err != nil {
		return err
	}
	noContent(w)
	return nil
}

func noContent(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// tokenBody is a token response (RFC 6749 §5.1). The tokens are left out where
// cookies carry them.
type tokenBody struct {
	Access         string `json:"access_token,omitempty"`
	Type           string `json:"token_type"`
	ExpiresIn      int64  `json:"expires_in"`
	Refresh        string `json:"refresh_token,omitempty"`
	RefreshExpires int64  `json:"refresh_expires_in"`
	Session        string `json:"session_id"`
	Scope          string `json:"scope"`
}

func give(w http.ResponseWriter, t flow.Tokens, cookies bool) {
	body := tokenBody{
		Type: "Bearer", ExpiresIn: t.ExpiresIn(), RefreshExpires: t.RefreshExpiresIn(),
		Session: string(t.Session), Scope: strings.Join(t.Scope, " "),
	}
	if cookies {
		setCookies(w, t, body.RefreshExpires)
	} else {
		body.Access, body.Refresh = t.Access, t.Refresh
	}
	httpx.JSON(w, http.StatusOK, body)
}

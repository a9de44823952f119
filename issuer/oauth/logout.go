package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// PathLogout is the logout endpoint, below the issuer URL.
const PathLogout = "/oidc/logout"

// Leaver is what the logout endpoint asks for.
type Leaver interface {
	CheckLogout(ctx context.Context, in flow.LogoutRequest) (grant.Logout, error)
	BeginLogout(ctx context.Context, l grant.Logout, cookie string, from netip.Addr) (flow.Leaving, error)
	KeepLogout(ctx context.Context, l grant.Logout, from netip.Addr) (name string, err error)
	ResumeLogout(ctx context.Context, name, cookie string) (flow.Leaving, error)
}

// Logout is the logout endpoint (OpenID Connect RP-Initiated Logout 1.0 §2). What can't
// be trusted is a page, never a redirect.
func (o *OAuth) Logout(w http.ResponseWriter, r *http.Request) error {
	next, err := o.leave(r)
	if err != nil {
		o.Pages.Fail(w, r, leaveError(err))
		return nil
	}
	w.Header().Set("Cache-Control", "no-store")
	if next.Pending != "" {
		o.Pages.Step(w, r, flow.Step{Page: flow.PageLogout, Pending: next.Pending})
		return nil
	}
	o.Pages.Forget(w)
	if next.Redirect == "" {
		o.Pages.Step(w, r, flow.Step{Page: flow.PageLogout})
		return nil
	}
	w.Header().Set("Location", next.Redirect) // as it is registered: http.Redirect would clean its path
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// kept names a request that came by POST.
const kept = "request"

func (o *OAuth) leave(r *http.Request) (flow.Leaving, error) {
	values, err := query(r.URL.RawQuery)
	if err != nil {
		return flow.Leaving{}, err
	}
	if name := values.Get(kept); name != "" {
		return o.Flow.ResumeLogout(r.Context(), name, o.Pages.Cookie(r))
	}
	l, err := o.checkLogout(r, values)
	if err != nil {
		return flow.Leaving{}, err
	}
	return o.Flow.BeginLogout(r.Context(), l, o.Pages.Cookie(r), httpx.Address(r.Context()))
}

// LogoutPost is the same by POST. A form that comes from the client's site brings no
// cookie (SameSite=Lax), so the request is kept for a GET, which does; the ID token, for
// whose sake clients post, stays out of URLs.
func (o *OAuth) LogoutPost(w http.ResponseWriter, r *http.Request) error {
	name, err := o.keepLogout(w, r)
	if err != nil {
		o.Pages.Fail(w, r, leaveError(err))
		return nil
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, o.Issuer+PathLogout+"?"+url.Values{kept: {name}}.Encode(), http.StatusSeeOther)
	return nil
}

func (o *OAuth) keepLogout(w http.ResponseWriter, r *http.Request) (string, error) {
	values, err := httpx.Form(w, r)
	if err != nil {
		return "", err
	}
	l, err := o.checkLogout(r, values)
	if err != nil {
		return "", err
	}
	return o.Flow.KeepLogout(r.Context(), l, httpx.Address(r.Context()))
}

// checkLogout reads and checks a request. logout_hint is not needed: one person is
// logged in in a browser, no more.
func (o *OAuth) checkLogout(r *http.Request, v url.Values) (grant.Logout, error) {
	for _, values := range v {
		if len(values) > 1 {
			return grant.Logout{}, httpx.BadRequest("a parameter occurs twice")
		}
	}
	if len(v.Get("state")) > maxState {
		return grant.Logout{}, httpx.BadRequest("state is too long")
	}
	l, err := o.Flow.CheckLogout(r.Context(), flow.LogoutRequest{
		Hint: v.Get("id_token_hint"), Client: id.Client(v.Get("client_id")), Redirect: v.Get("post_logout_redirect_uri"),
		State: v.Get("state"), Locales: few(v.Get("ui_locales")),
	})
	if err == nil && l.Client != "" {
		httpx.Note(r.Context(), "client", string(l.Client))
	}
	return l, err
}

// leaveError says in words what a person may be told.
func leaveError(err error) error {
	switch {
	case errors.Is(err, flow.ErrHint):
		return httpx.BadRequest("id_token_hint is no ID token that was given here")
	case errors.Is(err, flow.ErrLogoutClient):
		return httpx.BadRequest("there is no client with this client_id, or id_token_hint was given to another")
	case errors.Is(err, flow.ErrLogoutRedirect):
		return httpx.BadRequest("post_logout_redirect_uri is not one that the client is registered with; they are compared letter by letter")
	}
	return err
}

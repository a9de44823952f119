package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// Logouts are requests of clients to log a person out, who is asked first.
type Logouts interface {
	// WaitingLogout returns a request that waits and its client (zero: not known), or
	// flow.ErrAnswered.
	WaitingLogout(ctx context.Context, name string) (grant.Logout, client.Client, error)
	// Logout logs the browser out and returns where to, as registered; empty: nowhere.
	Logout(ctx context.Context, name, cookie string) (redirect string, err error)
}

// logoutView is the page that asks whether to log out, or says that it is done.
type logoutView struct {
	frame
	Action string
	Login  string // path
	Email  string // who is logged in; empty: nobody
}

// Logout asks whether to log out.
func (web *Web) Logout(w http.ResponseWriter, r *http.Request) error {
	return web.handle(w, r, web.askLogout(w, r, requestName(r)))
}

func (web *Web) askLogout(w http.ResponseWriter, r *http.Request, name string) error {
	about, l, err := web.waitingLogout(r, name)
	if err != nil {
		return err
	}
	v := logoutView{frame: web.frame(r, nil), Action: web.at(pathLogout), Login: web.at(pathLogin)}
	v.texts = textsOf(language(l.Locales, r.Header.Get("Accept-Language")))
	v.policy.alone = name == ""
	v.policy.targets = targetsOf(l.Redirect)
	v.Client, v.Name = about, name
	u, _, err := web.Flow.Who(r.Context(), web.Cookie(r))
	if err != nil && !errors.Is(err, flow.ErrNoLogin) {
		return err
	}
	v.Email = u.Email
	web.render(w, http.StatusOK, "logout", &v)
	return nil
}

// waitingLogout is the request of a name and its client as a person sees it. One that
// waits no longer is as good as none: they may leave all the same.
func (web *Web) waitingLogout(r *http.Request, name string) (*application, grant.Logout, error) {
	if name == "" {
		return nil, grant.Logout{}, nil
	}
	l, c, err := web.Flow.WaitingLogout(r.Context(), name)
	switch {
	case errors.Is(err, flow.ErrAnswered):
		return nil, grant.Logout{}, nil
	case err != nil:
		return nil, grant.Logout{}, err
	case c.ID == "":
		return nil, l, nil
	}
	return applicationOf(c, l.Redirect), l, nil
}

// LogoutPost logs out, or doesn't.
func (web *Web) LogoutPost(w http.ResponseWriter, r *http.Request) error {
	f, err := form(w, r)
	if err != nil {
		return web.handle(w, r, err)
	}
	switch f.Get("decision") {
	case "stay":
		web.goTo(w, pathAccount)
		return nil
	case "logout":
		return web.handle(w, r, web.logout(w, r, f.Get("request")))
	}
	return web.handle(w, r, httpx.BadRequest("decision is logout or stay"))
}

func (web *Web) logout(w http.ResponseWriter, r *http.Request, name string) error {
	redirect, err := web.Flow.Logout(r.Context(), name, web.Cookie(r))
	if err != nil {
		return err
	}
	web.Forget(w)
	if redirect != "" {
		see(w, redirect)
		return nil
	}
	web.goTo(w, pathLogout) // which says that nobody is logged in
	return nil
}

package web

import (
	"net/http"
	"net/url"

	"github.com/signet-oidc/signet/issuer/flow"
)

// registerView is the page that makes an account.
type registerView struct {
	frame
	Action  string
	Login   string // path
	Email   string
	Least   int // characters of a password
	Problem *problem
}

// Register shows the form for a new account, where registration is open.
func (web *Web) Register(w http.ResponseWriter, r *http.Request) error {
	if !web.Registration {
		return web.handle(w, r, flow.ErrClosed)
	}
	name := requestName(r)
	about, err := web.waiting(r.Context(), name)
	if err != nil {
		return web.handle(w, r, err)
	}
	v := web.registerPage(r, name, about)
	if about != nil {
		v.Email = about.Request.LoginHint
	}
	web.render(w, http.StatusOK, "register", v)
	return nil
}

func (web *Web) registerPage(r *http.Request, name string, about *waiting) *registerView {
	v := &registerView{frame: web.frame(r, about), Action: web.at(pathRegister), Login: web.at(pathLogin, "request", name), Least: web.PasswordMin}
	v.Name = name
	return v
}

// RegisterPost makes an account and logs the person in.
func (web *Web) RegisterPost(w http.ResponseWriter, r *http.Request) error {
	f, err := form(w, r)
	if err != nil {
		return web.handle(w, r, err)
	}
	entered, err := web.Flow.EnterNew(r.Context(), web.entering(r, f))
	if err != nil {
		return web.handle(w, r, web.againRegister(w, r, f, err))
	}
	return web.handle(w, r, web.entered(w, r, f, entered))
}

func (web *Web) againRegister(w http.ResponseWriter, r *http.Request, f url.Values, why error) error {
	about, err := web.waiting(r.Context(), f.Get("request"))
	if err != nil {
		return err
	}
	v := web.registerPage(r, f.Get("request"), about)
	v.Email = f.Get("email")
	if v.Problem = web.problemOf(w, r, v.texts, why); v.Problem == nil {
		return why
	}
	web.render(w, v.Problem.status, "register", v)
	return nil
}

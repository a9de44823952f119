package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// loginView is the page that asks who somebody is.
type loginView struct {
	frame
	Action   string
	Register string   // path; empty: closed
	Email    string   // filled in
	Known    string   // who is logged in, and may go on so; empty: nobody, or not
	Over     bool     // the request that was asked for waits no longer
	Problem  *problem // with what was sent; nil: none
}

// Login shows who is asked for; who is there already goes on.
func (web *Web) Login(w http.ResponseWriter, r *http.Request) error {
	return web.handle(w, r, web.login(w, r))
}

func (web *Web) login(w http.ResponseWriter, r *http.Request) error {
	name := requestName(r)
	about, err := web.waiting(r.Context(), name)
	if err != nil {
		return err
	}
	v := web.loginPage(r, name, about)
	if about == nil {
		return web.loginAlone(w, r, v)
	}
	if r.URL.Query().Has("other") { // they are somebody, and want to be somebody else
		v.Email = ""
		web.render(w, http.StatusOK, "login", v)
		return nil
	}
	step, err := web.Flow.Continue(r.Context(), name, web.Cookie(r))
	if err != nil {
		return err
	}
	if step.Page != flow.PageLogin && step.Page != flow.PageSelect {
		web.Step(w, r, step)
		return nil
	}
	if err := web.recognize(r, v, step.Page == flow.PageSelect); err != nil {
		return err
	}
	web.render(w, http.StatusOK, "login", v)
	return nil
}

// loginAlone is the page without a request that waits for it.
func (web *Web) loginAlone(w http.ResponseWriter, r *http.Request, v *loginView) error {
	_, _, err := web.Flow.Who(r.Context(), web.Cookie(r))
	switch {
	case errors.Is(err, flow.ErrNoLogin):
		web.render(w, http.StatusOK, "login", v)
		return nil
	case err != nil:
		return err
	case v.Over:
		return flow.ErrAnswered
	}
	web.goTo(w, pathAccount)
	return nil
}

func (web *Web) loginPage(r *http.Request, name string, about *waiting) *loginView {
	v := &loginView{frame: web.frame(r, about), Action: web.at(pathLogin), Over: name != "" && about == nil}
	v.Name = name
	if web.Registration {
		v.Register = web.at(pathRegister, "request", name)
	}
	if about != nil {
		v.Email = about.Request.LoginHint
	}
	return v
}

// recognize makes the page one for who is logged in already: they may go on as who they
// are where they have a choice, else they show again that they are it.
func (web *Web) recognize(r *http.Request, v *loginView, choice bool) error {
	u, _, err := web.Flow.Who(r.Context(), web.Cookie(r))
	switch {
	case errors.Is(err, flow.ErrNoLogin):
		return nil
	case err != nil:
		return err
	case !choice && v.Email == "":
		v.Email = u.Email
	case choice:
		v.Known = u.Email
		if account.NormalEmail(v.Email) == account.NormalEmail(u.Email) {
			v.Email = "" // the form is for another
		}
	}
	return nil
}

// LoginPost logs a person in, or goes on as who is logged in.
func (web *Web) LoginPost(w http.ResponseWriter, r *http.Request) error {
	f, err := form(w, r)
	if err != nil {
		return web.handle(w, r, err)
	}
	if f.Get("continue") != "" {
		step, err := web.Flow.Choose(r.Context(), f.Get("request"), web.Cookie(r))
		return web.handle(w, r, web.went(w, r, step, f.Get("request"), err))
	}
	return web.handle(w, r, web.enter(w, r, f))
}

// went goes where a step leads; who was logged out meanwhile logs in again.
func (web *Web) went(w http.ResponseWriter, r *http.Request, step flow.Step, name string, err error) error {
	if errors.Is(err, flow.ErrNoLogin) {
		web.goTo(w, pathLogin, "request", name)
		return nil
	}
	if err == nil {
		web.Step(w, r, step)
	}
	return err
}

func (web *Web) enter(w http.ResponseWriter, r *http.Request, f url.Values) error {
	entered, err := web.Flow.Enter(r.Context(), web.entering(r, f))
	if err != nil {
		return web.againLogin(w, r, f, err)
	}
	return web.entered(w, r, f, entered)
}

func (web *Web) entering(r *http.Request, f url.Values) flow.Entering {
	return flow.Entering{
		Email: f.Get("email"), Password: f.Get("password"), Device: only(r, httpx.DeviceCookie),
		Address: httpx.Address(r.Context()), Agent: r.UserAgent(), Cookie: web.Cookie(r), Pending: f.Get("request"),
	}
}

// entered goes on with the request that waits, as who has just logged in.
func (web *Web) entered(w http.ResponseWriter, r *http.Request, f url.Values, e flow.Entered) error {
	web.welcome(w, e)
	name := f.Get("request")
	if name == "" {
		web.goTo(w, pathAccount)
		return nil
	}
	step, err := web.Flow.Continue(r.Context(), name, e.Cookie)
	if err != nil {
		return err
	}
	web.Step(w, r, step)
	return nil
}

// againLogin shows the form again, with what was wrong. Whether it was the address or
// the password nobody is told.
func (web *Web) againLogin(w http.ResponseWriter, r *http.Request, f url.Values, why error) error {
	about, err := web.waiting(r.Context(), f.Get("request"))
	if err != nil {
		return err
	}
	v := web.loginPage(r, f.Get("request"), about)
	v.Email = f.Get("email")
	if v.Problem = web.problemOf(w, r, v.texts, why); v.Problem == nil {
		return why
	}
	web.render(w, v.Problem.status, "login", v)
	return nil
}

package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/id"
)

// accountView is a person's own page.
type accountView struct {
	frame
	flow.Overview
	Action  string // path of what can be done
	Logout  string // path
	Now     time.Time
	Least   int
	Done    string   // the text that says what was done; empty: nothing
	Problem *problem // of the password's form
}

// Account shows a person their account.
func (web *Web) Account(w http.ResponseWriter, r *http.Request) error {
	return web.handle(w, r, web.account(w, r, nil))
}

func (web *Web) account(w http.ResponseWriter, r *http.Request, why error) error {
	o, err := web.Flow.Overview(r.Context(), web.Cookie(r))
	if errors.Is(err, flow.ErrNoLogin) {
		web.goTo(w, pathLogin)
		return nil
	}
	if err != nil {
		return err
	}
	v := accountView{
		frame: web.frame(r, nil), Overview: o, Action: web.at(pathAccount), Logout: web.at(pathLogout), Now: web.Now(), Least: web.PasswordMin,
	}
	v.policy.alone = true
	status := http.StatusOK
	if why != nil {
		if v.Problem = web.problemOf(w, r, v.texts, why); v.Problem == nil {
			return why
		}
		v.Problem = v.aboutPassword(*v.Problem, why)
		status = v.Problem.status
	} else if done := "account.done." + r.URL.Query().Get("done"); v.has(done) {
		v.Done = v.T(done)
	}
	web.render(w, status, "account", &v)
	return nil
}

// Title names a client in a list of a person's.
func (v *accountView) Title(c client.Client) string {
	if c.ID == client.BuiltinID {
		return v.Brand.Name
	}
	return c.Title()
}

// At are resources as a person sees them.
func (v *accountView) At(resources []string) []place { return placesOf(resources) }

// Asks is what scopes mean.
func (v *accountView) Asks(scope []string) []asked { return v.asked(scope) }

// Others tells whether the person is logged in elsewhere.
func (v *accountView) Others() bool { return len(v.Devices) > 1 }

// change makes a handler of what a person does on their page.
func (web *Web) change(w http.ResponseWriter, r *http.Request, done string, do func(context.Context, string, url.Values) error) error {
	f, err := form(w, r)
	if err == nil {
		err = web.apply(w, r, f, done, do)
	}
	return web.handle(w, r, err)
}

// apply does it and leads back to the page. The form says which login it was made for,
// so that nothing is done to whoever came after.
func (web *Web) apply(w http.ResponseWriter, r *http.Request, f url.Values, done string, do func(context.Context, string, url.Values) error) error {
	cookie := web.Cookie(r)
	_, l, err := web.Flow.Who(r.Context(), cookie)
	if as := f.Get("as"); err == nil && as != "" && as != string(l.ID) {
		web.goTo(w, pathAccount)
		return nil
	}
	if err == nil {
		err = do(r.Context(), cookie, f)
	}
	switch {
	case errors.Is(err, flow.ErrNoLogin):
		web.goTo(w, pathLogin)
		return nil
	case err == nil:
		web.goTo(w, pathAccount, "done", done)
	}
	return err
}

// End ends one login, or one client's session, of the person's.
func (web *Web) End(w http.ResponseWriter, r *http.Request) error {
	return web.change(w, r, "end", func(ctx context.Context, cookie string, f url.Values) error {
		if s := f.Get("session"); s != "" {
			return web.Flow.EndShare(ctx, cookie, id.Session(s))
		}
		return web.Flow.EndDevice(ctx, cookie, id.Login(f.Get("device")))
	})
}

// EndOthers ends all other logins of the person's.
func (web *Web) EndOthers(w http.ResponseWriter, r *http.Request) error {
	return web.change(w, r, "others", func(ctx context.Context, cookie string, _ url.Values) error {
		return web.Flow.EndOthers(ctx, cookie)
	})
}

// Withdraw takes back what a client was allowed.
func (web *Web) Withdraw(w http.ResponseWriter, r *http.Request) error {
	return web.change(w, r, "withdraw", func(ctx context.Context, cookie string, f url.Values) error {
		return web.Flow.Withdraw(ctx, cookie, id.Client(f.Get("client")))
	})
}

package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// consentView is the page that asks whether a client may have something.
type consentView struct {
	frame
	Action string
	Email  string // who is asked
	User   string // their id, so that no other answers for them
	Other  string // path of the login as another
	Asked  []asked
	Places []place // where it may use that; none: where any client may
}

// asked is one thing that a client asks for: in words, or by its name where there are
// none.
type asked struct{ Text, Name string }

// Consent asks a person.
func (web *Web) Consent(w http.ResponseWriter, r *http.Request) error {
	return web.handle(w, r, web.consent(w, r, requestName(r)))
}

func (web *Web) consent(w http.ResponseWriter, r *http.Request, name string) error {
	about, err := web.waiting(r.Context(), name)
	switch {
	case err != nil:
		return err
	case about == nil:
		return flow.ErrAnswered
	}
	step, err := web.Flow.Continue(r.Context(), name, web.Cookie(r))
	if err != nil {
		return err
	}
	u, _, err := web.Flow.Who(r.Context(), web.Cookie(r))
	if step.Page != flow.PageConsent || errors.Is(err, flow.ErrNoLogin) {
		web.Step(w, r, step)
		return nil
	}
	if err != nil {
		return err
	}
	v := consentView{
		frame: web.frame(r, about), Action: web.at(pathConsent), Email: u.Email, User: string(u.ID),
		Other: web.at(pathLogin, "request", name, "other", "1"),
	}
	v.Name, v.Asked = name, v.asked(about.Request.Asks())
	v.Places = placesOf(web.Flow.Resources(about.Client, about.Request.Audience))
	web.render(w, http.StatusOK, "consent", &v)
	return nil
}

// asked says what scopes mean: those that are known in their order, then others.
func (t texts) asked(scopes []string) []asked {
	var all []asked
	for _, scope := range slices.Concat(grant.Scopes(), scopes) {
		if !slices.Contains(scopes, scope) {
			continue
		}
		one := asked{Name: scope}
		if t.has("scope." + scope) {
			one.Text = t.T("scope." + scope)
		}
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// place is a resource as a person sees it. The host of an https URL says whose it is, and
// stands alone; what else there is of it in a second line. Others are shown as they are.
type place struct{ Host, URI string }

func placesOf(resources []string) []place {
	var all []place
	for _, r := range resources {
		one := place{URI: r}
		if u, err := url.Parse(r); err == nil && u.Scheme == "https" && u.User == nil && isHost.MatchString(u.Host) {
			one.Host = u.Host
			if rest := u.EscapedPath(); u.RawQuery == "" && (rest == "" || rest == "/") {
				one.URI = ""
			}
		}
		all = append(all, one)
	}
	return all
}

// ConsentPost takes the answer.
func (web *Web) ConsentPost(w http.ResponseWriter, r *http.Request) error {
	f, err := form(w, r)
	if err != nil {
		return web.handle(w, r, err)
	}
	name, decision := f.Get("request"), f.Get("decision")
	if decision != "allow" && decision != "deny" {
		return web.handle(w, r, httpx.BadRequest("decision is allow or deny"))
	}
	if decision == "allow" && web.another(r, f.Get("user")) {
		web.goTo(w, pathConsent, "request", name) // ask them
		return nil
	}
	step, err := web.Flow.Decide(r.Context(), name, web.Cookie(r), decision == "allow")
	return web.handle(w, r, web.went(w, r, step, name, err))
}

// another tells whether somebody else is logged in by now than the page was shown to.
func (web *Web) another(r *http.Request, user string) bool {
	u, _, err := web.Flow.Who(r.Context(), web.Cookie(r))
	return err == nil && user != "" && user != string(u.ID)
}

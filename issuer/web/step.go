package web

import (
	"html/template"
	"net/http"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
)

// pathsOf are where the pages of a request stand.
var pathsOf = map[flow.Page]string{
	flow.PageLogin:   pathLogin,
	flow.PageSelect:  pathLogin, // asks for a choice in addition
	flow.PageConsent: pathConsent,
	flow.PageLogout:  pathLogout,
}

// Step leads a browser to the page that a request needs next, or takes an answer to
// the client.
func (web *Web) Step(w http.ResponseWriter, r *http.Request, s flow.Step) {
	if s.Answer != nil {
		web.answer(w, r, *s.Answer)
		return
	}
	web.goTo(w, pathsOf[s.Page], "request", s.Pending)
}

// answer sends an authorization response (RFC 6749 §4.1.2) to where the client is
// registered to have it.
func (web *Web) answer(w http.ResponseWriter, r *http.Request, a flow.Answer) {
	if a.Mode == grant.ModeFormPost {
		web.post(w, r, a)
		return
	}
	see(w, a.URL())
}

// postView is the page that posts an answer (OAuth 2.0 Form Post Response Mode §2).
type postView struct {
	frame
	Action     template.URL
	Parameters []flow.Parameter
	Script     template.JS // submits; who has no scripts uses the button
}

func (web *Web) post(w http.ResponseWriter, r *http.Request, a flow.Answer) {
	// The address is registered, and may have a scheme that the template doesn't know.
	v := postView{frame: web.frame(r, nil), Action: template.URL(a.Redirect), Parameters: a.Parameters, Script: submitScript}
	v.policy.targets = targetsOf(a.Redirect)
	v.policy.script = submitHash
	web.render(w, http.StatusOK, "post", &v)
}

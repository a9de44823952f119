package oauth

import (
	"net/http"
	"net/url"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// Pages shows a browser what comes next: web does.
type Pages interface {
	// Step shows a page, or takes an answer to the client.
	Step(w http.ResponseWriter, r *http.Request, s flow.Step)
	// Fail tells the person of an error that the client can't be told of.
	Fail(w http.ResponseWriter, r *http.Request, err error)
	// Cookie is the login cookie of the browser; empty: it has none.
	Cookie(r *http.Request) string
	// Forget removes it.
	Forget(w http.ResponseWriter)
}

// maxQuery bounds an authorization request, which has to fit into a URL; a longer one
// can be pushed (RFC 9126).
const maxQuery = 8 << 10

// Authorize is the authorization endpoint (RFC 6749 §3.1). What may be told to the
// client goes there by redirect; what may not (an unknown client, a redirect URI that
// isn't the client's) is a page.
func (o *OAuth) Authorize(w http.ResponseWriter, r *http.Request) error {
	step, err := o.authorize(r)
	if err != nil {
		o.Pages.Fail(w, r, err)
		return nil
	}
	o.Pages.Step(w, r, step)
	return nil
}

func (o *OAuth) authorize(r *http.Request) (flow.Step, error) {
	values, err := query(r.URL.RawQuery)
	if err != nil {
		return flow.Step{}, err
	}
	a, err := o.asked(r.Context(), values)
	if err != nil {
		return flow.Step{}, err
	}
	httpx.Note(r.Context(), "client", string(a.request.Client))
	if a.refused != nil {
		answer := o.Flow.Refuse(a.request, *a.refused)
		return flow.Step{Answer: &answer}, nil
	}
	return o.Flow.Authorize(r.Context(), a.request, o.Pages.Cookie(r), a.pushed, httpx.Address(r.Context()))
}

// AuthorizePost is the same by POST (OpenID Connect Core §3.1.2.1). A form that comes
// from the client's site brings no cookie (SameSite=Lax); the redirect to itself does.
func (o *OAuth) AuthorizePost(w http.ResponseWriter, r *http.Request) error {
	values, err := httpx.FormOf(w, r)
	if err == nil && len(values.Encode()) > maxQuery {
		err = tooLong
	}
	if err != nil {
		o.Pages.Fail(w, r, err)
		return nil
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, o.Issuer+PathAuthorize+"?"+values.Encode(), http.StatusSeeOther)
	return nil
}

var tooLong = httpx.BadRequest("the request is over 8 KiB; push it (RFC 9126)")

func query(raw string) (url.Values, error) {
	if len(raw) > maxQuery {
		return nil, tooLong
	}
	return httpx.Values(raw)
}

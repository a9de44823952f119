package flow

import (
	"net/url"
	"strings"

	"github.com/signet-oidc/signet/issuer/grant"
)

// Answer is an authorization response (RFC 6749 §4.1.2).
type Answer struct {
	Redirect   string // where to
	Mode       grant.Mode
	Parameters []Parameter
}

// Parameter is one of an answer.
type Parameter struct{ Name, Value string }

// Refusal is an authorization error (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6)
// that the client may be told by redirect.
type Refusal struct{ Code, Description string }

// Refuse is the answer to a request that is refused.
func (f *Flow) Refuse(r grant.Request, why Refusal) Answer {
	return f.answer(r, Parameter{"error", why.Code}, Parameter{"error_description", why.Description})
}

// answer ends with state (RFC 6749 §4.1.2) and iss (RFC 9207 §2), by which a client
// tells that it isn't mixed up with another server's.
func (f *Flow) answer(r grant.Request, p ...Parameter) Answer {
	if r.State != "" {
		p = append(p, Parameter{"state", r.State})
	}
	return Answer{Redirect: r.Redirect, Mode: r.Mode, Parameters: append(p, Parameter{"iss", f.Issuer})}
}

// URL is where a browser takes the answer, in the query or the fragment; form_post has a
// page instead.
func (a Answer) URL() string {
	if a.Mode == grant.ModeFragment {
		return a.Redirect + "#" + encode(a.Parameters)
	}
	return withQuery(a.Redirect, encode(a.Parameters))
}

// withQuery adds to the query that a redirect URI may have, which must be kept (RFC
// 6749 §3.1.2).
func withQuery(redirect, query string) string {
	switch {
	case !strings.Contains(redirect, "?"):
		return redirect + "?" + query
	case strings.HasSuffix(redirect, "?") || strings.HasSuffix(redirect, "&"):
		return redirect + query
	}
	return redirect + "&" + query
}

// encode is application/x-www-form-urlencoded, with %20 for a blank: both readers of
// forms and those of URIs (a script that looks at a fragment) understand that.
func encode(parameters []Parameter) string {
	var b strings.Builder
	for i, p := range parameters {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(p.Name) + "=" + escape(p.Value))
	}
	return b.String()
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

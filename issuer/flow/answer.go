package flow

import "github.com/signet-oidc/signet/issuer/grant"

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

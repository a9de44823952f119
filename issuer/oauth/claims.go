package oauth

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/verifier/jws"
)

// wish is what a client asks of one claim (OpenID Connect Core §5.5.1); null asks for
// no more than the claim.
type wish struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// readClaims reads the claims parameter (OpenID Connect Core §5.5). Claims that aren't
// known here, or whose scope the client isn't registered for, are passed over.
func readClaims(_ context.Context, p *parameters) *flow.Refusal {
	raw := p.v.Get("claims")
	if raw == "" {
		return nil
	}
	in := jws.NewReader(raw)
	in.Skip()
	var asked struct {
		UserInfo map[string]*wish `json:"userinfo"`
		IDToken  map[string]*wish `json:"id_token"`
	}
	if in.End() != nil || json.Unmarshal([]byte(raw), &asked) != nil {
		return invalid("claims is not as OpenID Connect Core §5.5 has it")
	}
	p.r.Claims.UserInfo = p.known(asked.UserInfo)
	p.r.Claims.IDToken = p.known(asked.IDToken)
	for _, member := range []map[string]*wish{asked.UserInfo, asked.IDToken} {
		if sub := member["sub"]; sub != nil && sub.Value != nil {
			var s string
			if json.Unmarshal(sub.Value, &s) != nil || p.r.Claims.Subject != "" && s != string(p.r.Claims.Subject) {
				return invalid("claims asks for two subjects")
			}
			p.r.Claims.Subject = id.User(s)
		}
	}
	return readACR(asked.IDToken["acr"])
}

// known are the claims that can be given, by name.
func (p *parameters) known(wishes map[string]*wish) []string {
	var names []string
	for name := range wishes {
		if s := grant.ScopeOf(name); s != "" && slices.Contains(p.client.Scopes, s) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// readACR refuses what can't be met (OpenID Connect Core §5.5.1.1; the code is of
// OpenID Connect Core Error Code unmet_authentication_requirements 1.0).
func readACR(asked *wish) *flow.Refusal {
	if asked == nil || !asked.Essential {
		return nil
	}
	values := asked.Values
	if asked.Value != nil {
		values = append(values, asked.Value)
	}
	for _, v := range values {
		var acr string
		if json.Unmarshal(v, &acr) == nil && acr == flow.ACR {
			return nil
		}
	}
	if len(values) == 0 {
		return nil
	}
	return refuse("unmet_authentication_requirements", "no such acr can be had here")
}

package oauth

import (
	"net/http"
	"strings"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// introspection is the answer of RFC 7662 §2.2. It has no username: what people are
// called changes hands, and a resource server that needs it has a scope for it (§5).
type introspection struct {
	Active    bool          `json:"active"`
	Scope     string        `json:"scope,omitempty"`
	Client    string        `json:"client_id,omitempty"`
	Type      string        `json:"token_type,omitempty"`
	Expires   int64         `json:"exp,omitempty"`
	Issued    int64         `json:"iat,omitempty"`
	NotBefore int64         `json:"nbf,omitempty"`
	Subject   string        `json:"sub,omitempty"`
	Audience  []string      `json:"aud,omitempty"`
	Issuer    string        `json:"iss,omitempty"`
	ID        string        `json:"jti,omitempty"`
	Roles     []string      `json:"roles,omitempty"`
	Session   string        `json:"sid,omitempty"`
	Confirm   *confirmation `json:"cnf,omitempty"` // RFC 9449 §6.2
}

// confirmation names the key that a token is bound to.
type confirmation struct {
	Thumbprint string `json:"jkt"`
}

// Introspect is the introspection endpoint, for confidential clients: their own
// tokens, and access tokens for an audience they are registered for (RFC 7662 §4).
// Anything else is {"active":false} and no more (§2.2).
func (o *OAuth) Introspect(w http.ResponseWriter, r *http.Request) error {
	c, raw, err := o.tokenOf(w, r)
	if err != nil {
		return err
	}
	if c.Public { // RFC 7662 §2.1: the caller must be authorized
		return o.refuse(r, c.ID)
	}
	info, err := o.Flow.Introspect(r.Context(), c, raw)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, o.describe(info))
	return nil
}

func (o *OAuth) describe(i *flow.Introspection) introspection {
	if i == nil {
		return introspection{}
	}
	d := introspection{
		Active: true, Scope: strings.Join(i.Scope, " "), Client: string(i.Client),
		Expires: i.Expires.Unix(), Subject: i.Subject, Audience: i.Audience, Issuer: o.Issuer,
		ID: i.ID, Roles: i.Roles, Session: string(i.Session),
	}
	if i.BoundKey != "" {
		d.Confirm = &confirmation{i.BoundKey}
	}
	if !i.Refresh { // RFC 6749 §7.1 has no type for a refresh token
		d.Type = tokenType(i.BoundKey != "")
		d.Issued, d.NotBefore = i.Issued.Unix(), i.Issued.Unix()
	}
	return d
}

package flow

import (
	"context"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
)

// Tokens is what a client gets (RFC 6749 §5.1).
type Tokens struct {
	Access         string
	AccessExpires  time.Time
	Refresh        string // empty: none
	RefreshExpires time.Time
	Bound          bool       // to a key: token_type is DPoP (RFC 9449 §5)
	ID             string     // ID token (OpenID Connect Core §3.1.3.3); empty: none
	Session        id.Session // empty: none
	Scope          []string
	Device         string // after a sign-in: by which the device will be known
	Now            time.Time
}

// ExpiresIn is the life of the access token (RFC 6749 §5.1), in seconds.
func (t Tokens) ExpiresIn() int64 { return seconds(t.Now, t.AccessExpires) }

// RefreshExpiresIn is the life of the refresh token, in seconds.
func (t Tokens) RefreshExpiresIn() int64 { return seconds(t.Now, t.RefreshExpires) }

// seconds is a life as RFC 6749 §5.1 writes it, rounded: the few milliseconds that
// the answer took are nobody's concern.
func seconds(from, to time.Time) int64 { return int64(to.Sub(from).Round(time.Second) / time.Second) }

// tokens mints an access token beside a session's refresh token. Scope and
// audience may be narrower than the session's; nil means as wide. The access token is
// bound to the key that this request proved, whatever the session is bound to.
func (f *Flow) tokens(g session.Grant, c client.Client, scope, audience []string, proof string) (Tokens, error) {
	now := f.now()
	if scope == nil {
		scope = g.Scope
	}
	if audience == nil {
		audience = g.Audience
	}
	expires := now.Add(f.AccessTTL)
	if expires.After(g.Expires) {
		expires = g.Expires
	}
	access, err := f.Minter.Access(f.algorithm(c), token.Access{
		Subject: string(g.Person.User), Client: g.Client, Audience: audience, Scope: scope, Roles: g.Person.Roles,
		Session: g.Session, BoundKey: proof, Issued: now, Expires: expires,
		Status: token.Status{URI: f.Issuer + token.StatusPath(g.Status/session.ListSize), Index: g.Status % session.ListSize},
	})
	return Tokens{
		Access: access, AccessExpires: expires, Refresh: g.Refresh, RefreshExpires: g.NotAfter,
		Bound: proof != "", Session: g.Session, Scope: scope, Now: now,
	}, err
}

func (f *Flow) algorithm(c client.Client) keys.Algorithm {
	if c.TokenAlg != "" {
		return keys.Algorithm(c.TokenAlg)
	}
	return f.Algorithm()
}

// binding is the key that a client's session is bound to: a public client's refresh
// tokens are good with the one key alone that was proved when the session was opened. A
// confidential one's are bound to the client by its authentication, and it may change
// keys (RFC 9449 §5).
func binding(c client.Client, proof string) string {
	if c.Public {
		return proof
	}
	return ""
}

// ClientCredentials gives a client a token of its own (RFC 6749 §4.4): no
// session, no refresh token; it is short-lived and can't be revoked.
func (f *Flow) ClientCredentials(_ context.Context, c client.Client, scope, resource []string, proof string) (Tokens, error) {
	granted, err := c.AllowsScope(scope)
	if err != nil {
		return Tokens{}, err
	}
	audience, err := c.AllowsAudience(resource, f.audienceOf(c))
	if err != nil {
		return Tokens{}, err
	}
	now := f.now()
	expires := now.Add(f.AccessTTL)
	access, err := f.Minter.Access(f.algorithm(c), token.Access{
		Subject: string(c.ID), Client: c.ID, Audience: audience, Scope: granted, Roles: c.Roles, BoundKey: proof, Issued: now, Expires: expires,
	})
	return Tokens{Access: access, AccessExpires: expires, Bound: proof != "", Scope: granted, Now: now}, err
}

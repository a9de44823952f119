package flow

import (
	"context"
	"errors"
	"slices"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
)

// agreed tells whether a person has allowed a client all that a request asks for, at all
// the resources that it is for, and hasn't taken it back.
func (f *Flow) agreed(ctx context.Context, c client.Client, user id.User, r grant.Request) (bool, error) {
	given, err := f.Consents.Find(ctx, user, c.ID)
	if errors.Is(err, grant.ErrNotFound) {
		return false, nil
	}
	return err == nil && given.At(f.firstAudience(c)).Covers(r.Asks(), r.Audience), err
}

// consent remembers what a person agrees to, beside what they have agreed to before.
func (f *Flow) consent(ctx context.Context, c client.Client, b Browser, r grant.Request) error {
	given, err := f.Consents.Find(ctx, b.Login.User, c.ID)
	if err != nil && !errors.Is(err, grant.ErrNotFound) {
		return err
	}
	given = given.At(f.firstAudience(c)).With(r.Asks(), r.Audience)
	given.User, given.Client, given.Given = b.Login.User, c.ID, f.now()
	e := audit.New(ctx, audit.ConsentGiven, f.now())
	e.Actor, e.User, e.Client = string(b.Login.User), b.Login.User, c.ID
	return f.Consents.Give(ctx, given, e)
}

// firstAudience is the audience of a client that names no resource.
func (f *Flow) firstAudience(c client.Client) string {
	if len(c.Audiences) > 0 {
		return c.Audiences[0]
	}
	return f.audienceOf(c)
}

// Resources are those of an audience that a person should know of: all, or none where it
// is no other than what any client gets here.
func (f *Flow) Resources(c client.Client, audience []string) []string {
	if len(audience) == 1 && audience[0] == f.audienceOf(c) {
		return nil
	}
	return audience
}

// current is a request as far as its client may still have it. It was checked when it
// came, and may have waited for an hour: an operator, or the client itself (RFC 7592),
// may have changed the client since. As then, scopes that the client is not registered
// for are left out (RFC 6749 §3.3, OpenID Connect Core §3.1.2.1), and what can't be had
// at all is told to the client (RFC 6749 §4.1.2.1, RFC 8707 §2). That the redirect URI is
// still the client's is clientOf's to check.
func (f *Flow) current(c client.Client, r grant.Request) (grant.Request, *Refusal) {
	r.Scope = only(r.Scope, func(s string) bool { return mayHave(c, s) })
	r.Claims.UserInfo = only(r.Claims.UserInfo, func(name string) bool { return mayHave(c, grant.ScopeOf(name)) })
	r.Claims.IDToken = only(r.Claims.IDToken, func(name string) bool { return mayHave(c, grant.ScopeOf(name)) })
	_, err := f.Target(c, r.Audience)
	switch {
	case !c.AllowsGrant(client.GrantAuthorizationCode):
		return r, &Refusal{"unauthorized_client", "the client is no longer registered for the authorization code"}
	case c.Public && r.Challenge == "":
		return r, &Refusal{"invalid_request", "the client is a public one now: code_challenge is required"}
	case len(r.Scope) == 0:
		return r, &Refusal{"invalid_scope", "the client is no longer registered for any of these scopes"}
	case err != nil:
		return r, &Refusal{"invalid_target", "this resource is no longer to be had"}
	}
	return r, nil
}

// mayHave tells whether a client is registered for a scope; for offline_access that is
// also to refresh (OpenID Connect Core §11).
func mayHave(c client.Client, scope string) bool {
	return slices.Contains(c.Scopes, scope) && (scope != grant.ScopeOffline || c.AllowsGrant(client.GrantRefreshToken))
}

// only are the items that are kept: the list itself where all are.
func only(items []string, keep func(string) bool) []string {
	drop := func(s string) bool { return !keep(s) }
	if !slices.ContainsFunc(items, drop) {
		return items
	}
	return slices.DeleteFunc(slices.Clone(items), drop)
}

// narrower tells whether r is what current has left of asked, and less.
func narrower(r, asked grant.Request) bool {
	return len(r.Scope) < len(asked.Scope) || len(r.Claims.UserInfo) < len(asked.Claims.UserInfo) || len(r.Claims.IDToken) < len(asked.Claims.IDToken)
}

package grant

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// Consent is what a person has allowed a client, until they take it back.
type Consent struct {
	User    id.User   `json:"user"`
	Client  id.Client `json:"client"`
	Allowed []Allowed `json:"allowed"` // all that ever was
	Given   time.Time `json:"given"`   // last
}

// Allowed is what a person has allowed a client at one resource server. Scopes are
// allowed at an audience and not beside it: who may read at one may not for that read
// at another (RFC 8707 §3: tokens for one must be of no use at the others).
type Allowed struct {
	// Audience is the resource (RFC 8707 §2). It is empty in a consent from before
	// audiences were kept; see At.
	Audience string   `json:"audience"`
	Scope    []string `json:"scope"`
}

// At returns the consent with an audience in the place of the one that wasn't kept: the
// one that the client gets when it names none. The page said of no other, and few clients
// ever named any, so nearly nobody is asked again; who consented while another was asked
// for, is. The result is the caller's.
func (c Consent) At(byDefault string) Consent {
	old := c.Allowed
	c.Allowed = nil
	for _, a := range old {
		c.allow(a.Scope, cmp.Or(a.Audience, byDefault))
	}
	return c
}

// Covers tells whether all scopes are allowed at each of the audiences.
func (c Consent) Covers(scope, audience []string) bool {
	for _, one := range audience {
		i := slices.IndexFunc(c.Allowed, func(a Allowed) bool { return a.Audience == one })
		if i < 0 || slices.ContainsFunc(scope, func(s string) bool { return !slices.Contains(c.Allowed[i].Scope, s) }) {
			return false
		}
	}
	return len(audience) > 0
}

// With returns the consent with scopes allowed at audiences in addition; c stays as it
// is.
func (c Consent) With(scope, audience []string) Consent {
	c = c.At("")
	for _, a := range audience {
		c.allow(scope, a)
	}
	return c
}

// allow adds scopes at an audience; both are kept sorted, each once.
func (c *Consent) allow(scope []string, audience string) {
	i, there := slices.BinarySearchFunc(c.Allowed, audience, func(a Allowed, b string) int { return cmp.Compare(a.Audience, b) })
	if !there {
		c.Allowed = slices.Insert(c.Allowed, i, Allowed{Audience: audience})
	}
	all := slices.Concat([]string{}, c.Allowed[i].Scope, scope)
	slices.Sort(all)
	c.Allowed[i].Scope = slices.Compact(all)
}

// Scope is all that is allowed anywhere, sorted.
func (c Consent) Scope() []string {
	all := []string{}
	for _, a := range c.Allowed {
		all = append(all, a.Scope...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Consents keeps them. It is SQL's. A user's and a client's go with them.
type Consents interface {
	// Find returns a consent, or ErrNotFound.
	Find(ctx context.Context, user id.User, client id.Client) (Consent, error)
	// Give writes c in the place of what there was, with its event.
	Give(ctx context.Context, c Consent, e audit.Event) error
	// Withdraw removes a consent with its event, or says ErrNotFound. The user's version
	// becomes one more, so that whoever relies on what they read of the user before has to
	// look again: a code that was given for the consent. The caller ends the client's
	// sessions of the user.
	Withdraw(ctx context.Context, user id.User, client id.Client, e audit.Event) error
	// Of lists a user's consents, by client.
	Of(ctx context.Context, user id.User) ([]Consent, error)
}

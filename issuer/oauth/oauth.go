package oauth

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/keys"
)

// Flow is what the endpoints ask for.
type Flow interface {
	SignIn(ctx context.Context, in flow.SignIn) (flow.Tokens, error)
	Refresh(ctx context.Context, in flow.Refresh) (flow.Tokens, error)
	ClientCredentials(ctx context.Context, c client.Client, scope, resource []string, proof string) (flow.Tokens, error)
	Revoke(ctx context.Context, c client.Client, raw string) error
	Introspect(ctx context.Context, c client.Client, raw string) (*flow.Introspection, error)
	ExchangeCode(ctx context.Context, in flow.Exchange) (flow.Tokens, error)
	UserInfo(ctx context.Context, in flow.Presented) (map[string]any, client.Client, error)
	SignUserInfo(c client.Client, claims map[string]any) (string, error)
	Assertion(ctx context.Context, raw string, named id.Client) (client.Client, error)
	Given
	Authorizer
	Leaver
}

// Given tells of what a request presents whether it was given here, without using it up:
// nil, or the error that using it would give.
type Given interface {
	GivenCode(ctx context.Context, code string) error
	GivenRefresh(token string) error
	GivenAccess(ctx context.Context, access string) error
}

// Authorizer is what the authorization endpoint asks for.
type Authorizer interface {
	Authorize(ctx context.Context, r grant.Request, cookie, pushed string, from netip.Addr) (flow.Step, error)
	Refuse(r grant.Request, why flow.Refusal) flow.Answer
	// Target is what a client gets of the resources that it asks for.
	Target(c client.Client, resource []string) ([]string, error)
	// Hint reads an ID token that was given here, or says flow.ErrHint.
	Hint(ctx context.Context, raw string) (flow.Hint, error)
}

// Clients finds clients, or says client.ErrNotFound.
type Clients interface {
	Get(ctx context.Context, client id.Client) (client.Client, error)
}

// Throttle counts failed authentications of clients, and what anybody can have kept.
type Throttle interface {
	Wait(ctx context.Context, from netip.Addr, now time.Time) error
	ClientFailed(ctx context.Context, from netip.Addr, client id.Client, now time.Time) error
}

// Lists signs status lists.
type Lists interface {
	// List returns a list's token, or flow.ErrNoList.
	List(number int64) (flow.SignedList, error)
}

// Config is what the face is made of; all of it is required.
type Config struct {
	Issuer    string
	Flow      Flow
	Clients   Clients
	Throttle  Throttle
	Lists     Lists
	Pages     Pages
	Proofs    *Proofs
	Waiting   Waiting
	Ring      func() *keys.Ring
	Registrar Registrar
	Now       func() time.Time

	RequirePKCE bool     // of confidential clients as well (RFC 7636)
	Locales     []string // of the pages, for discovery
}

// OAuth has a handler for each endpoint.
type OAuth struct {
	Config
	grants   map[string]grantType
	metadata atomic.Pointer[document]
}

// New returns the face.
func New(c Config) *OAuth {
	o := &OAuth{Config: c, grants: map[string]grantType{}}
	for _, g := range grants(c.Flow) {
		o.grants[g.name()] = g
	}
	return o
}

// Grants are the names of the grants that the token endpoint has, in order of
// registration: what a client may be registered for.
func Grants() []string {
	var names []string
	for _, g := range grants(nil) {
		names = append(names, g.name())
	}
	return names
}

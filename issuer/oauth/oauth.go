package oauth

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/keys"
)

// Flow is what the endpoints ask for.
type Flow interface {
	SignIn(ctx context.Context, in flow.SignIn) (flow.Tokens, error)
	Refresh(ctx context.Context, in flow.Refresh) (flow.Tokens, error)
	ClientCredentials(ctx context.Context, c client.Client, scope, resource []string) (flow.Tokens, error)
	Revoke(ctx context.Context, c client.Client, raw string) error
	Introspect(ctx context.Context, c client.Client, raw string) (*flow.Introspection, error)
}

// Clients finds clients, or says client.ErrNotFound.
type Clients interface {
	Get(ctx context.Context, client id.Client) (client.Client, error)
}

// Throttle counts failed authentications of clients.
type Throttle interface {
	ClientFailed(ctx context.Context, from netip.Addr, client id.Client, now time.Time) error
}

// Lists signs status lists.
type Lists interface {
	// List returns a list's token, or flow.ErrNoList.
	List(number int64) (flow.SignedList, error)
}

// Config is what the face is made of; all of it is required.
type Config struct {
	Issuer   string
	Flow     Flow
	Clients  Clients
	Throttle Throttle
	Lists    Lists
	Ring     func() *keys.Ring
	Now      func() time.Time
}

// OAuth has a handler for each endpoint.
type OAuth struct {
	Config
	grants   map[string]grant
	metadata atomic.Pointer[document]
}

// New returns the face.
func New(c Config) *OAuth {
	o := &OAuth{Config: c, grants: map[string]grant{}}
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

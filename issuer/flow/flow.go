package flow

import (
	"context"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

// Errors that are flow's own; the nouns' come through as they are.
var (
	// ErrTarget means that an audience isn't to be had by this client or user
	// (RFC 8707 §2: invalid_target).
	ErrTarget = errors.New("the audience is not to be had")
	// ErrToken means that an access token isn't one of ours, or not live.
	ErrToken = errors.New("not a live access token of this issuer")
	// ErrForbidden means that who they are is known and isn't enough.
	ErrForbidden = errors.New("the role admin is needed")
	// ErrUnsupportedToken means that a token of this kind can't be revoked (RFC
	// 7009 §2.2.1).
	ErrUnsupportedToken = errors.New("a token without a session can't be revoked")
	// ErrClosed means that registration is turned off.
	ErrClosed = errors.New("registration is closed")
)

// AdminRole is the role that the admin face asks for.
const AdminRole = "admin"

// Origin tells whether an access token is one of ours, of any audience, expired
// or not; *verifier.Verifier does.
type Origin interface {
	UnsafeVerifyOriginOnly(ctx context.Context, raw string) (*verifier.Token, error)
}

// Config is what a Flow is made of; all of it is required.
type Config struct {
	Accounts *account.Service
	Users    account.Store
	Clients  *client.Registry
	Limits   *limit.Limiter
	Devices  limit.Devices
	Sessions *session.Sessions
	Grants   grant.Waiting // what waits between two requests
	Consents grant.Consents
	Minter   *token.Minter
	Audit    audit.Log
	Tokens   Origin
	// ClientKeys are those that clients sign their assertions with.
	ClientKeys ClientKeys
	HintKeys   HintKeys

	Issuer        string
	Audiences     []string              // that first-party logins may have; the first is the default
	AdminAudience string                // what the admin face takes
	Algorithm     func() keys.Algorithm // signs where the client has no other
	AccessTTL     time.Duration
	Registration  bool // open
	Now           func() time.Time
}

// Flow does what people and clients ask for. It is safe for concurrent use.
type Flow struct{ Config }

// New returns a Flow.
func New(c Config) *Flow { return &Flow{c} }

// now is in whole milliseconds, as engines keep it.
func (f *Flow) now() time.Time { return f.Now().UTC().Truncate(time.Millisecond) }

package flow

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// SignIn is a person's address and password, given to a client.
type SignIn struct {
	Email    string
	Password string
	Client   client.Client
	Audience []string // asked; empty: the client's first, else the first of all
	Scope    []string // asked; empty: what the client has
	Proof    string   // thumbprint of the DPoP key of the request; empty: none
	Device   string   // the device's token, if it has one
	Address  netip.Addr
	Agent    string // the User-Agent header of the person's device
}

// SignIn checks a password and opens a session. In this order: throttle by
// address and account (before any bcrypt, alike for unknown users), what the
// client may ask for, the password in the pool, what the person may ask for, the
// session with its event.
func (f *Flow) SignIn(ctx context.Context, in SignIn) (Tokens, error) {
	device := f.Devices.Known(in.Email, in.Device)
	if err := f.Limits.Login(ctx, in.Address, in.Email, device, f.now()); err != nil {
		return Tokens{}, err
	}
	scope, err := in.Client.AllowsScope(in.Scope)
	if err != nil {
		return Tokens{}, err
	}
	audience, err := f.personTarget(in)
	if err != nil {
		return Tokens{}, err
	}
	t, err := f.enter(ctx, in, scope, audience)
	if errors.Is(err, session.ErrChanged) || errors.Is(err, session.ErrNotFound) {
		t, err = f.enter(ctx, in, scope, audience) // what was proved may hold no longer
	}
	return t, err
}

// enter checks the password and opens the session. A user whom another changes in
// between is session.ErrChanged, or session.ErrNotFound where deleted.
func (f *Flow) enter(ctx context.Context, in SignIn, scope, audience []string) (Tokens, error) {
	user, err := f.authenticate(ctx, in)
	if err != nil {
		return Tokens{}, err
	}
	if slices.Contains(audience, f.AdminAudience) && !slices.Contains(user.Roles, AdminRole) {
		return Tokens{}, ErrTarget
	}
	return f.open(ctx, in, user, scope, audience)
}

func (f *Flow) open(ctx context.Context, in SignIn, user account.User, scope, audience []string) (Tokens, error) {
	e := audit.New(ctx, audit.LoginSucceeded, f.now())
	e.Actor = string(user.ID)
	g, err := f.Sessions.Open(ctx, session.Opening{
		Person: PersonOf(user), Client: in.Client.ID, Scope: scope, Audience: audience, BoundKey: binding(in.Client, in.Proof), AMR: []string{"pwd"},
		Agent: in.Agent, Notify: in.Client.BackchannelLogoutURI != "",
	}, e)
	if err != nil {
		return Tokens{}, err
	}
	t, err := f.tokens(g, in.Client, nil, nil, in.Proof)
	if err != nil {
		return Tokens{}, err
	}
	t.Device, err = f.device(in)
	return t, err
}

// device is the token by which this device will be known: the one it has, or a new
// one.
func (f *Flow) device(in SignIn) (string, error) {
	if f.Devices.Known(in.Email, in.Device) != "" {
		return in.Device, nil
	}
	return f.Devices.Give(in.Email)
}

// authenticate checks the password and records a failure. The event doesn't have
// an address that nobody has: people type passwords into the wrong field.
func (f *Flow) authenticate(ctx context.Context, in SignIn) (account.User, error) {
	user, err := f.Accounts.Authenticate(ctx, in.Email, in.Password)
	failed, ok := errors.AsType[*account.CredentialsError](err)
	if !ok {
		return user, err
	}
	return user, errors.Join(err, f.failed(ctx, failed.User, in.Client.ID, "", failed.Reason))
}

// failed records that somebody gave a wrong password.
func (f *Flow) failed(ctx context.Context, user id.User, c id.Client, s id.Session, reason string) error {
	e := audit.New(ctx, audit.LoginFailed, f.now())
	e.User, e.Client, e.Session, e.Reason = user, c, s, reason
	return f.Audit.Append(ctx, e)
}

// personTarget is the audience of a person's session at a client, as far as it
// can be told before the person is known. The admin face's is had by POST /login
// and by nothing else.
func (f *Flow) personTarget(in SignIn) ([]string, error) {
	if in.Client.ID == client.BuiltinID && len(in.Audience) == 1 && in.Audience[0] == f.AdminAudience {
		return in.Audience, nil
	}
	return f.Target(in.Client, in.Audience)
}

// Target is the audience of a person's session at a client that asks for resources
// (RFC 8707 §2), or client.ErrAudience or ErrTarget.
func (f *Flow) Target(c client.Client, resource []string) ([]string, error) {
	audience, err := c.AllowsAudience(resource, f.audienceOf(c))
	// What was granted, and not only what was asked for: it may be the client's first.
	if slices.Contains(audience, f.AdminAudience) {
		return nil, ErrTarget
	}
	return audience, err
}

// audienceOf is the audience of a client that no operator gave any. One that registered
// itself has this issuer's own alone, which is for userinfo: an access token has the
// person's roles in it, and who may show those to the operator's APIs isn't for anybody
// to say of themselves.
func (f *Flow) audienceOf(c client.Client) string {
	if c.Registration != nil {
		return f.Issuer
	}
	return f.Audiences[0]
}

package flow

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/session"
)

// ErrNoLogin means that nobody is logged in in this browser (any more).
var ErrNoLogin = errors.New("nobody is logged in here")

// Browser is who is logged in in a browser.
type Browser struct {
	Login  session.Login
	Person session.Person
}

// Browser returns who is logged in by a login cookie, or ErrNoLogin.
func (f *Flow) Browser(ctx context.Context, cookie string) (Browser, error) {
	l, p, err := f.Sessions.Browser(ctx, cookie)
	if errors.Is(err, session.ErrNotFound) {
		err = errors.Join(ErrNoLogin, err)
	}
	return Browser{l, p}, err
}

// Entering is a person's address and password, given on a page.
type Entering struct {
	Email    string
	Password string
	Device   string // the device's token, if it has one
	Address  netip.Addr
	Agent    string // the User-Agent header
	Cookie   string // the login cookie that the browser has, if any
	Pending  string // the authorization request that waits for this, if any
}

// Entered is what a browser gets for it.
type Entered struct {
	Cookie  string
	Expires time.Time
	Device  string
}

// Enter logs a person in in a browser. Whoever was logged in before leaves, unless it
// is the same person, whose sessions go on.
func (f *Flow) Enter(ctx context.Context, in Entering) (Entered, error) {
	device := f.Devices.Known(in.Email, in.Device)
	if err := f.Limits.Login(ctx, in.Address, in.Email, device, f.now()); err != nil {
		return Entered{}, err
	}
	e, err := f.enterBrowser(ctx, in)
	if errors.Is(err, session.ErrChanged) || errors.Is(err, session.ErrNotFound) {
		e, err = f.enterBrowser(ctx, in) // what was proved may hold no longer
	}
	return e, err
}

// EnterNew makes an account, open registration given, and logs the person in.
func (f *Flow) EnterNew(ctx context.Context, in Entering) (Entered, error) {
	if _, err := f.Register(ctx, in.Email, in.Password, in.Address); err != nil {
		return Entered{}, err
	}
	return f.Enter(ctx, in)
}

func (f *Flow) enterBrowser(ctx context.Context, in Entering) (Entered, error) {
	by := SignIn{Email: in.Email, Password: in.Password, Device: in.Device, Client: client.Client{ID: client.BuiltinID}}
	user, err := f.authenticate(ctx, by)
	if err != nil {
		return Entered{}, err
	}
	l, cookie, err := f.begin(ctx, in, user)
	if err != nil {
		return Entered{}, err
	}
	if err := f.proved(ctx, in.Pending, l.ID); err != nil {
		return Entered{}, err
	}
	by.Device, err = f.device(by)
	return Entered{Cookie: cookie, Expires: l.Expires, Device: by.Device}, err
}

// begin begins a login in a browser, or renews the one that the same person has there.
func (f *Flow) begin(ctx context.Context, in Entering, user account.User) (session.Login, string, error) {
	e := audit.New(ctx, audit.LoginSucceeded, f.now())
	e.Actor, e.User = string(user.ID), user.ID
	old, err := f.Browser(ctx, in.Cookie)
	switch {
	case errors.Is(err, ErrNoLogin):
		return f.Sessions.Enter(ctx, PersonOf(user), passwordAMR(), in.Agent, e)
	case err != nil:
		return session.Login{}, "", err
	case old.Login.User == user.ID:
		return f.Sessions.Reenter(ctx, old.Login, PersonOf(user), passwordAMR(), in.Agent, e)
	}
	l, text, err := f.Sessions.Enter(ctx, PersonOf(user), passwordAMR(), in.Agent, e)
	if err == nil { // one browser, one person: nobody could end the other's login here
		err = f.end(ctx, session.Which{Login: old.Login.ID}, old.Login.User, "another_login")
	}
	return l, text, err
}

// passwordAMR is how a person proves who they are here (RFC 8176 §2).
func passwordAMR() []string { return []string{"pwd"} }

// Leave ends the login of a browser and with it all its sessions. That nobody is
// logged in is no error.
func (f *Flow) Leave(ctx context.Context, cookie string) error {
	b, err := f.Browser(ctx, cookie)
	if errors.Is(err, ErrNoLogin) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.end(ctx, session.Which{Login: b.Login.ID}, b.Login.User, "logout")
}

package flow

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// What can be wrong with a request to log out, beside ErrHint. None of it may be told by
// redirect.
var (
	ErrLogoutClient   = errors.New("the client of the logout isn't known, or the ID token is another's")
	ErrLogoutRedirect = errors.New("the redirect after logout isn't one of the client's")
)

// PageLogout asks a person whether to log out, for a request that waits; without one it
// says that nobody is logged in.
const PageLogout Page = "logout"

// LogoutRequest is what a client asks by sending a browser here (OpenID Connect
// RP-Initiated Logout 1.0 §2).
type LogoutRequest struct {
	Hint     string // id_token_hint, as it came
	Client   id.Client
	Redirect string // post_logout_redirect_uri
	State    string
	Locales  []string
}

// CheckLogout holds a request to the rules. A redirect needs a client that is known, by
// the hint or by its name, and is one that it has registered, to the letter (§3).
func (f *Flow) CheckLogout(ctx context.Context, in LogoutRequest) (grant.Logout, error) {
	l := grant.Logout{Client: in.Client, Redirect: in.Redirect, State: in.State, Locales: in.Locales}
	if in.Hint != "" {
		h, err := f.Hint(ctx, in.Hint)
		if err != nil {
			return l, err
		}
		if in.Client != "" && in.Client != h.Client { // §2: the OP MUST verify that they match
			return l, ErrLogoutClient
		}
		l.Client, l.Subject, l.Session = h.Client, h.Subject, h.Session
	}
	if l.Client == "" {
		if l.Redirect != "" {
			return l, ErrLogoutRedirect
		}
		return l, nil
	}
	c, err := f.Clients.Get(ctx, l.Client)
	switch {
	case errors.Is(err, client.ErrNotFound):
		return l, errors.Join(ErrLogoutClient, err)
	case err != nil:
		return l, err
	case l.Redirect != "" && !c.AllowsPostLogoutRedirect(l.Redirect):
		return l, ErrLogoutRedirect
	}
	return l, nil
}

// Leaving is what a browser does next: it shows the page that asks whether to log out,
// or has been logged out and goes on.
type Leaving struct {
	Pending  string // names the request that waits for the page; empty: they are logged out
	Redirect string // where to, with state; empty: the page that says so
}

// BeginLogout answers a request that was checked, in a browser whose login cookie may be
// empty.
//
// Two things end, by two rules. The login of this browser, with all its sessions, ends at
// once where the hint is of the person who is logged in (whichever login it came from);
// else they are asked, as §2 demands. The client's own session, which the hint names by
// sid, ends in any case: that the person has left the client is the client's to say, it
// could have the same by revoking its refresh token, and where the cookie is gone nobody
// is left to be asked. ID tokens do leak (they stand in URLs, this endpoint's among them),
// so an ID token alone ends no more than that: whoever has one can make one person come
// by here again, without a password.
func (f *Flow) BeginLogout(ctx context.Context, l grant.Logout, cookie string, from netip.Addr) (Leaving, error) {
	return f.leave(ctx, l, cookie, func() (string, error) { return f.KeepLogout(ctx, l, from) })
}

// leave is BeginLogout; keep names the request where a page has to ask.
func (f *Flow) leave(ctx context.Context, l grant.Logout, cookie string, keep func() (string, error)) (Leaving, error) {
	b, err := f.Browser(ctx, cookie)
	if err != nil && !errors.Is(err, ErrNoLogin) {
		return Leaving{}, err
	}
	if err := f.endHinted(ctx, l, b.Login.ID); err != nil {
		return Leaving{}, err
	}
	switch {
	case b.Login.ID == "": // no error (§2): to log out is idempotent
		return Leaving{Redirect: afterwards(l)}, nil
	case l.Subject != b.Login.User:
		name, err := keep()
		return Leaving{Pending: name}, err
	}
	return Leaving{Redirect: afterwards(l)}, f.end(ctx, session.Which{Login: b.Login.ID}, b.Login.User, "logout")
}

// endHinted ends the session that a hint names, unless it goes with a login that is
// about to end. One with offline_access is to outlive logins (OpenID Connect Core §11,
// Back-Channel Logout §2.7).
func (f *Flow) endHinted(ctx context.Context, l grant.Logout, here id.Login) error {
	if l.Session == "" {
		return nil
	}
	s, _, err := f.Sessions.Ledger.Find(ctx, l.Session)
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	offline := slices.Contains(s.Scope, grant.ScopeOffline)
	if offline || s.Login == here || s.Client != l.Client || s.User != l.Subject {
		return nil
	}
	e := audit.New(ctx, audit.SessionEnded, f.now())
	e.Actor, e.User, e.Client, e.Session, e.Reason = string(l.Client), s.User, s.Client, s.ID, "client_logout"
	return f.Sessions.End(ctx, session.Which{ID: s.ID}, e)
}

// KeepLogout keeps a request that was checked, for a page or for ResumeLogout, and
// returns its name. Anybody can make one, so they are counted.
func (f *Flow) KeepLogout(ctx context.Context, l grant.Logout, from netip.Addr) (string, error) {
	if err := f.Limits.Wait(ctx, from, f.now()); err != nil {
		return "", err
	}
	return f.Grants.BeginLogout(ctx, l, f.now())
}

// ResumeLogout is BeginLogout with a request that was kept; one that is no longer is
// ErrAnswered.
func (f *Flow) ResumeLogout(ctx context.Context, name, cookie string) (Leaving, error) {
	l, err := f.Grants.Logout(ctx, name, f.now())
	if err != nil {
		return Leaving{}, answered(err)
	}
	return f.leave(ctx, l, cookie, func() (string, error) { return name, nil })
}

// WaitingLogout returns a request to log out that waits for a person, and its client
// (zero: not known), or ErrAnswered.
func (f *Flow) WaitingLogout(ctx context.Context, name string) (grant.Logout, client.Client, error) {
	l, err := f.Grants.Logout(ctx, name, f.now())
	if err != nil || l.Client == "" {
		return l, client.Client{}, answered(err)
	}
	c, err := f.Clients.Get(ctx, l.Client)
	if errors.Is(err, client.ErrNotFound) { // deleted meanwhile
		return l, client.Client{}, nil
	}
	return l, c, err
}

// Logout logs a browser out for a request that waits, whose person has said yes, and
// returns where to, with state; empty: nowhere. Where the request waits no longer they
// are logged out all the same. A second time, from another tab, is no error.
func (f *Flow) Logout(ctx context.Context, name, cookie string) (redirect string, err error) {
	l, err := f.Grants.Logout(ctx, name, f.now())
	if err != nil && !errors.Is(err, grant.ErrNotFound) {
		return "", err
	}
	return afterwards(l), f.Leave(ctx, cookie)
}

// afterwards is where a browser goes: what is registered, as it stands, and state (§3).
func afterwards(l grant.Logout) string {
	if l.Redirect == "" || l.State == "" {
		return l.Redirect
	}
	return withQuery(l.Redirect, encode([]Parameter{{"state", l.State}}))
}

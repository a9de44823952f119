package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// Overview is what a person sees of their own account.
type Overview struct {
	User    account.User
	Login   session.Login // of the browser that asks
	Devices []Device      // this one first, then the latest login first
	Allowed []Allowed     // by the client's name
}

// Device is one login of a person: a browser, an app that took the password itself, or
// one for offline access.
type Device struct {
	Login   id.Login
	This    bool // the browser that asks
	Since   time.Time
	Agent   string  // the User-Agent header that it came with; empty: not known
	Offline bool    // a client's, which outlives the browser that it came from; it has one share
	Shares  []Share // the latest first
}

// Share is one client's session.
type Share struct {
	Session id.Session
	Client  client.Client
	Since   time.Time
	Seen    time.Time // when the client last came for tokens; zero: not known
}

// Allowed is what a person has allowed a client for good.
type Allowed struct {
	Client client.Client
	Places []Place
	Given  time.Time
}

// Place is what a client may have at some resources; none are those of Resources.
type Place struct {
	Resources []string
	Scope     []string
}

// Who is the user who is logged in in a browser, or ErrNoLogin.
func (f *Flow) Who(ctx context.Context, cookie string) (account.User, session.Login, error) {
	b, err := f.Browser(ctx, cookie)
	if err != nil {
		return account.User{}, session.Login{}, err
	}
	u, err := f.Users.ByID(ctx, b.Login.User)
	if errors.Is(err, account.ErrNotFound) { // deleted meanwhile
		err = errors.Join(ErrNoLogin, err)
	}
	return u, b.Login, err
}

// Overview returns what whoever is logged in in a browser sees of their account, or
// ErrNoLogin.
func (f *Flow) Overview(ctx context.Context, cookie string) (Overview, error) {
	u, l, err := f.Who(ctx, cookie)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{User: u, Login: l}
	if o.Devices, err = f.devices(ctx, l); err != nil {
		return Overview{}, err
	}
	o.Allowed, err = f.allowed(ctx, u.ID)
	return o, err
}

func (f *Flow) devices(ctx context.Context, here session.Login) ([]Device, error) {
	live, err := f.Sessions.Ledger.List(ctx, session.Which{User: here.User}, false, "", session.MostSessions)
	if err != nil {
		return nil, err
	}
	found, err := f.logins(ctx, here)
	if err != nil {
		return nil, err
	}
	for _, s := range live {
		share, err := f.share(ctx, s)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(found, func(d Device) bool { return d.Login == s.Login })
		if i < 0 {
			i, found = len(found), append(found, Device{Login: s.Login, Since: s.AuthTime})
		}
		found[i].Shares = append(found[i].Shares, share)
	}
	for _, d := range found {
		slices.SortFunc(d.Shares, func(a, b Share) int { return b.latest().Compare(a.latest()) })
	}
	slices.SortStableFunc(found[1:], func(a, b Device) int { return b.Since.Compare(a.Since) })
	return found, nil
}

// mostLogins is how many logins of a person are looked at: those that have the sessions,
// and as many browsers without.
const mostLogins = 2 * session.MostSessions

// logins are a person's, that of this browser first; no client needs to have a session in
// a browser's.
func (f *Flow) logins(ctx context.Context, here session.Login) ([]Device, error) {
	found := []Device{{Login: here.ID, This: true, Since: here.AuthTime, Agent: here.Agent}}
	logins, err := f.Sessions.Logins.Of(ctx, here.User, f.now(), mostLogins)
	for _, l := range logins {
		if l.ID != here.ID {
			found = append(found, Device{Login: l.ID, Since: l.AuthTime, Agent: l.Agent, Offline: l.Origin != ""})
		}
	}
	return found, err
}

func (s Share) latest() time.Time {
	if s.Seen.IsZero() {
		return s.Since
	}
	return s.Seen
}

// share is a session as its person sees it. When its client was last seen is the
// generations' to know, which may have lost it.
func (f *Flow) share(ctx context.Context, s session.Session) (Share, error) {
	c, err := f.clientOr(ctx, s.Client)
	if err != nil {
		return Share{}, err
	}
	out := Share{Session: s.ID, Client: c, Since: s.Created}
	state, err := f.Sessions.Generations.Look(ctx, s.ID)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return out, nil
	case err != nil:
		return Share{}, err
	}
	out.Seen = state.Answered
	return out, nil
}

// clientOr is a client, or what is left of one that was deleted.
func (f *Flow) clientOr(ctx context.Context, name id.Client) (client.Client, error) {
	c, err := f.Clients.Get(ctx, name)
	if errors.Is(err, client.ErrNotFound) {
		return client.Client{ID: name}, nil
	}
	return c, err
}

func (f *Flow) allowed(ctx context.Context, user id.User) ([]Allowed, error) {
	given, err := f.Consents.Of(ctx, user)
	if err != nil {
		return nil, err
	}
	var out []Allowed
	for _, g := range given {
		c, err := f.clientOr(ctx, g.Client)
		if err != nil {
			return nil, err
		}
		out = append(out, Allowed{Client: c, Places: f.places(c, g), Given: g.Given})
	}
	slices.SortStableFunc(out, func(a, b Allowed) int { return cmp.Compare(a.Client.Title(), b.Client.Title()) })
	return out, nil
}

// places are where a client may have what was allowed: resources with the same scopes
// are one place.
func (f *Flow) places(c client.Client, g grant.Consent) []Place {
	var out []Place
	for _, a := range g.At(f.firstAudience(c)).Allowed {
		i := slices.IndexFunc(out, func(p Place) bool { return slices.Equal(p.Scope, a.Scope) })
		if i < 0 {
			i, out = len(out), append(out, Place{Scope: a.Scope})
		}
		out[i].Resources = append(out[i].Resources, a.Audience)
	}
	if len(out) == 1 {
		out[0].Resources = f.Resources(c, out[0].Resources)
	}
	return out
}

// EndShare ends a session of whoever is logged in in a browser. One that is over, or
// another person's, is nothing to end.
func (f *Flow) EndShare(ctx context.Context, cookie string, sid id.Session) error {
	b, err := f.Browser(ctx, cookie)
	if err != nil || sid == "" { // which would be all of them
		return err
	}
	return f.end(ctx, session.Which{ID: sid, User: b.Login.User}, b.Login.User, "ended_by_user")
}

// EndDevice ends a login of whoever is logged in in a browser, with all its sessions.
func (f *Flow) EndDevice(ctx context.Context, cookie string, login id.Login) error {
	b, err := f.Browser(ctx, cookie)
	if err != nil || login == "" { // which would be all of them
		return err
	}
	return f.end(ctx, session.Which{Login: login, User: b.Login.User}, b.Login.User, "ended_by_user")
}

// EndOthers ends all logins of whoever is logged in in a browser but that one.
func (f *Flow) EndOthers(ctx context.Context, cookie string) error {
	b, err := f.Browser(ctx, cookie)
	if err != nil {
		return err
	}
	return f.end(ctx, session.Which{User: b.Login.User, But: b.Login.ID}, b.Login.User, "ended_by_user")
}

// Withdraw takes back what the person has allowed a client, and ends the sessions
// that it has of them. What was withdrawn before is no error: its sessions may be left.
func (f *Flow) Withdraw(ctx context.Context, cookie string, c id.Client) error {
	b, err := f.Browser(ctx, cookie)
	if err != nil || c == "" { // which would be all of them
		return err
	}
	e := audit.New(ctx, audit.ConsentTaken, f.now())
	e.Actor, e.User, e.Client = string(b.Login.User), b.Login.User, c
	if err := f.Consents.Withdraw(ctx, b.Login.User, c, e); err != nil && !errors.Is(err, grant.ErrNotFound) {
		return err
	}
	return f.end(ctx, session.Which{User: b.Login.User, Client: c}, b.Login.User, "consent_withdrawn")
}

// ReplacePassword gives whoever is logged in in a browser another password; all their
// other logins end with it.
func (f *Flow) ReplacePassword(ctx context.Context, cookie, old, next string) error {
	b, err := f.Browser(ctx, cookie)
	if err != nil {
		return err
	}
	user := b.Login.User
	if err := f.Limits.Password(ctx, user, f.now()); err != nil {
		return err
	}
	ended, err := f.Accounts.ChangePassword(ctx, user, old, next, b.Login.ID)
	if errors.Is(err, account.ErrCredentials) { // who found a browser open may guess here
		return errors.Join(err, f.failed(ctx, user, client.BuiltinID, "", "wrong_old_password"))
	}
	if err != nil {
		return err
	}
	return f.Sessions.Mark(ctx, ended)
}

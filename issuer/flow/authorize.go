package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
)

// ErrAnswered means that an authorization request is no longer waiting: it was
// answered, or stood open too long.
var ErrAnswered = errors.New("the authorization request waits no longer")

// Page is one that a person has to look at before a client gets its answer.
type Page string

// Pages.
const (
	PageLogin   Page = "login"   // who are you?
	PageSelect  Page = "select"  // go on as who you are, or as another?
	PageConsent Page = "consent" // may the client have this?
)

// Step is what a browser does next: it shows a page about a request that waits, or it
// takes an answer to the client.
type Step struct {
	Page    Page
	Pending string // its name, for a page
	Answer  *Answer
}

// Authorize begins with a request that was checked, in a browser whose login cookie
// may be empty. pushed is the request_uri that the request came from, or empty.
func (f *Flow) Authorize(ctx context.Context, r grant.Request, cookie, pushed string, from netip.Addr) (Step, error) {
	b, err := f.anybody(ctx, cookie)
	if err != nil {
		return Step{}, err
	}
	return f.advance(ctx, "", grant.Pending{Request: r, Begun: f.now(), Pushed: pushed, From: from}, b, false)
}

// Waiting returns a request that waits for a person, as far as it still stands, and its
// client, or ErrAnswered.
func (f *Flow) Waiting(ctx context.Context, name string) (grant.Pending, client.Client, error) {
	p, err := f.Grants.Pending(ctx, name, f.now())
	if err != nil {
		return p, client.Client{}, answered(err)
	}
	c, err := f.clientOf(ctx, p.Request)
	if err != nil {
		return p, c, err
	}
	if r, why := f.current(c, p.Request); why == nil { // else whoever goes on is refused
		p.Request = r
	}
	return p, c, nil
}

// clientOf is the client of a request, as it is now: it may have been deleted since, or
// have lost the redirect URI.
func (f *Flow) clientOf(ctx context.Context, r grant.Request) (client.Client, error) {
	c, err := f.Clients.Get(ctx, r.Client)
	if errors.Is(err, client.ErrNotFound) || err == nil && !c.AllowsRedirect(r.Redirect) {
		err = errors.Join(ErrAnswered, err)
	}
	return c, err
}

func answered(err error) error {
	if errors.Is(err, grant.ErrNotFound) {
		return errors.Join(ErrAnswered, err)
	}
	return err
}

// Continue goes on with a request that waits, after a login.
func (f *Flow) Continue(ctx context.Context, name, cookie string) (Step, error) {
	p, err := f.Grants.Pending(ctx, name, f.now())
	if err != nil {
		return Step{}, answered(err)
	}
	b, err := f.anybody(ctx, cookie)
	if err != nil {
		return Step{}, err
	}
	return f.advance(ctx, name, p, b, false)
}

// anybody is who is logged in by a login cookie; zero: nobody.
func (f *Flow) anybody(ctx context.Context, cookie string) (Browser, error) {
	b, err := f.Browser(ctx, cookie)
	if errors.Is(err, ErrNoLogin) {
		err = nil
	}
	return b, err
}

// Choose goes on with a request that waits as who is logged in, where they were asked
// whether they want to (prompt=select_account).
func (f *Flow) Choose(ctx context.Context, name, cookie string) (Step, error) {
	p, _, err := f.Waiting(ctx, name)
	if err != nil {
		return Step{}, err
	}
	b, err := f.Browser(ctx, cookie)
	if err != nil {
		return Step{}, err
	}
	if f.needs(p, b) == PageSelect { // no more than a choice: a password would be asked for
		p.Chosen = b.Login.ID
		if err := f.Grants.Keep(ctx, name, p, f.now()); err != nil {
			return Step{}, err
		}
	}
	return f.advance(ctx, name, p, b, false)
}

// Decide is what a person answers to the page of consent.
func (f *Flow) Decide(ctx context.Context, name, cookie string, allow bool) (Step, error) {
	p, c, err := f.Waiting(ctx, name)
	if err != nil {
		return Step{}, err
	}
	if !allow {
		return f.deny(ctx, name, Refusal{"access_denied", "the person didn't agree"})
	}
	b, err := f.Browser(ctx, cookie)
	if errors.Is(err, ErrNoLogin) || err == nil && f.needs(p, b) != "" { // it was ended meanwhile
		return f.advance(ctx, name, p, b, false)
	}
	if err != nil {
		return Step{}, err
	}
	if _, why := f.current(c, p.Request); why != nil { // nothing is left that could be agreed to
		return f.deny(ctx, name, *why)
	}
	if err := f.consent(ctx, c, b, p.Request); err != nil {
		return Step{}, err
	}
	return f.advance(ctx, name, p, b, true)
}

// Deny answers a request that waits with access_denied: the person went back.
func (f *Flow) deny(ctx context.Context, name string, why Refusal) (Step, error) {
	p, err := f.Grants.Finish(ctx, name, f.now())
	if err != nil {
		return Step{}, answered(err)
	}
	a := f.Refuse(p.Request, why)
	return Step{Answer: &a}, nil
}

// proved notes with a request that waits, if there is one, who has logged in for it.
func (f *Flow) proved(ctx context.Context, name string, login id.Login) error {
	if name == "" {
		return nil
	}
	p, err := f.Grants.Pending(ctx, name, f.now())
	if errors.Is(err, grant.ErrNotFound) {
		return nil // they are logged in all the same; Continue says the rest
	}
	if err != nil {
		return err
	}
	p.LoggedIn, p.Chosen = login, login
	return f.Grants.Keep(ctx, name, p, f.now())
}

// advance finds out what is still to be done for a request. name is empty for one that
// has not waited yet; agreed, that the person has just agreed to all of it.
func (f *Flow) advance(ctx context.Context, name string, p grant.Pending, b Browser, agreed bool) (Step, error) {
	c, err := f.clientOf(ctx, p.Request)
	if err != nil {
		return Step{}, err
	}
	asked := p.Request
	if name != "" { // else it was checked just now
		r, why := f.current(c, asked)
		if why != nil {
			return f.deny(ctx, name, *why)
		}
		p.Request = r
	}
	page := f.needs(p, b)
	if page == "" && !agreed {
		page, err = f.needsConsent(ctx, p, c, b)
		if err != nil {
			return Step{}, err
		}
	}
	switch {
	case page == "":
		return f.grantCode(ctx, name, p, b)
	case page == PageLogin && p.LoggedIn != "" && p.LoggedIn == b.Login.ID: // and still not who is asked for
		return f.refuse(ctx, name, p.Request, Refusal{"login_required", "another person was asked for"})
	case p.Request.Prompts(grant.PromptNone):
		return f.refuse(ctx, name, p.Request, silent[page])
	}
	return f.wait(ctx, name, page, p, narrower(p.Request, asked))
}

// silent is what prompt=none gets where a page would have been needed (OpenID Connect
// Core §3.1.2.6).
var silent = map[Page]Refusal{
	PageLogin:   {"login_required", "nobody is logged in who may be logged in for this"},
	PageSelect:  {"account_selection_required", "the person has to choose an account"},
	PageConsent: {"consent_required", "the person has to agree"},
}

func (f *Flow) refuse(ctx context.Context, name string, r grant.Request, why Refusal) (Step, error) {
	if name != "" {
		return f.deny(ctx, name, why)
	}
	a := f.Refuse(r, why)
	return Step{Answer: &a}, nil
}

// wait has a request wait for a page. One that was narrowed stays so: what the page shows
// is what may be agreed to, should the client get back what it lost.
func (f *Flow) wait(ctx context.Context, name string, page Page, p grant.Pending, narrowed bool) (step Step, err error) {
	if narrowed {
		err = f.Grants.Keep(ctx, name, p, f.now())
	}
	if name != "" {
		return Step{Page: page, Pending: name}, err
	}
	if err := f.Limits.Wait(ctx, p.From, f.now()); err != nil {
		return Step{}, err
	}
	name, err = f.Grants.Begin(ctx, p, f.now())
	return Step{Page: page, Pending: name}, err
}

// needs tells whether who is logged in, if anybody, may be for a request: OpenID
// Connect Core §3.1.2.1 (prompt, max_age, id_token_hint), §3.1.2.2 (sub asked for).
func (f *Flow) needs(p grant.Pending, b Browser) Page {
	r := p.Request
	proved := b.Login.ID != "" && p.LoggedIn == b.Login.ID
	old := r.MaxAge != nil && f.now().Sub(b.Login.AuthTime) > *r.MaxAge
	switch {
	case b.Login.ID == "":
		return PageLogin
	case !proved && (r.Prompts(grant.PromptLogin) || old || r.MaxAge != nil && *r.MaxAge == 0):
		return PageLogin
	case r.Hint != "" && r.Hint != b.Login.User, r.Claims.Subject != "" && r.Claims.Subject != b.Login.User:
		return PageLogin
	case r.Prompts(grant.PromptSelect) && p.Chosen != b.Login.ID:
		return PageSelect
	}
	return ""
}

// needsConsent tells whether a person has to be asked. A client that anybody could
// pretend to be is asked about each time (RFC 8252 §8.6, RFC 6749 §10.2).
func (f *Flow) needsConsent(ctx context.Context, p grant.Pending, c client.Client, b Browser) (Page, error) {
	switch {
	case p.Request.Prompts(grant.PromptConsent):
		return PageConsent, nil
	case c.Trusted:
		return "", nil
	case c.Public && !strings.HasPrefix(p.Request.Redirect, "https://"):
		return PageConsent, nil
	}
	agreed, err := f.agreed(ctx, c, b.Login.User, p.Request)
	if err != nil || agreed {
		return "", err
	}
	return PageConsent, nil
}

// usePushed uses up the pushed request that a code is given for, if there is one (RFC 9126
// §4). It may have expired while the person read a page, so a mark says that it was used.
func (f *Flow) usePushed(ctx context.Context, uri string) error {
	if uri == "" {
		return nil
	}
	first, err := f.Grants.Once(ctx, "pushed", []string{uri}, f.now(), f.now().Add(2*grant.PendingLife))
	if err != nil || !first {
		return errors.Join(ErrAnswered, err)
	}
	err = f.Grants.UsePushed(ctx, uri, f.now())
	if errors.Is(err, grant.ErrNotFound) {
		return nil
	}
	return err
}

// accountNow is a person as a code remembers them. The version is the one from before
// their consent was looked at: had they taken it back since, the exchange has to notice.
func (f *Flow) accountNow(ctx context.Context, b Browser) (json.RawMessage, error) {
	u, err := f.Users.ByID(ctx, b.Login.User)
	if err != nil {
		return nil, fmt.Errorf("read the user: %w", err)
	}
	u.Version = b.Person.Version
	return json.Marshal(u) // without the password's hash
}

// grantCode answers with a code, once: a request that waited, or was pushed, is used up.
func (f *Flow) grantCode(ctx context.Context, name string, p grant.Pending, b Browser) (Step, error) {
	if name != "" {
		if _, err := f.Grants.Finish(ctx, name, f.now()); err != nil {
			return Step{}, answered(err)
		}
	}
	if err := f.usePushed(ctx, p.Pushed); err != nil {
		return Step{}, err
	}
	person, err := f.accountNow(ctx, b)
	if err != nil {
		return Step{}, err
	}
	code, err := f.Grants.Issue(ctx, grant.Code{
		Session: id.NewSession(), Request: p.Request, Login: b.Login.ID, User: b.Login.User,
		AuthTime: b.Login.AuthTime, AMR: b.Login.AMR, Expires: b.Login.Expires, Account: person,
	}, f.now())
	if err != nil {
		return Step{}, err
	}
	a := f.answer(p.Request, Parameter{"code", code})
	return Step{Answer: &a}, nil
}

package storetest

import (
	"testing"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/session"
)

// testOpener: where one engine has ledger and generations, a session is opened and
// begun together, or neither.
func testOpener(t *testing.T, h Harness) {
	b := h.Backend
	o, can := b.Ledger.(session.Opener)
	if !can || !o.Keeps(b.Generations) {
		return // each has an engine
	}
	u := addUser(t, b)
	l := beginLogin(t, b, u.ID)
	e := event(audit.SessionOpened, u.ID)
	s := inLogin(l, "web")
	state := session.State{
		Session: s.ID, Login: l.ID, Client: s.Client, Generation: 1, Key: 7, NotAfter: s.Expires, Answered: s.Created, Scope: s.Scope,
		Audience: s.Audience, BoundKey: s.BoundKey, Status: s.Status, AuthTime: s.AuthTime, Expires: s.Expires,
		Person: session.Person{User: u.ID, Roles: u.Roles, Version: u.Version},
	}
	_, err := o.OpenBegun(t.Context(), l, s, state, 0, e)
	ok(t, err)
	got, err := b.Generations.Look(t.Context(), s.ID)
	ok(t, err)
	same(t, "what was begun", got, state)
	same(t, "what was opened", pages(t, b, session.Which{User: u.ID}, false), []session.Session{s})

	again := state
	again.Generation = 9
	_, err = o.OpenBegun(t.Context(), l, s, again, 0, e)
	is(t, "opened again", err, session.ErrUsed)
	got, err = b.Generations.Look(t.Context(), s.ID)
	ok(t, err)
	same(t, "what stays", got, state)

	changed, other := l, inLogin(l, "web")
	changed.Proved = u.Version + 6
	again.Session = other.ID
	_, err = o.OpenBegun(t.Context(), changed, other, again, 0, e)
	is(t, "by a user who has changed", err, session.ErrChanged)
	_, err = b.Generations.Look(t.Context(), other.ID)
	is(t, "begun without being opened", err, session.ErrNotFound)
}

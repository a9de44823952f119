package storetest

import (
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/store"
)

func testConsents(t *testing.T, h Harness) {
	b := h.Backend
	u, other := addUser(t, b), addUser(t, b)
	find := func(user id.User, client id.Client, want ...string) {
		t.Helper()
		got, err := b.Consents.Find(t.Context(), user, client)
		if want == nil {
			is(t, "Find of none", err, grant.ErrNotFound)
			return
		}
		ok(t, err)
		same(t, "scope", got.Scope, want)
	}
	find(u.ID, "web")
	e := event(audit.ConsentGiven, u.ID)
	c := grant.Consent{User: u.ID, Client: "web", Scope: []string{"openid", "a \"b\" ü"}, Given: now()}
	give := func(c grant.Consent) func() error { return func() error { return b.Consents.Give(t.Context(), c, e) } }
	changes(t, b, "Give", give(c), nil, e)
	got, err := b.Consents.Find(t.Context(), u.ID, "web")
	ok(t, err)
	same(t, "Find", got, c)
	wider := c
	wider.Scope, wider.Given = []string{"openid", "email"}, c.Given.Add(time.Hour)
	changes(t, b, "Give again", give(wider), nil, e)
	app := grant.Consent{User: u.ID, Client: "app", Scope: []string{}, Given: now()}
	ok(t, give(app)())
	ok(t, give(grant.Consent{User: other.ID, Client: "web", Scope: []string{"x"}, Given: now()})())
	all, err := b.Consents.Of(t.Context(), u.ID)
	ok(t, err)
	same(t, "Of", all, []grant.Consent{app, wider})

	withdrawn := event(audit.ConsentTaken, u.ID)
	withdraw := func() error { return b.Consents.Withdraw(t.Context(), u.ID, "web", withdrawn) }
	changes(t, b, "Withdraw", withdraw, nil, withdrawn)
	find(u.ID, "web")
	find(other.ID, "web", "x")
	changes(t, b, "Withdraw of none", withdraw, grant.ErrNotFound, withdrawn)
	for _, none := range []string{"", "\x00", "\xff"} {
		find(id.User(none), "web")
		find(u.ID, id.Client(none))
	}
	changes(t, b, "Give of nobody", give(grant.Consent{User: "usr_nobody", Client: "web", Given: now()}), grant.ErrNotFound, e)
	t.Run("go with their user", func(t *testing.T) { testConsentsOfUser(t, b, u.ID, other.ID) })
	t.Run("go with their client", func(t *testing.T) { testConsentsOfClient(t, b) })
}

func testConsentsOfUser(t *testing.T, b store.Backend, u, other id.User) {
	_, err := b.Accounts.Delete(t.Context(), u, event(audit.UserDeleted, u))
	ok(t, err)
	_, err = b.Consents.Find(t.Context(), u, "app")
	is(t, "Find of one who is gone", err, grant.ErrNotFound)
	_, err = b.Consents.Find(t.Context(), other, "web")
	ok(t, err)
}

func testConsentsOfClient(t *testing.T, b store.Backend) {
	c, stays, u := newClient(), newClient(), addUser(t, b)
	e := event(audit.ConsentGiven, u.ID)
	for _, one := range []id.Client{c.ID, stays.ID} {
		ok(t, b.Consents.Give(t.Context(), grant.Consent{User: u.ID, Client: one, Given: now()}, e))
	}
	// Nobody's yet: what was left behind by another of this id is forgotten.
	ok(t, b.Clients.Create(t.Context(), c, e))
	_, err := b.Consents.Find(t.Context(), u.ID, c.ID)
	is(t, "consent to a client of the same id before", err, grant.ErrNotFound)
	ok(t, b.Consents.Give(t.Context(), grant.Consent{User: u.ID, Client: c.ID, Given: now()}, e))
	is(t, "Create again", b.Clients.Create(t.Context(), c, e), client.ErrExists)
	_, err = b.Consents.Find(t.Context(), u.ID, c.ID)
	ok(t, err)
	_, err = b.Clients.Delete(t.Context(), c.ID, e)
	ok(t, err)
	_, err = b.Consents.Find(t.Context(), u.ID, c.ID)
	is(t, "Find of a client that is gone", err, grant.ErrNotFound)
	_, err = b.Consents.Find(t.Context(), u.ID, stays.ID)
	ok(t, err)
}

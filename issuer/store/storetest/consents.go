package storetest

import (
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/store"
)

// allowed is what a consent of pairs of audience and scopes allows.
func allowed(audience string, scope ...string) grant.Allowed {
	return grant.Allowed{Audience: audience, Scope: scope}
}

func testConsents(t *testing.T, h Harness) {
	b := h.Backend
	u, other := addUser(t, b), addUser(t, b)
	find := func(user id.User, client id.Client, want ...grant.Allowed) {
		t.Helper()
		got, err := b.Consents.Find(t.Context(), user, client)
		if want == nil {
			is(t, "Find of none", err, grant.ErrNotFound)
			return
		}
		ok(t, err)
		same(t, "allowed", got.Allowed, want)
	}
	find(u.ID, "web")
	e := event(audit.ConsentGiven, u.ID)
	here, there := allowed("https://a.example/?a&b", "a \"b\" ü", "openid"), allowed("urn:b")
	c := grant.Consent{User: u.ID, Client: "web", Allowed: []grant.Allowed{here}, Given: now()}
	give := func(c grant.Consent) func() error { return func() error { return b.Consents.Give(t.Context(), c, e) } }
	changes(t, b, "Give", give(c), nil, e)
	got, err := b.Consents.Find(t.Context(), u.ID, "web")
	ok(t, err)
	same(t, "Find", got, c)
	wider := c
	wider.Allowed, wider.Given = []grant.Allowed{allowed("https://a.example", "email", "openid"), there}, c.Given.Add(time.Hour)
	changes(t, b, "Give again", give(wider), nil, e)
	app := grant.Consent{User: u.ID, Client: "app", Allowed: []grant.Allowed{}, Given: now()}
	ok(t, give(app)())
	ok(t, give(grant.Consent{User: other.ID, Client: "web", Allowed: []grant.Allowed{here}, Given: now()})())
	all, err := b.Consents.Of(t.Context(), u.ID)
	ok(t, err)
	same(t, "Of", all, []grant.Consent{app, wider})

	withdrawn := event(audit.ConsentTaken, u.ID)
	withdraw := func() error { return b.Consents.Withdraw(t.Context(), u.ID, "web", withdrawn) }
	changes(t, b, "Withdraw", withdraw, nil, withdrawn, store.Change{Kind: store.User, ID: string(u.ID), Version: u.Version + 1})
	find(u.ID, "web")
	find(other.ID, "web", here)
	changes(t, b, "Withdraw of none", withdraw, grant.ErrNotFound, withdrawn)
	nobody := func() error { return b.Consents.Withdraw(t.Context(), "usr_nobody", "web", withdrawn) }
	changes(t, b, "Withdraw of nobody", nobody, grant.ErrNotFound, withdrawn)
	changed := u
	changed.Version++
	versions(t, b, changed, other)
	for _, none := range []string{"", "\x00", "\xff"} {
		find(id.User(none), "web")
		find(u.ID, id.Client(none))
	}
	changes(t, b, "Give of nobody", give(grant.Consent{User: "usr_nobody", Client: "web", Given: now()}), grant.ErrNotFound, e)
	t.Run("go with their user", func(t *testing.T) { testConsentsOfUser(t, b, u.ID, other.ID) })
	t.Run("go with their client", func(t *testing.T) { testConsentsOfClient(t, b) })
}

// versions checks what versions users have: a withdrawal that was one made one more.
func versions(t *testing.T, b store.Backend, users ...account.User) {
	t.Helper()
	for _, want := range users {
		got, err := b.Accounts.ByID(t.Context(), want.ID)
		ok(t, err)
		same(t, "user", got, want)
	}
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

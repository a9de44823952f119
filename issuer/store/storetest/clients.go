package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

func newClient() client.Client {
	at := now()
	return client.Client{
		ID: id.Client("c-" + string(id.NewLogin())), Name: "Näme", Public: false,
		Secrets: []client.Secret{{Hash: [32]byte{1, 2, 31: 3}, Created: at}, {Hash: [32]byte{9}, Created: at, Expires: at.Add(time.Hour)}},
		Grants:  []string{"client_credentials"}, Scopes: []string{"a", "b"}, Audiences: []string{"https://api.example"}, Roles: []string{},
		RedirectURIs: []string{"https://app.example/cb?x=1"}, TokenAlg: "RS256", Version: 1, Created: at,
	}
}

func clientChange(c id.Client, version int64) store.Change {
	return store.Change{Kind: store.Client, ID: string(c), Version: version}
}

func testClients(t *testing.T, h Harness) {
	b := h.Backend
	c := newClient()
	e := event(audit.ClientCreated, "")
	changes(t, b, "Create", func() error { return b.Clients.Create(t.Context(), c, e) }, nil, e, clientChange(c.ID, 1))
	changes(t, b, "Create of a taken id", func() error { return b.Clients.Create(t.Context(), c, e) }, client.ErrExists, e)
	got, err := b.Clients.ByID(t.Context(), c.ID)
	ok(t, err)
	same(t, "ByID", got, c)
	for _, none := range []id.Client{"", "nobody", "a\x00", "\xff"} {
		_, err := b.Clients.ByID(t.Context(), none)
		is(t, "ByID", err, client.ErrNotFound)
	}
	t.Run("save", func(t *testing.T) { testSaveClient(t, b, c) })
	t.Run("delete", func(t *testing.T) { testDeleteClient(t, b, c) })
	t.Run("create after a broken deletion", func(t *testing.T) { testLeftovers(t, b) })
	t.Run("list", func(t *testing.T) { testListClients(t, b) })
}

func testSaveClient(t *testing.T, b store.Backend, c client.Client) {
	e := event(audit.ClientChanged, "")
	next := c
	next.Secrets, next.Public, next.Scopes = nil, true, []string{"c"}
	changes(t, b, "Save", func() error { return b.Clients.Save(t.Context(), next, e) }, nil, e, clientChange(c.ID, 2))
	next.Version = 2
	got, err := b.Clients.ByID(t.Context(), c.ID)
	ok(t, err)
	same(t, "saved", got, next)
	changes(t, b, "Save of an old version", func() error { return b.Clients.Save(t.Context(), c, e) }, client.ErrConflict, e)
	changes(t, b, "Save of nobody", func() error { return b.Clients.Save(t.Context(), newClient(), e) }, client.ErrNotFound, e)
}

func testDeleteClient(t *testing.T, b store.Backend, c client.Client) {
	u := addUser(t, b)
	s, other := open(t, b, u.ID, c.ID), open(t, b, u.ID, "web")
	e := event(audit.ClientDeleted, "")
	remove := func() error {
		gone, err := b.Clients.Delete(t.Context(), c.ID, e)
		if err == nil {
			same(t, "ended", gone, []id.Session{s.ID})
		}
		return err
	}
	changes(t, b, "Delete", remove, nil, e, sessionChange(s), clientChange(c.ID, 3))
	changes(t, b, "Delete of nobody", remove, client.ErrNotFound, e)
	_, err := b.Clients.ByID(t.Context(), c.ID)
	is(t, "ByID", err, client.ErrNotFound)
	got, _, err := b.Ledger.Find(t.Context(), other.ID)
	ok(t, err)
	same(t, "another client's session", got, other)
}

// testLeftovers: a client never finds sessions of another that had its id. (No session
// is opened for a client that isn't there; a deletion that broke off leaves them.)
func testLeftovers(t *testing.T, b store.Backend) {
	c, u := newClient(), addUser(t, b)
	s, other := open(t, b, u.ID, c.ID), open(t, b, u.ID, "web")
	e := event(audit.ClientCreated, "")
	var events []audit.Event
	heard := heard(t, b, func() {
		events = recorded(t, b, func() { ok(t, b.Clients.Create(t.Context(), c, e)) })
	})
	same(t, "feed", heard, []store.Change{sessionChange(s), clientChange(c.ID, 1)})
	if len(events) != 2 || events[0].Kind != audit.SessionEnded || events[0].Client != c.ID || events[0].Reason == "" || events[1].Kind != e.Kind {
		t.Errorf("events %+v, want the end and the creation", events)
	}
	got, _, err := b.Ledger.Find(t.Context(), s.ID)
	ok(t, err)
	if got.Ended.IsZero() || got.Reason != "client_deleted" {
		t.Errorf("what was left: %+v", got)
	}
	same(t, "another client's", pages(t, b, session.Which{Client: "web", User: u.ID}, false), []session.Session{other})
	mine := open(t, b, u.ID, c.ID)
	changes(t, b, "Create again", func() error { return b.Clients.Create(t.Context(), c, e) }, client.ErrExists, e)
	same(t, "its own", pages(t, b, session.Which{Client: c.ID}, false), []session.Session{mine})
}

func testListClients(t *testing.T, b store.Backend) {
	var want []id.Client
	for _, n := range []string{"B", "a", "Z", "é", "0"} { // by bytes: no collation of words
		c := newClient()
		c.ID = id.Client("list-" + n)
		ok(t, b.Clients.Create(t.Context(), c, event(audit.ClientCreated, "")))
		want = append(want, c.ID)
	}
	slices.Sort(want)
	var got []id.Client
	for after := id.Client("list-"); ; after = got[len(got)-1] {
		page, err := b.Clients.List(t.Context(), after, 2)
		ok(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			got = append(got, c.ID)
		}
	}
	same(t, "pages", got, want)
}

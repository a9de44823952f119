package storetest

import (
	"slices"
	"testing"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

func testAudit(t *testing.T, h Harness) {
	b := h.Backend
	var want []audit.Event // newest first
	for i := range 7 {
		e := event([]audit.Kind{audit.LoginFailed, audit.UserChanged}[i%2], id.User(name("usr_", i%3)))
		if i == 6 {
			e = audit.Event{At: now(), Kind: audit.LoginFailed, User: "usr_0000"}
		}
		ok(t, b.Audit.Append(t.Context(), e))
		e.Detail = storedDetail(e.Detail)
		want = slices.Insert(want, 0, e)
	}
	for _, c := range []struct {
		name string
		q    audit.Query
		keep func(audit.Event) bool
	}{
		{"all", audit.Query{}, func(audit.Event) bool { return true }},
		{"of a kind", audit.Query{Kind: audit.LoginFailed}, func(e audit.Event) bool { return e.Kind == audit.LoginFailed }},
		{"of a user", audit.Query{User: "usr_0001"}, func(e audit.Event) bool { return e.User == "usr_0001" }},
		{"of both", audit.Query{User: "usr_0000", Kind: audit.UserChanged}, func(e audit.Event) bool { return e.User == "usr_0000" && e.Kind == audit.UserChanged }},
		{"of nobody", audit.Query{User: "\x00"}, func(audit.Event) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := c.q
			q.Limit = 2
			var got []audit.Event
			for {
				page, err := b.Audit.Events(t.Context(), q)
				ok(t, err)
				if len(page) == 0 {
					break
				}
				q.Before = page[len(page)-1].ID
				for _, e := range page {
					e.ID = ""
					got = append(got, e)
				}
			}
			same(t, "events", got, slices.DeleteFunc(slices.Clone(want), func(e audit.Event) bool { return !c.keep(e) }))
		})
	}
	got, err := b.Audit.Events(t.Context(), audit.Query{Before: "what", Limit: 10})
	ok(t, err)
	same(t, "before what is no id", got, nil)
}

package admin

import (
	"net/http"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// ListEvents is GET /admin/audit, newest first.
func (a *Admin) ListEvents(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := limitOf(q)
	if err != nil {
		return err
	}
	events, err := a.Events.Events(r.Context(), audit.Query{
		Before: q.Get("before"), Limit: limit + 1, Kind: audit.Kind(q.Get("kind")), User: id.User(q.Get("user")),
	})
	if err != nil {
		return err
	}
	give(w, events, limit, func(e audit.Event) string { return e.ID })
	return nil
}

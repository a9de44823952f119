package admin

import (
	"net/http"
	"net/url"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/issuer/session"
)

// ListSessions is GET /admin/sessions: of a user or of a client, live ones unless
// ?ended=true.
func (a *Admin) ListSessions(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := limitOf(q)
	if err != nil {
		return err
	}
	which, err := whose(q)
	if err != nil {
		return err
	}
	found, err := a.Ledger.List(r.Context(), which, q.Get("ended") == "true", id.Session(q.Get("after")), limit+1)
	if err != nil {
		return err
	}
	give(w, found, limit, func(s session.Session) string { return string(s.ID) })
	return nil
}

// whose reads ?user= and ?client=; both narrow to that client's sessions of that
// user.
func whose(q url.Values) (session.Which, error) {
	which := session.Which{User: id.User(q.Get("user")), Client: id.Client(q.Get("client"))}
	if which == (session.Which{}) {
		return which, httpx.BadRequest("name whose: ?user= or ?client=, an id each")
	}
	return which, nil
}

// EndSessions is DELETE /admin/sessions: 204, all sessions of a user, of a client, or
// of a user at a client have ended.
func (a *Admin) EndSessions(w http.ResponseWriter, r *http.Request) error {
	which, err := whose(r.URL.Query())
	if err != nil {
		return err
	}
	e := audit.New(r.Context(), audit.SessionEnded, a.now())
	e.User, e.Client, e.Reason = which.User, which.Client, "admin"
	if err := a.Sessions.End(r.Context(), which, e); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// ReadSession is GET /admin/sessions/{id}.
func (a *Admin) ReadSession(w http.ResponseWriter, r *http.Request) error {
	s, _, err := a.Ledger.Find(r.Context(), id.Session(r.PathValue("id")))
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, s)
	return nil
}

// EndSession is DELETE /admin/sessions/{id}: 204, also when it had ended.
func (a *Admin) EndSession(w http.ResponseWriter, r *http.Request) error {
	sid := id.Session(r.PathValue("id"))
	s, _, err := a.Ledger.Find(r.Context(), sid)
	if err != nil {
		return err
	}
	e := audit.New(r.Context(), audit.SessionEnded, a.now())
	e.User, e.Client, e.Session, e.Reason = s.User, s.Client, sid, "admin"
	if err := a.Sessions.End(r.Context(), session.Which{ID: sid}, e); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

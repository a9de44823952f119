package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

// Door says who may come in.
type Door interface {
	Admit(ctx context.Context, t *verifier.Token) (actor string, err error)
}

// Keys is the ring as operators change it.
type Keys interface {
	Ring() *keys.Ring
	Rotate(ctx context.Context, r keys.RotateRequest) (keys.Timeline, error)
	Revoke(ctx context.Context, kid, reason, actor string) (keys.RevokeResult, error)
}

// People is what is done to users that has rules; reading them is the store's.
type People interface {
	Create(ctx context.Context, n account.NewUser) (account.User, error)
	Edit(ctx context.Context, user id.User, e account.Edit) (account.User, []id.Session, error)
}

// Users reads and removes people.
type Users interface {
	ByID(ctx context.Context, user id.User) (account.User, error)
	List(ctx context.Context, after id.User, limit int) ([]account.User, error)
	account.Remover
}

// Sessions ends sessions, marks those that ended with their user or client, and tells
// the others of a user's new roles.
type Sessions interface {
	End(ctx context.Context, w session.Which, e audit.Event) error
	Mark(ctx context.Context, sids []id.Session) error
	Learn(ctx context.Context, p session.Person) error
}

// Ledger reads sessions.
type Ledger interface {
	Find(ctx context.Context, s id.Session) (session.Session, session.Person, error)
	List(ctx context.Context, w session.Which, ended bool, after id.Session, limit int) ([]session.Session, error)
}

// Events reads the audit.
type Events interface {
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
}

// Registry is the copy of the clients in memory, which a change refreshes at once.
type Registry interface {
	Refresh(ctx context.Context, client id.Client) error
}

// Config is what the face is made of; all of it is required.
type Config struct {
	Verifier *verifier.Verifier // of the audience <issuer>/admin, fed by the ring
	Door     Door
	Keys     Keys
	People   People
	Users    Users
	Clients  client.Store
	Registry Registry
	Grants   []string // that a client may be registered for
	Sessions Sessions
	Ledger   Ledger
	Events   Events
	Now      func() time.Time
}

// Admin has a handler for each call.
type Admin struct{ Config }

// New returns the face.
func New(c Config) *Admin { return &Admin{c} }

// now is in whole milliseconds, as engines keep it.
func (a *Admin) now() time.Time { return a.Now().UTC().Truncate(time.Millisecond) }

// Guard lets operators through and makes the audit name them.
func (a *Admin) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := a.admit(r)
		if err != nil {
			Errors.Fail(w, r, err)
			return
		}
		httpx.Note(r.Context(), "actor", actor)
		o := audit.OriginOf(r.Context())
		o.Actor = actor
		next.ServeHTTP(w, r.WithContext(audit.WithOrigin(r.Context(), o)))
	})
}

func (a *Admin) admit(r *http.Request) (string, error) {
	token, err := a.Verifier.VerifyRequest(r)
	if err != nil {
		return "", refused(err)
	}
	return a.Door.Admit(r.Context(), token)
}

// refused answers as every resource server with our verifier does.
func refused(err error) error {
	p := verifier.ProblemOf(err)
	e := &httpx.Error{Status: p.Status, Code: p.Code, Description: p.Description, RetryAfter: time.Duration(p.RetryAfter) * time.Second}
	if p.Status == http.StatusUnauthorized && !p.Bare {
		e.Challenge = `Bearer error="` + p.Code + `"`
	}
	return e
}

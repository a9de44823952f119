package grant

import (
	"context"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

const logoutPrefix = "sgo_"

// Logout is a request to log out that has been checked and waits for a person (OpenID
// Connect RP-Initiated Logout 1.0 §2): whoever asks is known as far as Client says, and
// Redirect is one of theirs.
type Logout struct {
	Client   id.Client  `json:"client,omitempty"`
	Redirect string     `json:"redirect,omitempty"` // where to afterwards; empty: nowhere
	State    string     `json:"state,omitempty"`
	Subject  id.User    `json:"subject,omitempty"` // of the id_token_hint; empty: there was none
	Session  id.Session `json:"session,omitempty"` // likewise
	Locales  []string   `json:"locales,omitempty"`
}

// BeginLogout keeps a request to log out and returns its name.
func (w Waiting) BeginLogout(ctx context.Context, l Logout, now time.Time) (string, error) {
	return put(ctx, w.Store, logoutPrefix, l, now, now.Add(PendingLife))
}

// Logout returns a request to log out, or ErrNotFound. None is taken away: to log out
// twice is to be logged out.
func (w Waiting) Logout(ctx context.Context, name string, now time.Time) (Logout, error) {
	return get[Logout](ctx, w.Store.Get, logoutPrefix, name, now)
}

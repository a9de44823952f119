package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/signet-oidc/signet/issuer/account"
)

// Password changes a person's password. What is wrong with it is said where it is
// typed.
func (web *Web) Password(w http.ResponseWriter, r *http.Request) error {
	f, err := form(w, r)
	if err != nil {
		return web.handle(w, r, err)
	}
	err = web.apply(w, r, f, "password", func(ctx context.Context, cookie string, f url.Values) error {
		return web.Flow.ReplacePassword(ctx, cookie, f.Get("old"), f.Get("new"))
	})
	if err != nil {
		err = web.account(w, r, err)
	}
	return web.handle(w, r, err)
}

// aboutPassword says of which field of the password's form a problem is.
func (v *accountView) aboutPassword(p problem, why error) *problem {
	switch {
	case errors.Is(why, account.ErrCredentials):
		p.Text, p.Field = v.T("error.old_password"), "old"
	case p.Field != "":
		p.Field = "new"
	}
	return &p
}

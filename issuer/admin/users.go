package admin

import (
	"context"
	"net/http"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// ListUsers is GET /admin/users.
func (a *Admin) ListUsers(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r.URL.Query())
	if err != nil {
		return err
	}
	users, err := a.Users.List(r.Context(), id.User(r.URL.Query().Get("after")), limit+1)
	if err != nil {
		return err
	}
	give(w, users, limit, func(u account.User) string { return string(u.ID) })
	return nil
}

// CreateUser is POST /admin/users: 201 with the user.
func (a *Admin) CreateUser(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email    string   `json:"email"`
		Password string   `json:"password"`
		Roles    []string `json:"roles"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	u, err := a.People.CreateWithRoles(r.Context(), in.Email, in.Password, in.Roles)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusCreated, u)
	return nil
}

// ReadUser is GET /admin/users/{id}.
func (a *Admin) ReadUser(w http.ResponseWriter, r *http.Request) error {
	u, err := a.Users.ByID(r.Context(), id.User(r.PathValue("id")))
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, u)
	return nil
}

// userChange is what PATCH may say; what is left out stays.
type userChange struct {
	Roles    *[]string `json:"roles"`
	Disabled *bool     `json:"disabled"`
	Password *string   `json:"password"`
}

// ChangeUser is PATCH /admin/users/{id}: 200 with the user as it is then. Another
// password, and disabling, end the user's logins.
func (a *Admin) ChangeUser(w http.ResponseWriter, r *http.Request) error {
	var in userChange
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	user := id.User(r.PathValue("id"))
	if err := a.changeUser(r.Context(), user, in); err != nil {
		return err
	}
	return a.ReadUser(w, r)
}

func (a *Admin) changeUser(ctx context.Context, user id.User, in userChange) error {
	if in.Roles != nil {
		u, err := a.People.SetRoles(ctx, user, *in.Roles)
		if err != nil {
			return err
		}
		if err := a.Sessions.Learn(ctx, flow.PersonOf(u)); err != nil {
			return err
		}
	}
	if in.Password != nil {
		ended, err := a.People.SetPassword(ctx, user, *in.Password)
		if err != nil {
			return err
		}
		if err := a.Sessions.Mark(ctx, ended); err != nil {
			return err
		}
	}
	if in.Disabled == nil {
		return nil
	}
	ended, err := a.People.SetDisabled(ctx, user, *in.Disabled)
	if err != nil {
		return err
	}
	return a.Sessions.Mark(ctx, ended)
}

// DeleteUser is DELETE /admin/users/{id}: 204; the sessions end with the user.
func (a *Admin) DeleteUser(w http.ResponseWriter, r *http.Request) error {
	e := audit.New(r.Context(), audit.UserDeleted, a.now())
	e.User = id.User(r.PathValue("id"))
	ended, err := a.Users.Delete(r.Context(), e.User, e)
	if err != nil {
		return err
	}
	if err := a.Sessions.Mark(r.Context(), ended); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

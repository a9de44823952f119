package admin

import (
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
		Email         string          `json:"email"`
		Password      string          `json:"password"`
		Roles         []string        `json:"roles"`
		EmailVerified bool            `json:"email_verified"`
		Profile       account.Profile `json:"profile"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	u, err := a.People.Create(r.Context(), account.NewUser{
		Email: in.Email, Password: in.Password, Roles: in.Roles, EmailVerified: in.EmailVerified, Profile: in.Profile,
	})
	if err != nil {
		return unusable(err)
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

// ChangeUser is PATCH /admin/users/{id}: 200 with the user as it is then. What is left out
// stays; a profile is put in the place of the other as a whole. All of it is changed or
// nothing. Another password, and disabling, end the user's logins.
func (a *Admin) ChangeUser(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Roles         *[]string        `json:"roles"`
		Disabled      *bool            `json:"disabled"`
		Password      *string          `json:"password"`
		EmailVerified *bool            `json:"email_verified"`
		Profile       *account.Profile `json:"profile"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	u, ended, err := a.People.Edit(r.Context(), id.User(r.PathValue("id")), account.Edit{
		Roles: in.Roles, Disabled: in.Disabled, Password: in.Password, EmailVerified: in.EmailVerified, Profile: in.Profile,
	})
	if err != nil {
		return unusable(err)
	}
	if err := a.Sessions.Mark(r.Context(), ended); err != nil {
		return err
	}
	if err := a.Sessions.Learn(r.Context(), flow.PersonOf(u)); err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, u)
	return nil
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

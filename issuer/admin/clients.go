package admin

import (
	"net/http"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// withSecret is a client in an answer that shows its secret: once, and never again.
type withSecret struct {
	client.View
	Secret string `json:"client_secret,omitempty"`
}

// clientBody is a client as a caller describes it. It is read over one that is there, or
// over an empty one: what is left out stays, and null takes away.
type clientBody struct {
	ID           *id.Client `json:"id"`
	Public       *bool      `json:"public"`
	Name         string     `json:"name"`
	Grants       []string   `json:"grants"`
	Scopes       []string   `json:"scopes"`
	Audiences    []string   `json:"audiences"`
	Roles        []string   `json:"roles"`
	RedirectURIs []string   `json:"redirect_uris"`
	TokenAlg     string     `json:"token_alg"`
	client.Metadata
}

func bodyOf(c client.Client) clientBody {
	return clientBody{
		Name: c.Name, Grants: c.Grants, Scopes: c.Scopes, Audiences: c.Audiences, Roles: c.Roles,
		RedirectURIs: c.RedirectURIs, TokenAlg: c.TokenAlg, Metadata: c.Metadata,
	}
}

// apply makes c what the body says. Who signs assertions from now on has no secret.
func (in clientBody) apply(c *client.Client) {
	c.Name, c.RedirectURIs, c.TokenAlg, c.Metadata = in.Name, in.RedirectURIs, in.TokenAlg, in.Metadata
	c.Grants, c.Scopes, c.Audiences, c.Roles = orEmpty(in.Grants), orEmpty(in.Scopes), orEmpty(in.Audiences), orEmpty(in.Roles)
	if string(c.JWKS) == "null" {
		c.JWKS = nil
	}
	if c.AuthMethod == client.MethodPrivateKeyJWT {
		c.Secrets = nil
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// ListClients is GET /admin/clients.
func (a *Admin) ListClients(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r.URL.Query())
	if err != nil {
		return err
	}
	found, err := a.Clients.List(r.Context(), id.Client(r.URL.Query().Get("after")), limit+1)
	if err != nil {
		return err
	}
	views := make([]client.View, 0, len(found))
	for _, c := range found {
		views = append(views, c.View())
	}
	give(w, views, limit, func(v client.View) string { return string(v.ID) })
	return nil
}

// CreateClient is POST /admin/clients: 201; a confidential client's secret is in the
// answer, once. Grants and scopes that are left out are those of a client with such
// redirect URIs.
func (a *Admin) CreateClient(w http.ResponseWriter, r *http.Request) error {
	in := clientBody{}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	c := client.Client{Version: 1, Created: a.now()}
	if in.ID != nil {
		c.ID = *in.ID
	}
	c.Public = in.Public != nil && *in.Public
	in.apply(&c)
	if in.Grants == nil {
		c.Grants = client.DefaultGrants(c)
	}
	if in.Scopes == nil && len(c.RedirectURIs) > 0 {
		c.Scopes = grant.Scopes()
	}
	var plain string
	if !c.Public && c.AuthMethod != client.MethodPrivateKeyJWT {
		var s client.Secret
		plain, s = client.NewSecret(a.now())
		c.Secrets = []client.Secret{s}
	}
	if err := a.check(c); err != nil {
		return err
	}
	e := audit.New(r.Context(), audit.ClientCreated, a.now())
	e.Client = c.ID
	if err := a.Clients.Create(r.Context(), c, e); err != nil {
		return err
	}
	if err := a.Registry.Refresh(r.Context(), c.ID); err != nil {
		return err
	}
	httpx.JSON(w, http.StatusCreated, withSecret{c.View(), plain})
	return nil
}

// ReadClient is GET /admin/clients/{id}.
func (a *Admin) ReadClient(w http.ResponseWriter, r *http.Request) error {
	c, err := a.Clients.ByID(r.Context(), id.Client(r.PathValue("id")))
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, c.View())
	return nil
}

// ChangeClient is PATCH /admin/clients/{id}. Its id, and whether it is public, stay.
func (a *Admin) ChangeClient(w http.ResponseWriter, r *http.Request) error {
	c, err := a.save(r, "", func(c *client.Client) error {
		in := bodyOf(*c)
		if err := httpx.DecodeJSON(w, r, &in); err != nil {
			return err
		}
		if in.ID != nil || in.Public != nil {
			return httpx.BadRequest("a client's id and kind stay; delete it and create another")
		}
		in.apply(c)
		return nil
	})
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, c.View())
	return nil
}

// AddSecret is POST /admin/clients/{id}/secrets: a new secret beside the older ones,
// which live on for "keep" (as Go writes durations; 24h by default), so that a
// client's instances can change one by one.
func (a *Admin) AddSecret(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Keep string `json:"keep"`
	}
	if r.ContentLength != 0 {
		if err := httpx.DecodeJSON(w, r, &in); err != nil {
			return err
		}
	}
	keep := client.DefaultKeep
	if in.Keep != "" {
		var err error
		if keep, err = time.ParseDuration(in.Keep); err != nil || keep < 0 {
			return httpx.BadRequest("keep is no duration, as 24h")
		}
	}
	var plain string
	c, err := a.save(r, "secret", func(c *client.Client) error {
		plain, *c = c.Renewed(a.now(), keep)
		return nil
	})
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusCreated, withSecret{c.View(), plain})
	return nil
}

// check tells whether a client can be as it is.
func (a *Admin) check(c client.Client) error {
	if err := client.Validate(c, a.Grants); err != nil {
		return unusable(err)
	}
	var have []string
	for _, alg := range a.Keys.Ring().Algorithms(a.now()) {
		have = append(have, string(alg))
	}
	return unusable(client.ValidateAlgorithms(c, have))
}

// save reads a client, changes it and writes it back with an event.
func (a *Admin) save(r *http.Request, reason string, change func(*client.Client) error) (client.Client, error) {
	c, err := a.Clients.ByID(r.Context(), id.Client(r.PathValue("id")))
	if err != nil {
		return c, err
	}
	if err := change(&c); err != nil {
		return c, err
	}
	if err := a.check(c); err != nil {
		return c, err
	}
	e := audit.New(r.Context(), audit.ClientChanged, a.now())
	e.Client, e.Reason = c.ID, reason
	if err := a.Clients.Save(r.Context(), c, e); err != nil {
		return c, err
	}
	c.Version++
	return c, a.Registry.Refresh(r.Context(), c.ID)
}

// DeleteClient is DELETE /admin/clients/{id}: 204; its sessions end with it.
func (a *Admin) DeleteClient(w http.ResponseWriter, r *http.Request) error {
	e := audit.New(r.Context(), audit.ClientDeleted, a.now())
	e.Client = id.Client(r.PathValue("id"))
	ended, err := a.Clients.Delete(r.Context(), e.Client, e)
	if err != nil {
		return err
	}
	if err := a.Registry.Refresh(r.Context(), e.Client); err != nil {
		return err
	}
	if err := a.Sessions.Mark(r.Context(), ended); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

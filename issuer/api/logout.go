package api

import (
	"errors"
	"net/http"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// Logout ends the session of a refresh token (body), or of an access token
// (header or cookie, expired or not), or with {"everywhere":true} all sessions of
// the bearer of a live one: 204, cookies cleared. A session that had ended is no
// error.
func (a *API) Logout(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Token      string `json:"refresh_token"`
		Everywhere bool   `json:"everywhere"`
	}
	if r.ContentLength != 0 {
		if err := httpx.DecodeJSON(w, r, &in); err != nil {
			return err
		}
	}
	if err := a.leave(r, in.Token, in.Everywhere); err != nil {
		if errors.Is(err, flow.ErrToken) {
			clearCookies(w) // a cookie that is no token of ours helps nobody
		}
		return err
	}
	clearCookies(w)
	noContent(w)
	return nil
}

func (a *API) leave(r *http.Request, refresh string, everywhere bool) error {
	if refresh != "" && !everywhere {
		return a.flow.SignOutRefresh(r.Context(), a.client, refresh)
	}
	access, err := accessToken(r)
	if err != nil {
		return err
	}
	if everywhere {
		return a.flow.SignOutEverywhere(r.Context(), access)
	}
	return a.flow.SignOutAccess(r.Context(), a.client, access)
}

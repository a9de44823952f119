package admin

import (
	"errors"
	"net/http"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/keys"
)

// ListKeys is GET /admin/keys.
func (a *Admin) ListKeys(w http.ResponseWriter, _ *http.Request) error {
	ring := a.Keys.Ring()
	httpx.JSON(w, http.StatusOK, struct {
		Keys    []keys.Info        `json:"keys"`
		Refresh []keys.RefreshInfo `json:"refresh_keys"`
	}{ring.List(a.now()), ring.RefreshKeys()})
	return nil
}

// RotateKeys is POST /admin/keys/rotate: the standby signs from the moment that the
// answer gives; 409 too_early with the safe time, unless forced.
func (a *Admin) RotateKeys(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Alg    keys.Algorithm `json:"alg"`
		Force  bool           `json:"force"`
		Reason string         `json:"reason"`
		DryRun bool           `json:"dry_run"`
	}
	if r.ContentLength != 0 {
		if err := httpx.DecodeJSON(w, r, &in); err != nil {
			return err
		}
	}
	t, err := a.Keys.Rotate(r.Context(), keys.RotateRequest{
		Alg: in.Alg, Force: in.Force, Reason: in.Reason, DryRun: in.DryRun, Actor: audit.OriginOf(r.Context()).Actor,
	})
	if err != nil {
		return tooEarly(err)
	}
	httpx.JSON(w, http.StatusOK, t)
	return nil
}

// RevokeKey is POST /admin/keys/{kid}/revoke: out of the JWKS before the answer, always
// obeyed; the answer says until when verifiers may still trust it.
func (a *Admin) RevokeKey(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := httpx.DecodeJSON(w, r, &in); err != nil {
		return err
	}
	if in.Reason == "" {
		return httpx.BadRequest("a reason is needed: it goes into the audit")
	}
	res, err := a.Keys.Revoke(r.Context(), r.PathValue("kid"), in.Reason, audit.OriginOf(r.Context()).Actor)
	if errors.Is(err, keys.ErrUnknownKey) {
		return keys.ErrUnknownKey // without what was given, which might be anything and goes to the log
	}
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, res)
	return nil
}

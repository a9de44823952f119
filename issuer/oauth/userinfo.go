package oauth

import (
	"net/http"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// UserInfo is the userinfo endpoint, by GET and POST (OpenID Connect Core §5.3): JSON,
// or a JWT for a client that is registered for it.
func (o *OAuth) UserInfo(w http.ResponseWriter, r *http.Request) error {
	in, err := o.presented(w, r)
	if err != nil {
		return o.challenged(r, err)
	}
	claims, c, err := o.Flow.UserInfo(r.Context(), in)
	if err != nil {
		return o.challenged(r, err)
	}
	httpx.Note(r.Context(), "client", string(c.ID))
	if c.UserinfoAlg == "" {
		httpx.JSON(w, http.StatusOK, claims)
		return nil
	}
	signed, err := o.Flow.SignUserInfo(c, claims)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", discovery.MediaJWT)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(signed)) // a client that left needs no answer
	return nil
}

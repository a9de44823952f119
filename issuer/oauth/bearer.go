package oauth

import (
	"errors"
	"net/http"

	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/verifier"
)

// presented is the access token of a request to userinfo: in the header (RFC 6750
// §2.1), or in the form of a POST (§2.2), and never in the URL (§2.3).
func (o *OAuth) presented(w http.ResponseWriter, r *http.Request) (string, error) {
	access, err := verifier.Bearer(r)
	if !errors.Is(err, verifier.ErrNoToken) || r.Method != http.MethodPost || r.ContentLength == 0 {
		return access, err
	}
	form, err := httpx.Form(w, r)
	if err != nil {
		return "", err
	}
	if access = form.Get("access_token"); access == "" {
		err = verifier.ErrNoToken
	}
	return access, err
}

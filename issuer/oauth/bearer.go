package oauth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/verifier"
)

// presented is the access token of a request to userinfo: in the header (RFC 6750
// §2.1), or in the form of a POST (§2.2), and never in the URL (§2.3). One that is bound
// to a key is in the header, with a proof (RFC 9449 §7.1).
func (o *OAuth) presented(w http.ResponseWriter, r *http.Request) (flow.Presented, error) {
	if access, ok := dpopToken(r); ok {
		return o.proved(w, r, access)
	}
	access, err := verifier.Bearer(r)
	if !errors.Is(err, verifier.ErrNoToken) || r.Method != http.MethodPost || r.ContentLength == 0 {
		return flow.Presented{Access: access}, err
	}
	form, err := httpx.Form(w, r)
	if err != nil {
		return flow.Presented{}, err
	}
	if access = form.Get("access_token"); access == "" {
		err = verifier.ErrNoToken
	}
	return flow.Presented{Access: access}, err
}

// dpopToken is the token of the one Authorization header, where its scheme is DPoP.
func dpopToken(r *http.Request) (string, bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, access, _ := strings.Cut(values[0], " ")
	return strings.Trim(access, " "), strings.EqualFold(scheme, "DPoP")
}

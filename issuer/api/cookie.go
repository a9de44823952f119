package api

import (
	"errors"
	"net/http"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/verifier"
)

// The cookies. A __Host- cookie serves resource servers on the same host; the
// refresh token goes to its one path, which __Host- doesn't allow (RFC 6265bis
// §4.1.3).
const (
	AccessCookie  = "__Host-signet_access"
	RefreshCookie = "__Secure-signet_refresh"
	refreshPath   = "/refresh"
)

// setCookies gives both tokens. The access cookie stays as long as the refresh
// cookie, longer than the token in it: logout takes an expired one.
func setCookies(w http.ResponseWriter, t flow.Tokens, maxAge int64) {
	http.SetCookie(w, httpx.Bake(AccessCookie, t.Access, "/", int(maxAge)))
	http.SetCookie(w, httpx.Bake(RefreshCookie, t.Refresh, refreshPath, int(maxAge)))
}

func clearCookies(w http.ResponseWriter) {
	http.SetCookie(w, httpx.Bake(AccessCookie, "", "/", -1))
	http.SetCookie(w, httpx.Bake(RefreshCookie, "", refreshPath, -1))
}

// cookie returns the value of a cookie, or "".
func cookie(r *http.Request, name string) (string, error) {
	value, err := verifier.Cookie(r, name)
	if errors.Is(err, verifier.ErrNoToken) {
		err = nil
	}
	return value, err
}

// accessToken returns the token of the header or of the cookie; exactly one of
// them must be there.
func accessToken(r *http.Request) (string, error) {
	baked, err := cookie(r, AccessCookie)
	if err != nil {
		return "", err
	}
	bearer, err := verifier.Bearer(r)
	switch {
	case errors.Is(err, verifier.ErrNoToken) && baked != "":
		return baked, nil
	case err == nil && baked != "":
		return "", verifier.ErrRequest
	}
	return bearer, err
}

package api

import (
	"net/http"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
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
	http.SetCookie(w, bake(AccessCookie, t.Access, "/", int(maxAge)))
	http.SetCookie(w, bake(RefreshCookie, t.Refresh, refreshPath, int(maxAge)))
}

func clearCookies(w http.ResponseWriter) {
	http.SetCookie(w, bake(AccessCookie, "", "/", -1))
	http.SetCookie(w, bake(RefreshCookie, "", refreshPath, -1))
}

func bake(name, value, path string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: path, MaxAge: maxAge,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	}
}

// cookie returns the value of a cookie, or "". The same name twice is refused:
// somebody planted one.
func cookie(r *http.Request, name string) (string, error) {
	found := r.CookiesNamed(name)
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0].Value, nil
	}
	return "", httpx.BadRequest("a cookie occurs twice")
}

// accessToken returns the token of the header or of the cookie; exactly one of
// them must be there.
func accessToken(r *http.Request) (string, error) {
	bearer, err := httpx.Bearer(r)
	if err != nil {
		return "", err
	}
	baked, err := cookie(r, AccessCookie)
	switch {
	case err != nil:
		return "", err
	case bearer != "" && baked != "":
		return "", httpx.BadRequest("an access token in the header and in a cookie")
	case bearer == "" && baked == "":
		// RFC 6750 §3: no error code where no token was given.
		return "", &httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "an access token is needed", Challenge: "Bearer"}
	}
	return bearer + baked, nil
}

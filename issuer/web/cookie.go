package web

import (
	"net/http"
	"time"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// LoginCookie says who is logged in in a browser. It is Lax, since a person who comes
// from a client's site has to be known; no more than GET comes with it from there.
const LoginCookie = "__Host-signet_login"

// Cookie is the login cookie of a browser; empty: it has none, or several, of which
// nobody could tell whose.
func (web *Web) Cookie(r *http.Request) string { return only(r, LoginCookie) }

func only(r *http.Request, name string) string {
	if found := r.CookiesNamed(name); len(found) == 1 {
		return found[0].Value
	}
	return ""
}

// welcome gives a browser what it is known by from now on.
func (web *Web) welcome(w http.ResponseWriter, e flow.Entered) {
	left := int(e.Expires.Sub(web.Now()) / time.Second)
	http.SetCookie(w, loginCookie(e.Cookie, max(left, 1)))
	httpx.GiveDevice(w, e.Device)
}

// Forget removes the login cookie.
func (web *Web) Forget(w http.ResponseWriter) { http.SetCookie(w, loginCookie("", -1)) }

func loginCookie(value string, maxAge int) *http.Cookie {
	c := httpx.Bake(LoginCookie, value, "/", maxAge)
	c.SameSite = http.SameSiteLaxMode
	return c
}

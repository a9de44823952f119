package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/issuer/session"
)

// Requests are the authorization requests that wait for a person.
type Requests interface {
	Waiting(ctx context.Context, name string) (grant.Pending, client.Client, error)
	Continue(ctx context.Context, name, cookie string) (flow.Step, error)
	Choose(ctx context.Context, name, cookie string) (flow.Step, error)
	Decide(ctx context.Context, name, cookie string, allow bool) (flow.Step, error)
	// Resources are those of an audience that a person should know of.
	Resources(c client.Client, audience []string) []string
}

// Door is how people come and go.
type Door interface {
	Enter(ctx context.Context, in flow.Entering) (flow.Entered, error)
	EnterNew(ctx context.Context, in flow.Entering) (flow.Entered, error)
	Who(ctx context.Context, cookie string) (account.User, session.Login, error)
}

// Own is what people do with their own accounts.
type Own interface {
	Overview(ctx context.Context, cookie string) (flow.Overview, error)
	Withdraw(ctx context.Context, cookie string, c id.Client) error
	ReplacePassword(ctx context.Context, cookie, old, next string) error
	Ender
}

// Ender ends people's own logins.
type Ender interface {
	EndShare(ctx context.Context, cookie string, s id.Session) error
	EndDevice(ctx context.Context, cookie string, l id.Login) error
	EndOthers(ctx context.Context, cookie string) error
}

// Flow is all that the pages ask for.
type Flow interface {
	Requests
	Door
	Own
	Logouts
}

// Config is what the face is made of.
type Config struct {
	Issuer string // URL
	Flow   Flow

	Registration bool // open
	PasswordMin  int  // characters; zero: account.DefaultPasswordMin
	Brand        Brand
	Now          func() time.Time // nil: time.Now
}

// Brand is what the pages look like.
type Brand struct {
	Name  string // empty: Signet
	Logo  string // an https URL, or a path on the issuer's host; empty: none
	Color string // #rrggbb; empty: a blue
}

// Web has a handler for each page.
type Web struct {
	Config
	base  string // the issuer URL's path, which a proxy may have put before ours
	style style
	image []string // where the brand's logo may come from
}

// New returns the face.
func New(c Config) *Web {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Brand.Name == "" {
		c.Brand.Name = "Signet"
	}
	if c.PasswordMin == 0 {
		c.PasswordMin = account.DefaultPasswordMin
	}
	web := &Web{Config: c, style: newStyle(c.Brand.Color)}
	if u, err := url.Parse(c.Issuer); err == nil {
		web.base = strings.TrimSuffix(u.EscapedPath(), "/")
	}
	switch {
	case strings.HasPrefix(c.Brand.Logo, "/"):
		web.image = []string{"'self'"}
	case imageOrigin(c.Brand.Logo) != "":
		web.image = []string{imageOrigin(c.Brand.Logo)}
	default:
		web.Brand.Logo = ""
	}
	return web
}

// Paths of the pages.
const (
	pathRoot     = "/ui/"
	pathLogin    = "/ui/login"
	pathRegister = "/ui/register"
	pathConsent  = "/ui/consent"
	pathLogout   = "/ui/logout"
	pathAccount  = "/ui/account"
	pathStatic   = "/ui/static/"
)

// Root leads to the account.
func (web *Web) Root(w http.ResponseWriter, r *http.Request) error {
	web.goTo(w, pathAccount)
	return nil
}

// goTo leads a browser to a page of ours, by GET whatever it came with (RFC 9110
// §15.4.4). pairs are the query.
func (web *Web) goTo(w http.ResponseWriter, path string, pairs ...string) {
	see(w, web.at(path, pairs...))
}

// at is the path of a page as browsers see it.
func (web *Web) at(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return web.base + path
}

// see is a redirect that no cache keeps and that a POST's body doesn't follow (RFC
// 9700 §4.12).
func see(w http.ResponseWriter, location string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// handle makes a page of an error, if there is one: no handler returns any.
func (web *Web) handle(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		web.Fail(w, r, err)
	}
	return nil
}

// requestName is the name of what waits, of a page's query. It is one of ours, or
// nothing is found by it.
func requestName(r *http.Request) string {
	name := r.URL.Query().Get("request")
	if len(name) > maxName {
		return ""
	}
	return name
}

const maxName = 128

// form reads the form of a page.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	f, err := httpx.Form(w, r)
	if err == nil && len(f.Get("request")) > maxName {
		f.Del("request")
	}
	return f, err
}

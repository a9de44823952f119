package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pages are the templates, each with the frame that all share.
var pages = parsePages("account", "consent", "error", "login", "logout", "post", "register")

func parsePages(names ...string) map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.ParseFS(pageFiles, "pages/frame.html", "pages/"+name+".html"))
	}
	return all
}

// The one script there is submits the one form of a page. It is allowed by its hash,
// which is made of what the page will hold, letter for letter.
const submitScript template.JS = "document.forms[0].submit()"

var submitHash = func() string {
	sum := sha256.Sum256([]byte(submitScript))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// frame is what all pages have.
type frame struct {
	texts
	Brand  Brand
	Style  string // path of the stylesheet
	Icon   string
	Home   string       // path of the account
	Client *application // that the page is about; nil: none
	Name   string       // of the request that waits; empty: none
	policy policy
}

func (f *frame) rules() policy { return f.policy }

// waiting is a request that waits, with its client.
type waiting struct {
	grant.Pending
	Client client.Client
}

// waiting finds a request by its name; nil where there is none, or no more.
func (web *Web) waiting(ctx context.Context, name string) (*waiting, error) {
	if name == "" {
		return nil, nil
	}
	p, c, err := web.Flow.Waiting(ctx, name)
	if errors.Is(err, flow.ErrAnswered) {
		return nil, nil
	}
	return &waiting{p, c}, err
}

// frame begins a page, about a request that waits or about none.
func (web *Web) frame(r *http.Request, about *waiting) frame {
	f := frame{
		Brand: web.Brand, Style: web.base + web.style.path, Icon: web.base + web.style.iconPath, Home: web.at(pathAccount),
		policy: policy{images: append([]string{"'self'"}, web.image...)},
	}
	var locales []string
	if about != nil {
		locales = about.Request.Locales
		f.Client = applicationOf(about.Client, about.Request.Redirect)
		f.policy.targets = targetsOf(about.Request.Redirect)
		if origin := imageOrigin(f.Client.Logo); origin != "" {
			f.policy.images = append(f.policy.images, origin)
		}
	}
	f.texts = textsOf(language(locales, r.Header.Get("Accept-Language")))
	return f
}

// application is a client as a person sees it. All of it was said by whoever
// registered it.
type application struct {
	Name, Logo, URI, Policy, Terms string
	Host                           string // where it takes its answer; a scheme for an app
}

func applicationOf(c client.Client, redirect string) *application {
	a := application{Name: c.Title(), URI: link(c.URI), Policy: link(c.PolicyURI), Terms: link(c.TermsURI), Host: hostOf(redirect)}
	if imageOrigin(c.LogoURI) != "" {
		a.Logo = c.LogoURI
	}
	return &a
}

func hostOf(redirect string) string {
	u, err := url.Parse(redirect)
	switch {
	case err != nil:
		return ""
	case u.Host == "":
		return u.Scheme
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }): // percent-encoded: decoded, it could look like another's
		return redirect
	}
	return u.Host
}

// render answers with a page. It is written whole or not at all.
func (web *Web) render(w http.ResponseWriter, status int, name string, view interface{ rules() policy }) {
	var body bytes.Buffer
	if err := pages[name].ExecuteTemplate(&body, "frame", view); err != nil {
		panic(err) // our own views always fit; the answer is a fixed 500
	}
	h := w.Header()
	view.rules().set(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that left needs no answer
}

// problem is what stands in the way of a form.
type problem struct {
	status int
	Text   string
	Field  string // id of the field it is about; empty: none alone
}

// Of tells whether it is about a field.
func (p *problem) Of(field string) bool { return p != nil && p.Field == field }

// problemOf makes one of an error, and says so in log and headers; nil where it isn't
// one that a form could be sent again for.
func (web *Web) problemOf(w http.ResponseWriter, r *http.Request, t texts, err error) *problem {
	field, again := fieldOf[Errors.Lookup(err).Code]
	if !again {
		return nil
	}
	e := Errors.Failed(w, r, err)
	return &problem{e.Status, web.sentence(t, e), field}
}

// sentence is what a person is told of an error, in their language.
func (web *Web) sentence(t texts, e *httpx.Error) string {
	name := "error." + e.Code
	if !t.has(name) {
		name = "error.invalid_request"
		if e.Status >= http.StatusInternalServerError {
			name = "error.server_error"
		}
	}
	return strings.TrimSpace(t.T(name, "wait", t.wait(e.RetryAfter), "least", web.PasswordMin, "brand", web.Brand.Name))
}

package issuer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rs/cors"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/admin"
	"github.com/signet-oidc/signet/issuer/api"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/issuer/web"
)

// policy says which browser origins a route answers.
type policy string

const (
	firstParty policy = "first-party" // ours and CORS_ORIGINS, with credentials; cross-site requests are refused
	clientApps policy = "client-apps" // CORS_ORIGINS, without credentials
	anybody    policy = "anybody"     // any origin may read: it is public
	nobody     policy = "nobody"      // no CORS
	pages      policy = "pages"       // no CORS, and no form of another site
	operators  policy = "operators"   // no CORS, and the admin's guard
)

// handler is a method of a face.
type handler func(http.ResponseWriter, *http.Request) error

// route is one line of the list of routes.
type route struct {
	pattern string // method and path, as net/http.ServeMux reads them
	policy  policy
	errors  httpx.Table
	handler handler
}

// publicRoutes is the one list of what the public address answers.
func (i *Issuer) publicRoutes() []route {
	return []route{
		{"POST /register", firstParty, api.Errors, i.api.Register},
		{"POST /login", firstParty, api.Errors, i.api.Login},
		{"POST /refresh", firstParty, api.Errors, i.api.Refresh},
		{"POST /logout", firstParty, api.Errors, i.api.Logout},
		{"POST /password", firstParty, api.Errors, i.api.Password},

		{"GET " + oauth.PathAuthorize, nobody, oauth.Errors, i.oauth.Authorize},
		{"POST " + oauth.PathAuthorize, nobody, oauth.Errors, i.oauth.AuthorizePost},
		{"GET " + oauth.PathLogout, nobody, oauth.Errors, i.oauth.Logout},
		{"POST " + oauth.PathLogout, nobody, oauth.Errors, i.oauth.LogoutPost},
		{"GET " + oauth.PathUserInfo, clientApps, oauth.Errors, i.oauth.UserInfo},
		{"POST " + oauth.PathUserInfo, clientApps, oauth.Errors, i.oauth.UserInfo},
		{"POST " + oauth.PathToken, clientApps, oauth.Errors, i.oauth.Token},
		{"POST " + oauth.PathPush, clientApps, oauth.Errors, i.oauth.Push},
		{"POST " + oauth.PathRegister, nobody, oauth.RegistrationErrors, i.oauth.Register},
		{"GET " + oauth.PathRegister + "/{client}", nobody, oauth.RegistrationErrors, i.oauth.ReadRegistration},
		{"PUT " + oauth.PathRegister + "/{client}", nobody, oauth.RegistrationErrors, i.oauth.ReplaceRegistration},
		{"DELETE " + oauth.PathRegister + "/{client}", nobody, oauth.RegistrationErrors, i.oauth.RemoveRegistration},
		{"POST " + oauth.PathRevoke, clientApps, oauth.Errors, i.oauth.Revoke},
		{"POST " + oauth.PathIntrospect, nobody, oauth.Errors, i.oauth.Introspect},
		{"GET " + oauth.PathStatus + "{list}", anybody, oauth.Errors, i.oauth.Status},
		{"GET " + discovery.PathJWKS, anybody, oauth.Errors, i.oauth.JWKS},
		{"GET " + discovery.PathOpenIDConfiguration, anybody, oauth.Errors, i.oauth.Metadata},
		{"GET " + discovery.PathAuthorizationServer, anybody, oauth.Errors, i.oauth.Metadata},

		{"GET /{$}", pages, web.Errors, i.web.Root}, // who opens the issuer's address
		{"GET /ui/{$}", pages, web.Errors, i.web.Root},
		{"GET /ui/login", pages, web.Errors, i.web.Login},
		{"POST /ui/login", pages, web.Errors, i.web.LoginPost},
		{"GET /ui/register", pages, web.Errors, i.web.Register},
		{"POST /ui/register", pages, web.Errors, i.web.RegisterPost},
		{"GET /ui/consent", pages, web.Errors, i.web.Consent},
		{"POST /ui/consent", pages, web.Errors, i.web.ConsentPost},
		{"GET /ui/logout", pages, web.Errors, i.web.Logout},
		{"POST /ui/logout", pages, web.Errors, i.web.LogoutPost},
		{"GET /ui/account", pages, web.Errors, i.web.Account},
		{"POST /ui/account/end", pages, web.Errors, i.web.End},
		{"POST /ui/account/end-others", pages, web.Errors, i.web.EndOthers},
		{"POST /ui/account/withdraw", pages, web.Errors, i.web.Withdraw},
		{"POST /ui/account/password", pages, web.Errors, i.web.Password},
		{"GET /ui/error", pages, web.Errors, i.web.Error},
		{"GET /ui/static/{file}", pages, web.Errors, i.web.Static},
		{"/ui/{rest...}", pages, web.Errors, i.web.NotFound},

		{"GET /healthz", nobody, nil, healthy},
	}
}

// operationsRoutes is the one list of what the second address answers.
func (i *Issuer) operationsRoutes() []route {
	a := i.admin
	return []route{
		{"GET /admin/keys", operators, admin.Errors, a.ListKeys},
		{"POST /admin/keys/rotate", operators, admin.Errors, a.RotateKeys},
		{"POST /admin/keys/{kid}/revoke", operators, admin.Errors, a.RevokeKey},
		{"GET /admin/users", operators, admin.Errors, a.ListUsers},
		{"POST /admin/users", operators, admin.Errors, a.CreateUser},
		{"GET /admin/users/{id}", operators, admin.Errors, a.ReadUser},
		{"PATCH /admin/users/{id}", operators, admin.Errors, a.ChangeUser},
		{"DELETE /admin/users/{id}", operators, admin.Errors, a.DeleteUser},
		{"GET /admin/clients", operators, admin.Errors, a.ListClients},
		{"POST /admin/clients", operators, admin.Errors, a.CreateClient},
		{"GET /admin/clients/{id}", operators, admin.Errors, a.ReadClient},
		{"PATCH /admin/clients/{id}", operators, admin.Errors, a.ChangeClient},
		{"DELETE /admin/clients/{id}", operators, admin.Errors, a.DeleteClient},
		{"POST /admin/clients/{id}/secrets", operators, admin.Errors, a.AddSecret},
		{"GET /admin/sessions", operators, admin.Errors, a.ListSessions},
		{"DELETE /admin/sessions", operators, admin.Errors, a.EndSessions},
		{"GET /admin/sessions/{id}", operators, admin.Errors, a.ReadSession},
		{"DELETE /admin/sessions/{id}", operators, admin.Errors, a.EndSession},
		{"GET /admin/audit", operators, admin.Errors, a.ListEvents},

		{"GET /healthz", nobody, nil, healthy},
		{"GET /readyz", nobody, nil, i.readiness},
		{"GET /metrics", nobody, nil, func(w http.ResponseWriter, r *http.Request) error {
			i.metrics.Handler().ServeHTTP(w, r)
			return nil
		}},
	}
}

// route builds both handlers from their lists.
func (i *Issuer) route() error {
	proxies, err := i.settings.proxies()
	if err != nil {
		return err
	}
	guards, err := i.guards()
	if err != nil {
		return err
	}
	serve := func(routes []route) http.Handler {
		return &httpx.Serve{Log: i.log, Proxies: proxies, Next: i.mux(routes, guards), Context: origin, Done: i.metrics.Request}
	}
	i.public, i.operations = serve(i.publicRoutes()), serve(i.operationsRoutes())
	return nil
}

// origin makes every event say where its request came from.
func origin(ctx context.Context) context.Context {
	return audit.WithOrigin(ctx, audit.Origin{Address: httpx.Address(ctx).String(), RequestID: httpx.RequestID(ctx)})
}

// guard wraps the handlers of one policy.
type guard func(http.Handler) http.Handler

func (i *Issuer) guards() (map[policy]guard, error) {
	csrf := http.NewCrossOriginProtection()
	for _, o := range i.settings.CORSOrigins {
		if err := csrf.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("SIGNET_CORS_ORIGINS: %w; write it as https://app.example.com", err)
		}
	}
	csrf.SetDenyHandler(httpx.Table{}.Handle(func(http.ResponseWriter, *http.Request) error {
		return &httpx.Error{Status: http.StatusForbidden, Code: "invalid_request", Description: "a cross-site request; SIGNET_CORS_ORIGINS names the origins that may call"}
	}))
	named := func(o string) bool { return slices.Contains(i.settings.CORSOrigins, o) }
	// AllowOriginFunc, since an empty list of origins means all of them to the library.
	own := crossOrigin(cors.Options{AllowOriginFunc: named, AllowCredentials: true, AllowedMethods: []string{"POST"}, AllowedHeaders: []string{"Authorization", "Content-Type"}})
	return map[policy]guard{
		firstParty: func(h http.Handler) http.Handler { return own(csrf.Handler(h)) },
		clientApps: crossOrigin(cors.Options{AllowOriginFunc: named, AllowedMethods: []string{"GET", "POST"}, AllowedHeaders: []string{"Authorization", "Content-Type", "DPoP"}}),
		anybody:    crossOrigin(cors.Options{AllowOriginFunc: func(string) bool { return true }, AllowedMethods: []string{"GET"}, AllowedHeaders: []string{"If-None-Match"}}),
		nobody:     func(h http.Handler) http.Handler { return h },
		pages:      i.ownForms,
		operators:  i.admin.Guard,
	}, nil
}

// ownForms refuses what another site's page sent, with a page: no origin is trusted with
// a person's login or consent.
func (i *Issuer) ownForms(h http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(i.web.CrossSite))
	return csrf.Handler(h)
}

func crossOrigin(o cors.Options) guard {
	o.ExposedHeaders = []string{"ETag", "Retry-After", "WWW-Authenticate", "DPoP-Nonce", "X-Request-Id"}
	o.MaxAge = 600
	o.OptionsSuccessStatus = http.StatusNoContent
	return cors.New(o).Handler
}

// mux registers routes; those with CORS answer a preflight as well. What matches
// none is a 404, or a 405 with Allow, in the shape of errors; of a page's address, a page.
func (i *Issuer) mux(routes []route, guards map[policy]guard) http.Handler {
	m := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range routes {
		if method, path, ok := strings.Cut(r.pattern, " "); ok { // without: by any method
			methods[path] = append(methods[path], method)
		}
		m.Handle(r.pattern, guards[r.policy](r.errors.Handle(r.handler)))
	}
	for path, allowed := range methods {
		h := notAllowed(allowed)
		for _, r := range routes {
			if strings.HasSuffix(r.pattern, " "+path) && r.policy != operators {
				if r.policy == pages {
					h = i.web.NotAllowed(allowed)
				}
				h = guards[r.policy](h)
				break
			}
		}
		m.Handle(path, h)
	}
	m.Handle("/", httpx.Table{}.Handle(notFound))
	return m
}

func notAllowed(methods []string) http.Handler {
	allow := strings.Join(methods, ", ")
	return httpx.Table{}.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allow)
		return &httpx.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Description: "this takes " + allow}
	})
}

// notFound answers what no route matches, in the one shape of errors.
func notFound(http.ResponseWriter, *http.Request) error {
	return &httpx.Error{Status: http.StatusNotFound, Code: "not_found", Description: "there is nothing here"}
}

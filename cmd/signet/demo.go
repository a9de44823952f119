package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/signet-oidc/signet/verifier"
)

// demo is a resource server as somebody else would write it: it knows the issuer's URL and nothing else of it.
type demo struct {
	verifier *verifier.Verifier
	app      demoApp
}

// demoPoll is short, so that a logout is seen while one watches; a resource server leaves it at 5 s.
const demoPoll = time.Second

// accessCookie is where `"cookies":true` puts the access token; cookies know hosts, not ports, so the demo API gets it.
const accessCookie = "__Host-signet_access"

func newDemo(ctx context.Context, issuer, audience, own string) (*demo, error) {
	v, err := verifier.New(context.WithoutCancel(ctx), verifier.Config{
		Issuer: issuer, Audience: audience, Cookie: accessCookie, Poll: demoPoll,
	})
	if err != nil {
		return nil, err
	}
	return &demo{v, demoApp{issuer, own}}, nil
}

func (d *demo) close() { d.verifier.Close() }

// handler serves the demo app, GET /protected for any token and GET /admin for those with the role.
func (d *demo) handler() http.Handler {
	mux := http.NewServeMux()
	d.app.routes(mux)
	show := http.HandlerFunc(showToken)
	mux.Handle("GET /protected", d.verifier.Middleware(show))
	mux.Handle("GET /admin", d.verifier.Middleware(verifier.RequireRole("admin")(show)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return mux
}

// showToken answers with what the verified token says.
func showToken(w http.ResponseWriter, r *http.Request) {
	tok, ok := verifier.FromContext(r.Context())
	if !ok { // a route without Middleware
		http.Error(w, "no token", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client hung up
		"message": "Hello, " + tok.Subject, "client_id": tok.ClientID, "roles": tok.Roles, "scopes": tok.Scopes,
		"expires": tok.Expiry.UTC().Format(time.RFC3339),
	})
}

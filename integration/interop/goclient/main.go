// Command goclient is a client app that logs people in with Signet, by
// golang.org/x/oauth2 and coreos/go-oidc.
//
// Its routes: / shows who is logged in, as JSON in the element "state"; /login
// begins a login (its query is passed on), /callback ends it; /refresh uses the
// refresh token; /logout ends the login here and there; /again uses the refresh
// token that the logout left behind.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	a, err := newApp(ctx)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.show)
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.page(a.callback))
	mux.HandleFunc("POST /callback", a.page(a.callback)) // response_mode=form_post
	mux.HandleFunc("GET /refresh", a.page(a.refresh))
	mux.HandleFunc("GET /again", a.page(a.again))
	mux.HandleFunc("GET /logout", a.logout)
	server := &http.Server{Addr: os.Getenv("ADDR"), Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() }) // nobody waits for an answer then
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// app is the client app of one person: it needs no cookie to know them apart.
type app struct {
	base       string // where a browser finds it
	provider   *oidc.Provider
	oauth      oauth2.Config
	endSession string

	mu      sync.Mutex
	pending map[string]pending // logins under way, by state
	now     state
	token   *oauth2.Token
	idToken string
}

type pending struct{ nonce, verifier string }

// state is what the page shows.
type state struct {
	Subject   string   `json:"sub,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	Email     string   `json:"email,omitempty"`
	Access    string   `json:"access_token,omitempty"`
	Error     string   `json:"error,omitempty"`
}

func newApp(ctx context.Context) (*app, error) {
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	if err != nil {
		return nil, err
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, err
	}
	a := &app{base: os.Getenv("BASE"), provider: provider, endSession: more.EndSession, pending: map[string]pending{}}
	a.oauth = oauth2.Config{
		ClientID: os.Getenv("CLIENT_ID"), ClientSecret: os.Getenv("CLIENT_SECRET"), Endpoint: provider.Endpoint(),
		RedirectURL: a.base + "/callback", Scopes: strings.Fields(os.Getenv("SCOPE")),
	}
	return a, nil
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	s, p := rand.Text(), pending{nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(p.nonce), oauth2.S256ChallengeOption(p.verifier)}
	for name, values := range r.URL.Query() {
		options = append(options, oauth2.SetAuthURLParam(name, values[0]))
	}
	a.mu.Lock()
	a.pending[s] = p
	a.mu.Unlock()
	http.Redirect(w, r, a.oauth.AuthCodeURL(s, options...), http.StatusFound)
}

// callback takes the answer, by query or form.
func (a *app) callback(r *http.Request) error {
	s := r.FormValue("state")
	p, ok := a.pending[s]
	delete(a.pending, s)
	if !ok {
		return errors.New("unknown state")
	}
	if code := r.FormValue("error"); code != "" {
		return errors.New(code)
	}
	token, err := a.oauth.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(p.verifier))
	if err != nil {
		return err
	}
	return a.accept(r.Context(), token, p.nonce)
}

// accept checks the tokens, asks for the person and keeps both.
func (a *app) accept(ctx context.Context, token *oauth2.Token, nonce string) error {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return errors.New("no ID token")
	}
	idToken, err := a.provider.Verifier(&oidc.Config{ClientID: a.oauth.ClientID}).Verify(ctx, raw)
	if err != nil {
		return err
	}
	if idToken.Nonce != nonce {
		return errors.New("another login's nonce")
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		return err
	}
	next := state{Access: token.AccessToken}
	if err := idToken.Claims(&next); err != nil {
		return err
	}
	person, err := a.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return err
	}
	if person.Subject != idToken.Subject {
		return errors.New("userinfo is of another person") // OIDC Core §5.3.2
	}
	next.Email = person.Email
	a.now, a.token, a.idToken = next, token, raw
	return nil
}

func (a *app) refresh(r *http.Request) error { return a.renew(r.Context(), a.token) }

func (a *app) again(r *http.Request) error { return a.renew(r.Context(), a.token) }

func (a *app) renew(ctx context.Context, old *oauth2.Token) error {
	if old == nil || old.RefreshToken == "" {
		return errors.New("no refresh token")
	}
	token, err := a.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
	if err != nil {
		return err
	}
	a.token, a.now.Access = token, token.AccessToken
	return nil
}

// logout forgets the person here, but for the tokens that "again" tries, and
// sends the browser to the provider to do the same (RP-Initiated Logout §2).
func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	query := url.Values{"id_token_hint": {a.idToken}, "post_logout_redirect_uri": {a.base + "/"}, "state": {"bye"}}
	a.now, a.idToken = state{}, ""
	http.Redirect(w, r, a.endSession+"?"+query.Encode(), http.StatusFound)
}

// page does something, alone, and goes to the page that shows how it went.
func (a *app) page(do func(r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.now.Error = ""
		if err := do(r); err != nil {
			log.Print(err)
			a.now.Error = err.Error()
			if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) {
				a.now.Error = cmp.Or(refused.ErrorCode, a.now.Error)
			}
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (a *app) show(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b, err := json.Marshal(a.now)
	if err != nil {
		http.Error(w, "no page", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!doctype html><title>goclient</title><pre id=\"state\">%s</pre>", html.EscapeString(string(b)))
}

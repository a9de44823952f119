package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/signet-oidc/signet/issuer/id"
)

// demoAppClient is the public client that the demo app logs people in as.
const demoAppClient = id.Client("demo-app")

// demoCookie keeps state and code verifier while the person is at the issuer.
const demoCookie = "demo_login"

// demoApp is a web application that lets people log in with Signet by OpenID Connect, in as few lines as show how: the
// authorization code with PKCE (RFC 6749 §4.1, RFC 7636). A real one takes a library.
type demoApp struct{ issuer, own string }

func (a demoApp) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
}

var demoPage = template.Must(template.New("demo").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Demo app</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}</style>
<h1>Demo app</h1>
{{if .Claims}}<p>You are logged in. This is what userinfo says:</p><pre id="claims">{{.Claims}}</pre>
<p><a id="logout" href="{{.Logout}}">Log out</a></p>
{{else}}{{with .Problem}}<p id="problem" role="alert">The login didn't work: {{.}}. Begin again:</p>
{{end}}<p><a id="login" href="/login">Log in with Signet</a> ({{.User}}, password {{.Password}})</p>{{end}}
`))

// demoView is what demoPage shows.
type demoView struct{ Claims, Logout, User, Password, Problem string }

func (a demoApp) home(w http.ResponseWriter, _ *http.Request) {
	_ = demoPage.Execute(w, demoView{User: demoUser, Password: demoPassword}) // the browser left
}

func (a demoApp) redirect() string { return a.own + "/callback" }

// login sends the browser to the authorization endpoint.
func (a demoApp) login(w http.ResponseWriter, r *http.Request) {
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	http.SetCookie(w, &http.Cookie{
		Name: demoCookie, Value: state + "." + verifier, Path: "/", MaxAge: 600, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, a.issuer+"/oauth/authorize?"+url.Values{
		"client_id": {string(demoAppClient)}, "redirect_uri": {a.redirect()}, "response_type": {"code"}, "scope": {"openid profile email roles"},
		"state": {state}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode(), http.StatusSeeOther)
}

// callback takes the code, exchanges it and shows what userinfo says.
func (a demoApp) callback(w http.ResponseWriter, r *http.Request) {
	view, err := a.enter(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_ = demoPage.Execute(w, demoView{User: demoUser, Password: demoPassword, Problem: err.Error()})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: demoCookie, Path: "/", MaxAge: -1})
	w.Header().Set("Cache-Control", "no-store")
	_ = demoPage.Execute(w, view) // the browser left
}

func (a demoApp) enter(r *http.Request) (demoView, error) {
	kept, err := r.Cookie(demoCookie)
	if err != nil {
		return demoView{}, errors.New("it was begun in another browser or long ago, or this page was loaded twice")
	}
	state, verifier, _ := strings.Cut(kept.Value, ".")
	q := r.URL.Query()
	switch {
	case q.Get("state") != state || q.Get("iss") != a.issuer: // RFC 9700 §2.1, RFC 9207
		return demoView{}, errors.New("the answer is to another request")
	case q.Get("error") != "":
		return demoView{}, fmt.Errorf("%.100q", q.Get("error"))
	}
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	err = a.call(r.Context(), "/oauth/token", "", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {string(demoAppClient)}, "code": {q.Get("code")},
		"redirect_uri": {a.redirect()}, "code_verifier": {verifier},
	}, &tokens)
	if err != nil {
		return demoView{}, err
	}
	var claims json.RawMessage
	var shown bytes.Buffer
	if err := a.call(r.Context(), "/oidc/userinfo", tokens.Access, nil, &claims); err != nil {
		return demoView{}, err
	}
	if err := json.Indent(&shown, claims, "", "  "); err != nil {
		return demoView{}, err
	}
	leave := url.Values{"id_token_hint": {tokens.ID}, "post_logout_redirect_uri": {a.own + "/"}}
	return demoView{Claims: shown.String(), Logout: a.issuer + "/oidc/logout?" + leave.Encode()}, nil
}

// call posts a form to the issuer and reads its JSON.
func (a demoApp) call(ctx context.Context, path, access string, form url.Values, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %.200s", path, res.StatusCode, body)
	}
	return json.Unmarshal(body, into)
}

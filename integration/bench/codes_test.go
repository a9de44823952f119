package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	appID       = "app"
	appRedirect = "https://app.example.com/callback"
	codeProof   = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

	// A person has at most a hundred sessions, and another ends with each further one:
	// these are so many people that nobody comes near, over the ten slices of a run, and
	// that a slice is long enough for the kernel's ticks.
	browsersOf    = 384
	codesOf       = 4  // of each, a slice
	browsersQuick = 64 // the same without -full
	codesOfQuick  = 4
	cookieOfLogin = "__Host-signet_login"
)

// exchange presents authorization codes, as a confidential client with PKCE that gets an
// ID token too.
func (s server) exchange(name string, store int) *target {
	s.t.Helper()
	var added struct {
		Secret string `json:"client_secret"`
	}
	out := s.run("clients", "add", "--id", appID, "--scope", "openid", "--scope", "email", "--audience", audience, "--json", "--trusted",
		"--grant", "authorization_code", "--grant", "refresh_token", "--redirect-uri", appRedirect)
	if err := json.Unmarshal([]byte(out), &added); err != nil {
		s.t.Fatal(err)
	}
	tg := s.target(name, "POST", "/oauth/token", store)
	tg.job.Header = []string{formType, "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(appID+":"+added.Secret))}
	cookies := s.browsers()
	tg.codes = func(l lengths) []string { return s.codes(cookies, l) }
	return tg
}

// browsers has people register on the page, and returns their login cookies.
func (s server) browsers() []string {
	s.t.Helper()
	n := browsersQuick
	if *full {
		n = browsersOf
	}
	cookies := make([]string, n)
	s.each(n, func(i int) error {
		form := url.Values{"email": {address(sessionsOf + i)}, "password": {password}}
		status, header, err := s.browse(http.MethodPost, "/ui/register", form.Encode(), "")
		if err != nil {
			return err
		}
		for _, line := range header["Set-Cookie"] {
			if strings.HasPrefix(line, cookieOfLogin+"=") {
				cookies[i], _, _ = strings.Cut(line, ";")
			}
		}
		if cookies[i] == "" {
			return fmt.Errorf("no login cookie: %s", status)
		}
		return nil
	})
	return cookies
}

// codes are as many as a slice exchanges, made by browsers that need not be asked.
func (s server) codes(cookies []string, l lengths) []string {
	s.t.Helper()
	each := codesOfQuick
	if l == stated {
		each = codesOf
	}
	sum := sha256.Sum256([]byte(codeProof))
	query := url.Values{
		"client_id": {appID}, "redirect_uri": {appRedirect}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	bodies := make([]string, len(cookies)*each)
	s.each(len(bodies), func(i int) error {
		status, header, err := s.browse(http.MethodGet, "/oauth/authorize?"+query, "", cookies[i%len(cookies)])
		if err != nil {
			return err
		}
		to, err := url.Parse(header.Get("Location"))
		if err != nil || to.Query().Get("code") == "" {
			return fmt.Errorf("no code: %s, %q, %w", status, to, err)
		}
		bodies[i] = url.Values{
			"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {appRedirect}, "code_verifier": {codeProof},
		}.Encode()
		return nil
	})
	return bodies
}

// each does something n times, as many at once as there are cores.
func (s server) each(n int, do func(i int) error) {
	s.t.Helper()
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i := range n {
		g.Go(func() error { return do(i) })
	}
	if err := g.Wait(); err != nil {
		s.t.Fatal(err)
	}
}

// browse is one request of a browser; redirects aren't followed.
func (s server) browse(method, path, form, cookie string) (status string, header http.Header, err error) {
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.addr+path, strings.NewReader(form))
	if err != nil {
		return "", nil, err
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return "", nil, err
	}
	return resp.Status, resp.Header, resp.Body.Close()
}

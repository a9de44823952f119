package rotate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	// keepTokens is how many of its last access tokens an app goes on using
	// beside the newest: tokens of keys that have retired must stay good.
	keepTokens = 64
	// expiryMargin before its end a token isn't used: it would expire on its way.
	expiryMargin = 3 * time.Second
)

// app is a session of a client: it refreshes and shows its tokens to verifiers.
type app struct {
	issuer, client string
	refresh        string // token
	recent         []held
}

// held is an access token that an app has.
type held struct {
	token   string
	expires time.Time
}

type tokenResponse struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn int    `json:"expires_in"`
}

// signIn opens the app's session by the password grant.
func (a *app) signIn(ctx context.Context, email, password string) error {
	return a.exchange(ctx, url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}})
}

// renew refreshes once. An answer that doesn't come leaves the app with the
// token that it had.
func (a *app) renew(ctx context.Context) error {
	return a.exchange(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.refresh}})
}

func (a *app) exchange(ctx context.Context, form url.Values) error {
	form.Set("client_id", a.client)
	resp, err := postForm(ctx, a.issuer+"/oauth/token", form)
	if err != nil {
		return err
	}
	var t tokenResponse
	if err := resp.read(http.StatusOK, &t); err != nil {
		return fmt.Errorf("token endpoint: %w", err)
	}
	a.refresh = t.Refresh
	a.recent = append(a.recent, held{t.Access, time.Now().Add(time.Duration(t.ExpiresIn) * time.Second)})
	a.recent = a.recent[max(0, len(a.recent)-keepTokens):]
	return nil
}

// tokens are the newest access token and one of the older ones that still live.
func (a *app) tokens() []string {
	last := len(a.recent) - 1
	out := []string{a.recent[last].token}
	if last == 0 {
		return out
	}
	if old := a.recent[rand.IntN(last)]; time.Until(old.expires) > expiryMargin {
		out = append(out, old.token)
	}
	return out
}

// turn is one refresh, with one retry, and the use of two tokens.
func (a *app) turn(ctx context.Context, t *Tally, show func(token string)) {
	err := a.renew(ctx)
	if err != nil && ctx.Err() == nil {
		t.Retried(refreshing)
		err = a.renew(ctx)
	}
	if ctx.Err() != nil {
		return // the run is over
	}
	if err != nil {
		t.Failed(refreshing, err)
		return
	}
	tokens := a.tokens()
	t.Done(refreshing, kidOf(tokens[0]), time.Time{})
	for _, token := range tokens {
		show(token)
	}
}

// run takes a turn at each tick until ctx ends.
func (a *app) run(ctx context.Context, every time.Duration, t *Tally, show func(token string)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			a.turn(ctx, t, show)
		}
	}
}

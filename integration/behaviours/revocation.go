package behaviours

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// revocation are the behaviours around what was revoked: the Token Status List
// (draft-ietf-oauth-status-list), and asking (RFC 7662).
func revocation() []Behaviour {
	list := func(name string, check func(*Trial) error) Behaviour {
		return Behaviour{Point: 3, Name: name, Needs: Fetches | Status, Check: check}
	}
	ask := func(name string, check func(*Trial) error) Behaviour {
		return Behaviour{Point: 3, Name: name, Needs: Introspects, Check: check}
	}
	return []Behaviour{
		list("a revoked session is refused within 15 s, as set by default", revokedByDefault),
		list("polls the list with If-None-Match", listRevalidates),
		list("takes no list that is forged, another's, expired or older", hostileLists),
		list("the last list goes on while the issuer is away", lastListGoesOn),
		list("fails closed after a stated age, if asked to", failsClosed),
		list("a list never seen is waited for 5 s at most, and blames no token", listNeverComes),
		list("fetches no list that isn't the issuer's", listElsewhere),
		ask("introspection: active and ended are told apart", introspected),
		ask("introspection: an issuer away or odd isn't \"ended\"", introspectionAway),
		ask("introspection: its secret isn't carried over a redirect", introspectionRedirected),
	}
}

// sessions opens the library and has it take two sessions, 1 and 2.
func (t *Trial) sessions(changes ...func(*Setup)) (verify Verify, one, two string, err error) {
	one, two = t.Issuer.Session(1), t.Issuer.Session(2)
	if verify, err = t.opened(changes...); err != nil {
		return nil, "", "", err
	}
	return verify, one, two, errors.Join(t.wantTaken(verify, "one session", one), t.wantTaken(verify, "another session", two))
}

// refusedSoon wants raw refused as revoked within a time.
func (t *Trial) refusedSoon(verify Verify, raw string, within time.Duration) error {
	var last error
	if !t.until(within, func() bool { last = t.ask(verify, raw); return last != nil }) {
		return fmt.Errorf("the session is still in after %v", within)
	}
	if why := t.why(last); why != Revoked {
		return fmt.Errorf("the error is %q: %w", why, last)
	}
	return nil
}

func revokedByDefault(t *Trial) error {
	verify, one, two, err := t.sessions()
	if err != nil {
		return err
	}
	t.Issuer.Revoke(1)
	if err := t.refusedSoon(verify, one, 15*time.Second); err != nil {
		return err
	}
	return t.wantTaken(verify, "another session", two)
}

func listRevalidates(t *Trial) error {
	// The same list each time: a fresh signature would be another text.
	list := t.Issuer.List(nil)
	t.Issuer.Answer(statusPath, func(w http.ResponseWriter, r *http.Request) {
		t.Issuer.document(w, r, "application/statuslist+jwt", []byte(list))
	})
	if _, _, _, err := t.sessions(refreshQuickly); err != nil {
		return err
	}
	if !t.until(5*quick, func() bool { return t.Issuer.Conditional(statusPath) > 0 }) {
		return fmt.Errorf("%d fetches, none of them conditional", t.Issuer.Hits(statusPath))
	}
	return nil
}

// hostileLists say that nobody was revoked. Each has an issuer of its own: a
// library may look less and less often at one that talks nonsense.
func hostileLists(t *Trial) error {
	var wg sync.WaitGroup
	faults := make([]error, len(badLists))
	for n, bad := range badLists {
		wg.Go(func() { faults[n] = guarded(func() error { return t.hostileList(bad) }) })
	}
	wg.Wait()
	return errors.Join(faults...)
}

func (t *Trial) hostileList(bad badList) error {
	t, err := t.another()
	if err != nil {
		return err
	}
	t.Issuer.Revoke(100)
	old := t.Issuer.List(nil)
	verify, one, two, err := t.sessions(refreshQuickly)
	if err != nil {
		return err
	}
	t.Issuer.Revoke(1)
	if err := t.refusedSoon(verify, one, 5*quick); err != nil {
		return err
	}
	list := bad.of(t.Issuer, old)
	t.Issuer.Answer(statusPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(list)) })
	before := t.Issuer.Hits(statusPath)
	if !t.until(5*quick, func() bool { return t.Issuer.Hits(statusPath) > before }) {
		return fmt.Errorf("%s: the library stopped looking", bad.name)
	}
	t.wait(quick / 2)
	return errors.Join(t.wantRefused(verify, bad.name+": the revoked session", one), t.wantTaken(verify, "another session", two))
}

// badList is a list that isn't the issuer's word for its address now; old is an
// earlier one.
type badList struct {
	name string
	of   func(i *Issuer, old string) string
}

var badLists = []badList{
	{"forged", func(i *Issuer, _ string) string {
		attacker := newEC("ES256")
		attacker.kid = i.signing().kid
		return attacker.sign(`{"alg":"ES256","kid":"`+attacker.kid+`","typ":"statuslist+jwt"}`, i.clear(nil))
	}},
	{"older", func(_ *Issuer, old string) string { return old }},
	{"another's address", func(i *Issuer, _ string) string {
		return i.listed("statuslist+jwt", claims{"sub": i.URL + statusFolder + "/2"})
	}},
	{"another's issuer", func(i *Issuer, _ string) string {
		return i.listed("statuslist+jwt", claims{"iss": "https://evil.example.com"})
	}},
	{"expired", func(i *Issuer, _ string) string { return i.listed("statuslist+jwt", claims{"exp": seconds(-3600)}) }},
	{"an access token", func(i *Issuer, _ string) string { return i.listed("at+jwt", nil) }},
	{"not a list", func(*Issuer, string) string { return "<html></html>" }},
}

// listed is a list on which nobody is revoked, signed by the issuer.
func (i *Issuer) listed(typ string, change claims) string {
	k := i.signing()
	return k.sign(`{"alg":"ES256","kid":"`+k.kid+`","typ":"`+typ+`"}`, i.clear(change))
}

func (i *Issuer) clear(change claims) string {
	return i.listClaims(func(c map[string]any) {
		c["version"], c["status_list"] = 1000, claims{"bits": 1, "lst": pack(make([]byte, 1024))}
		maps.Copy(c, change)
	})
}

func lastListGoesOn(t *Trial) error {
	verify, one, two, err := t.sessions(refreshQuickly)
	if err != nil {
		return err
	}
	t.Issuer.Revoke(1)
	if err := t.refusedSoon(verify, one, 5*quick); err != nil {
		return err
	}
	t.Issuer.Down(true)
	t.wait(3 * quick)
	return errors.Join(t.wantRefused(verify, "the revoked session", one), t.wantTaken(verify, "another session", two))
}

func failsClosed(t *Trial) error {
	verify, one, _, err := t.sessions(func(s *Setup) { s.Refresh, s.MaxAge = quick, 3*quick })
	if err != nil {
		return err
	}
	t.Issuer.Answer(statusPath, constant(http.StatusInternalServerError, ""))
	var last error
	if !t.until(8*quick, func() bool { last = t.ask(verify, one); return last != nil }) {
		return errors.New("a list of any age is good enough")
	}
	if why := t.why(last); why != Unavailable {
		return fmt.Errorf("the error is %q: %w", why, last)
	}
	return nil
}

func listNeverComes(t *Trial) error {
	verify, err := t.opened()
	if err != nil {
		return err
	}
	t.Issuer.Answer(statusPath, t.Issuer.stall)
	err = t.ask(verify, t.Issuer.Session(1))
	switch {
	case err == nil:
		return errors.New("a token whose status nobody knows was taken")
	case errors.Is(err, errHung):
		return fmt.Errorf("a token whose status nobody knows: %w", err)
	}
	if why := t.why(err); why != Unavailable {
		return fmt.Errorf("the error is %q: %w", why, err)
	}
	return nil
}

func listElsewhere(t *Trial) error {
	evil, err := t.newIssuer()
	if err != nil {
		return err
	}
	var bad []token
	for _, uri := range []string{evil.URL + statusPath, strings.Replace(t.Issuer.URL, "http://", "http://x@", 1) + statusPath, t.Issuer.URL + statusFolder + "/../admin"} {
		bad = append(bad, token{"a list at " + uri, t.Issuer.Claims(claims{"status": t.Issuer.status(1, uri)})})
	}
	if err := t.refuses(bad); err != nil {
		return err
	}
	return atMost("requests elsewhere", evil.Hits("")+t.Issuer.Hits("/oauth/admin"), 0)
}

// introspecting opens the library's client and has it find a session active.
func (t *Trial) introspecting() (Introspect, string, error) {
	raw := t.Issuer.Good()
	t.Issuer.setActive(raw, true)
	s := Setup{Issuer: t.Issuer.URL, ClientID: "api", Secret: clientSecret}
	ask, err := t.Library.Introspect(t.ctx, s)
	if err != nil {
		return nil, "", err
	}
	if active, err := ask(t.ctx, t.Issuer.Good()); err != nil || active {
		return nil, "", fmt.Errorf("a token nobody knows: %v, %w", active, err)
	}
	if active, err := ask(t.ctx, raw); err != nil || !active {
		return nil, "", fmt.Errorf("an active token: %v, %w", active, err)
	}
	return ask, raw, nil
}

func (i *Issuer) setActive(raw string, active bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active[raw] = active
}

func introspected(t *Trial) error {
	ask, raw, err := t.introspecting()
	if err != nil {
		return err
	}
	t.Issuer.setActive(raw, false)
	if active, err := ask(t.ctx, raw); err != nil || active {
		return fmt.Errorf("an ended token: %v, %w", active, err)
	}
	return nil
}

func introspectionAway(t *Trial) error {
	ask, raw, err := t.introspecting()
	if err != nil {
		return err
	}
	for name, answer := range map[string]http.HandlerFunc{
		"status 500": constant(500, `{"active":false}`), "not JSON": constant(200, `<html></html>`), "active is a string": constant(200, `{"active":"true"}`), "active twice": constant(200, `{"active":false,"active":true}`),
		"no active": constant(200, `{}`),
	} {
		t.Issuer.Answer(introspectPath, answer)
		if active, err := ask(t.ctx, raw); err == nil {
			return fmt.Errorf("%s: %v without an error", name, active)
		}
	}
	t.Issuer.Down(true)
	if active, err := ask(t.ctx, raw); err == nil {
		return fmt.Errorf("away: %v without an error", active)
	}
	return nil
}

func introspectionRedirected(t *Trial) error {
	evil, err := t.newIssuer()
	if err != nil {
		return err
	}
	ask, raw, err := t.introspecting()
	if err != nil {
		return err
	}
	t.Issuer.Answer(introspectPath, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, evil.URL+introspectPath, http.StatusTemporaryRedirect)
	})
	_, _ = ask(t.ctx, raw)
	return atMost("requests elsewhere", evil.Hits(""), 0)
}

package behaviours

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// quick is the pace that is set, where it can be, so that time passes sooner.
const quick = time.Second

func refreshQuickly(s *Setup) { s.Refresh = quick }

// keySets are the behaviours around the issuer's keys.
func keySets() []Behaviour {
	key := func(name string, check func(*Trial) error) Behaviour {
		return Behaviour{Point: 2, Name: name, Needs: Fetches, Check: check}
	}
	set := func(name string, tokens func(i *Issuer) []token) Behaviour {
		b := refuse(name, tokens)
		b.Point = 2
		return b
	}
	return []Behaviour{
		key("knows a new key at once", newKeyAtOnce),
		key("100 callers with a new key share its fetch", sharedFetch),
		key("1,000 random kids: four fetches beyond the poll's; known keys go on", randomKids),
		key("a withdrawn key is gone within 15 s, as set by default", withdrawnByDefault),
		key("a withdrawn key is gone within three refreshes of 1 s", withdrawnQuickly),
		key("revalidates with If-None-Match", revalidates),
		key("a known key doesn't wait for an issuer that hangs", knownNeverWaits),
		key("an unknown key waits 5 s at most for an issuer that hangs", unknownWaitsBounded),
		key("known keys go on while the issuer is away", outageGoesOn),
		key("… for a stated time, then an error that blames no token", outageEnds),
		key("starts while the issuer is away, and heals", startsWithout),
		set("a key of unknown kind doesn't take the others away", unknownKinds),
		set("a malformed key doesn't take the others away", malformedKeys),
		set("trusts no private or symmetric key in the set", privateKeys),
		set("trusts no RSA key of 1,024 bits", weakKeys),
		set("trusts no key for encryption", encryptionKeys),
		key("an empty, broken or failing set never replaces keys", badSets),
		key("an endless set is cut", endlessSet),
		key("the set's redirects aren't followed", redirectedSet),
		key("plain http is refused, loopback apart", plainHTTP),
		{Point: 2, Name: "the discovery document of another issuer is refused", Needs: Fetches | Discovers, Check: otherDiscovery},
	}
}

// opened is a library that has taken a good token, and refused a bad one.
func (t *Trial) opened(changes ...func(*Setup)) (Verify, error) {
	verify, err := t.open(changes...)
	if err != nil {
		return nil, err
	}
	return verify, errors.Join(
		t.wantTaken(verify, "a good token", t.Issuer.Good()),
		t.wantRefused(verify, "a token with another's signature", t.Issuer.Altered()))
}

func newKeyAtOnce(t *Trial) error {
	verify, err := t.opened()
	if err != nil {
		return err
	}
	t.Issuer.Rotate()
	return t.wantTaken(verify, "a token of the new key", t.Issuer.Good())
}

func sharedFetch(t *Trial) error {
	verify, err := t.opened()
	if err != nil {
		return err
	}
	t.Issuer.Answer(jwksPath, func(w http.ResponseWriter, r *http.Request) {
		t.wait(500 * time.Millisecond)
		t.Issuer.serve(w, r)
	})
	t.Issuer.Rotate()
	raw, before := t.Issuer.Good(), t.Issuer.Hits(jwksPath)
	var wg sync.WaitGroup
	var refused atomic.Int32
	for range 100 {
		wg.Go(func() {
			if t.ask(verify, raw) != nil {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	if n := refused.Load(); n > 0 {
		return fmt.Errorf("%d of 100 were refused", n)
	}
	return atMost("fetches", t.Issuer.Hits(jwksPath)-before, 2) // one may be the poll's
}

func atMost(what string, n, most int) error {
	if n > most {
		return fmt.Errorf("%d %s, want %d at most", n, what, most)
	}
	return nil
}

// randomKids holds also what a stranger's tokens cost those that are known.
func randomKids(t *Trial) error {
	verify, err := t.opened()
	if err != nil {
		return err
	}
	good := t.Issuer.Good()
	rest := good[strings.IndexByte(good, '.'):]
	began, before := time.Now(), t.Issuer.Hits(jwksPath)
	for n := range 1000 {
		header := b64(fmt.Appendf(nil, `{"alg":"ES256","kid":"random-%d","typ":"at+jwt"}`, n))
		if err := t.wantRefused(verify, "a random kid", header+rest); err != nil {
			return err
		}
		if n%100 == 0 {
			if err := t.wantTaken(verify, "a known key's token", t.Issuer.Good()); err != nil {
				return err
			}
		}
	}
	polls := int(time.Since(began)/(4*time.Second)) + 1
	return atMost("fetches", t.Issuer.Hits(jwksPath)-before, 4+polls)
}

func withdrawnByDefault(t *Trial) error { return withdrawn(t, 15*time.Second) }

func withdrawnQuickly(t *Trial) error { return withdrawn(t, 3*quick+time.Second, refreshQuickly) }

func withdrawn(t *Trial, within time.Duration, changes ...func(*Setup)) error {
	verify, err := t.opened(changes...)
	if err != nil {
		return err
	}
	raw := t.Issuer.Good()
	if err := t.wantTaken(verify, "a token before", raw); err != nil {
		return err
	}
	t.Issuer.Withdraw(t.Issuer.Rotate())
	if !t.until(within, func() bool { return t.ask(verify, raw) != nil }) {
		return fmt.Errorf("it is still trusted after %v", within)
	}
	return t.wantTaken(verify, "a token of the next key", t.Issuer.Good())
}

func revalidates(t *Trial) error {
	verify, err := t.opened(refreshQuickly)
	if err != nil {
		return err
	}
	asked := func() bool {
		_ = t.ask(verify, t.Issuer.Good()) // some fetch only when asked
		return t.Issuer.Conditional(jwksPath) > 0
	}
	if !t.until(5*quick, asked) {
		return fmt.Errorf("%d fetches, none of them conditional", t.Issuer.Hits(jwksPath))
	}
	return nil
}

func knownNeverWaits(t *Trial) error {
	verify, err := t.opened(refreshQuickly)
	if err != nil {
		return err
	}
	t.Issuer.Answer(jwksPath, t.Issuer.stall)
	for range 4 {
		t.wait(quick)
		began := time.Now()
		if err := t.wantTaken(verify, "a known key's token", t.Issuer.Good()); err != nil {
			return err
		}
		if took := time.Since(began); took > time.Second {
			return fmt.Errorf("it took %v", took.Round(time.Millisecond))
		}
	}
	return nil
}

func unknownWaitsBounded(t *Trial) error {
	verify, err := t.opened()
	if err != nil {
		return err
	}
	t.Issuer.Answer(jwksPath, t.Issuer.stall)
	return t.wantRefused(verify, "a token of a new key", t.Issuer.By(newEC("ES256")))
}

func outageGoesOn(t *Trial) error {
	verify, err := t.opened(refreshQuickly)
	if err != nil {
		return err
	}
	t.Issuer.Down(true)
	for range 5 {
		t.wait(quick)
		if err := t.wantTaken(verify, "a known key's token", t.Issuer.Good()); err != nil {
			return err
		}
	}
	t.Issuer.Down(false)
	return t.wantTaken(verify, "a token afterwards", t.Issuer.Good())
}

func outageEnds(t *Trial) error {
	verify, err := t.opened(func(s *Setup) { s.Refresh, s.Outage = quick, 2*quick })
	if err != nil {
		return err
	}
	t.Issuer.Down(true)
	var last error
	if !t.until(8*quick, func() bool { last = t.ask(verify, t.Issuer.Good()); return last != nil }) {
		return errors.New("keys that nobody confirms are trusted on")
	}
	if why := t.why(last); why != Unavailable {
		return fmt.Errorf("the error is %q: %w", why, last)
	}
	return nil
}

func startsWithout(t *Trial) error {
	t.Issuer.Down(true)
	verify, err := t.open()
	if err != nil {
		return err
	}
	if err := t.wantRefused(verify, "a token while no key is known", t.Issuer.Good()); err != nil {
		return err
	}
	t.Issuer.Down(false)
	if !t.until(10*time.Second, func() bool { return t.ask(verify, t.Issuer.Good()) == nil }) {
		return fmt.Errorf("not healed after 10 s: %w", t.ask(verify, t.Issuer.Good()))
	}
	return nil
}

func unknownKinds(i *Issuer) []token {
	i.PublishRaw(
		map[string]any{"kty": "LMS", "kid": "lms", "use": "sig", "pub": "AAAA"}, map[string]any{"kty": "AKP", "kid": "akp", "alg": "ML-DSA-65", "pub": "AAAA"},
		map[string]any{"kty": "EC", "crv": "secp256k1", "kid": "k1", "alg": "ES256K", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		map[string]any{"kty": "OKP", "crv": "Ed448", "kid": "ed448", "alg": "EdDSA", "x": b64(make([]byte, 57))},
	)
	return []token{{"altered", i.Altered()}}
}

func malformedKeys(i *Issuer) []token {
	ones := strings.Repeat("\x01", 32)
	i.PublishRaw(
		map[string]any{"kty": "EC", "crv": "P-256", "kid": "off the curve", "alg": "ES256", "x": b64([]byte(ones)), "y": b64([]byte(ones))},
		map[string]any{"kty": "RSA", "kid": "no modulus", "alg": "RS256", "e": "AQAB"}, map[string]any{"kid": "no kty"},
		map[string]any{"kty": "EC", "crv": "P-256", "kid": "not base64", "alg": "ES256", "x": "*", "y": "*"}, map[string]any{"kty": 7}, 7, nil, "x",
	)
	return []token{{"altered", i.Altered()}}
}

func privateKeys(i *Issuer) []token {
	secret := []byte("a secret of thirty-two bytes, no")
	i.PublishRaw(map[string]any{"kty": "oct", "kid": "oct", "alg": "HS256", "use": "sig", "k": b64(secret)})
	signed := b64([]byte(`{"alg":"HS256","kid":"oct","typ":"at+jwt"}`)) + "." + b64([]byte(i.with(nil)))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	private := newEC("ES256")
	i.Publish(private.published(map[string]any{"d": privatePart(private)}))
	return []token{{"HS256 by a symmetric key in the set", signed + "." + b64(mac.Sum(nil))}, {"by a key published with its private part", i.By(private)}}
}

func weakKeys(i *Issuer) []token {
	weak := newRSA("RS256", rsaWeak())
	i.Publish(weak)
	return []token{{"RS256 by a key of 1,024 bits", i.By(weak)}}
}

func encryptionKeys(i *Issuer) []token {
	enc, ops := newEC("ES256"), newEC("ES256")
	i.Publish(enc.published(map[string]any{"use": "enc"}), ops.published(map[string]any{"use": nil, "key_ops": []string{"deriveKey"}}))
	return []token{{"by a key with use enc", i.By(enc)}, {"by a key with key_ops deriveKey", i.By(ops)}}
}

// badSets has each library look at them: by its refresh, or by an unknown kid.
func badSets(t *Trial) error {
	verify, err := t.opened(refreshQuickly)
	if err != nil {
		return err
	}
	for name, answer := range map[string]http.HandlerFunc{
		"empty": constant(200, `{"keys":[]}`), "no keys": constant(200, `{}`), "HTML": constant(200, `<html></html>`), "status 500": constant(500, `{"keys":[]}`),
	} {
		t.Issuer.Answer(jwksPath, answer)
		_ = t.ask(verify, t.Issuer.By(newEC("ES256")))
		for range 2 {
			t.wait(quick)
			if err := t.wantTaken(verify, name+": a known key's token", t.Issuer.Good()); err != nil {
				return err
			}
		}
	}
	t.Issuer.Answer(jwksPath, nil)
	return nil
}

// looks waits until the library asks for the keys again: by its own pace, or for
// a kid that it doesn't know.
func (t *Trial) looks(verify Verify) error {
	before := t.Issuer.Hits(jwksPath)
	asked := func() bool {
		_, _ = t.ask(verify, t.Issuer.By(newEC("ES256"))), t.ask(verify, t.Issuer.Good())
		return t.Issuer.Hits(jwksPath) > before
	}
	if !t.until(5*quick, asked) {
		return errors.New("it never looked again")
	}
	return nil
}

// endlessEnd is where the server ends the endless set: far beyond what the
// buffers between the two can hold of it.
const endlessEnd = 32 << 20

func endlessSet(t *Trial) error {
	verify, err := t.opened(refreshQuickly)
	if err != nil {
		return err
	}
	var read, cut atomic.Bool
	t.Issuer.Answer(jwksPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 64<<10))
		for sent := 0; sent < endlessEnd; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				cut.Store(true)
				return
			}
		}
		read.Store(true)
	})
	if err := t.looks(verify); err != nil {
		return err
	}
	t.until(patience, func() bool { return cut.Load() || read.Load() })
	if read.Load() || !cut.Load() {
		return fmt.Errorf("read to the end, %d MiB: %v", endlessEnd>>20, read.Load())
	}
	return t.wantTaken(verify, "a known key's token", t.Issuer.Good())
}

func redirectedSet(t *Trial) error {
	evil, err := t.newIssuer()
	if err != nil {
		return err
	}
	verify, err := t.opened(refreshQuickly)
	if err != nil {
		return err
	}
	t.Issuer.Answer(jwksPath, redirect(evil.URL+jwksPath))
	if err := t.looks(verify); err != nil {
		return err
	}
	raw := evil.ec.sign(evil.ec.header(""), t.Issuer.with(nil))
	if err := t.wantRefused(verify, "a token of the key behind the redirect", raw); err != nil {
		return err
	}
	return atMost("requests to the other server", evil.Hits(""), 0)
}

// plainHTTP gives the issuer a name that isn't loopback's, and a client that finds
// it nevertheless.
func plainHTTP(t *Trial) error {
	addr := strings.TrimPrefix(t.Issuer.URL, "http://")
	const name = "http://issuer.example.com"
	dialer := &net.Dialer{}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, addr)
	}}
	defer transport.CloseIdleConnections()
	t.Issuer.mu.Lock()
	t.Issuer.URL, t.Issuer.meta = name, metadata(name)
	t.Issuer.mu.Unlock()
	verify, err := t.open(func(s *Setup) { s.Client = &http.Client{Transport: transport} })
	if err != nil && t.Issuer.Hits("") == 0 {
		return nil // refused before a byte was sent
	}
	if err != nil {
		return err
	}
	return t.wantRefused(verify, "a token by keys that came over plain http", t.Issuer.Good())
}

func otherDiscovery(t *Trial) error {
	meta := metadata(t.Issuer.URL)
	meta["issuer"] = "https://evil.example.com"
	t.Issuer.Answer(discoveryPath, constant(200, toJSON(meta)))
	verify, err := t.open()
	if err != nil {
		return nil // it said so at once
	}
	return t.wantRefused(verify, "a token by keys found there", t.Issuer.Good())
}

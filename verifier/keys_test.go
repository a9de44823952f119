package verifier_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// bubble runs f in a synctest bubble with an issuer and a verifier of its tokens.
func bubble(t *testing.T, change func(*verifier.Config), f func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		iss := verifiertest.New(t)
		cfg := iss.Config(verifiertest.Audience)
		if change != nil {
			change(&cfg)
		}
		v, err := verifier.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		synctest.Wait()
		f(t, iss, v)
	})
}

func wantErr(t *testing.T, v *verifier.Verifier, raw string, want error) {
	t.Helper()
	if _, err := v.Verify(t.Context(), raw); !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// pass lets time go by in steps, so that background work is done at its time.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestWithdrawnKeyIsGoneAtTheNextPoll(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		raw := iss.OfRotatedKey()
		old := iss.KeyID()
		wantErr(t, v, raw, nil)
		kid := v.Explain(t.Context(), raw).KeyID
		if kid == old {
			t.Fatal("the key wasn't rotated")
		}
		iss.Withdraw(kid)
		wantErr(t, v, raw, nil) // not yet seen
		pass(verifier.DefaultPoll)
		wantErr(t, v, raw, verifier.ErrUnknownKey)
	})
}

func TestNewKeyIsKnownAtThePollAndAtOnceByItsToken(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		wantErr(t, v, iss.Token(), nil)
		iss.Rotate("ES256")
		wantErr(t, v, iss.Token(), nil) // by a fetch out of the bucket
		iss.Rotate("ES256")
		pass(verifier.DefaultPoll)
		before := iss.Fetches(verifiertest.JWKSPath)
		wantErr(t, v, iss.Token(), nil)
		if n := iss.Fetches(verifiertest.JWKSPath) - before; n != 0 {
			t.Errorf("%d fetches for a key that the poll brought", n)
		}
	})
}

// Ten thousand tokens with random kids in a minute cause at most four fetches beyond
// those of the poll, and no good token waits or fails.
func TestUnknownKidsCauseNoStorm(t *testing.T) {
	bubble(t, func(c *verifier.Config) { c.Poll = time.Hour }, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		good := iss.Token()
		wantErr(t, v, good, nil)
		before := iss.Fetches(verifiertest.JWKSPath)
		claims := good[strings.IndexByte(good, '.'):]
		for i := range 10000 {
			raw := b64(fmt.Sprintf(`{"alg":"ES256","kid":"random-%d","typ":"at+jwt"}`, i)) + claims
			if _, err := v.Verify(t.Context(), raw); !errors.Is(err, verifier.ErrUnknownKey) {
				t.Fatal(err)
			}
			if i%1000 == 0 {
				wantErr(t, v, good, nil)
			}
			time.Sleep(6 * time.Millisecond)
		}
		n := iss.Fetches(verifiertest.JWKSPath) - before
		t.Logf("%d fetches", n)
		if n < 2 || n > 4 {
			t.Errorf("%d fetches, want 2 to 4", n)
		}
	})
}

func TestUnknownKidIsSharedByItsWaiters(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		wantErr(t, v, iss.Token(), nil)
		iss.Rotate("ES256")
		raw := iss.Token()
		iss.Slow(time.Second / 2)
		before := iss.Fetches(verifiertest.JWKSPath)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), raw); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := iss.Fetches(verifiertest.JWKSPath) - before; n != 1 {
			t.Errorf("%d fetches for 100 waiters", n)
		}
	})
}

func TestNobodyWaitsBehindASlowIssuer(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		known := iss.Token()
		wantErr(t, v, known, nil)
		iss.Slow(time.Hour)
		pass(verifier.DefaultPoll)
		began := time.Now()
		wantErr(t, v, known, nil)
		if d := time.Since(began); d != 0 {
			t.Errorf("a known key waited %v", d)
		}
		wantErr(t, v, iss.OfUnknownKey(), verifier.ErrUnknownKey)
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("an unknown key waited %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		began = time.Now()
		if _, err := v.Verify(ctx, iss.OfUnknownKey()); err == nil || time.Since(began) > 10*time.Millisecond {
			t.Errorf("with 10 ms of context: %v after %v", err, time.Since(began))
		}
	})
}

func TestIssuerDownAtTheStartHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := verifiertest.New(t)
		iss.Down(true)
		v, err := verifier.New(t.Context(), iss.Config(verifiertest.Audience))
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		synctest.Wait()
		raw := iss.Token()
		for range 1000 {
			wantErr(t, v, raw, verifier.ErrKeysUnavailable)
		}
		if n := iss.Fetches(verifiertest.DiscoveryPath); n > 1 {
			t.Errorf("%d fetches while the issuer is down: Verify must not cause them", n)
		}
		pass(time.Minute)
		if n := iss.Fetches(verifiertest.DiscoveryPath); n < 5 || n > 30 {
			t.Errorf("%d fetches in a minute of outage", n)
		}
		iss.Down(false)
		pass(5 * time.Second)
		wantErr(t, v, raw, nil)
	})
}

func TestOutage(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		long := iss.Token(func(c verifiertest.Claims) { c["exp"] = time.Now().Add(24 * time.Hour).Unix() })
		wantErr(t, v, long, nil)
		iss.Down(true)
		pass(verifier.DefaultOutage - time.Minute)
		wantErr(t, v, long, nil)
		pass(2 * time.Minute)
		wantErr(t, v, long, verifier.ErrKeysUnavailable) // though it is remembered
		iss.Down(false)
		pass(time.Minute)
		wantErr(t, v, long, nil)
	})
}

func TestBackOffInAnOutage(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		iss.Down(true)
		pass(time.Minute)
		before := iss.Fetches(verifiertest.JWKSPath) + iss.Fetches(verifiertest.DiscoveryPath)
		pass(10 * time.Minute)
		n := iss.Fetches(verifiertest.JWKSPath) + iss.Fetches(verifiertest.DiscoveryPath) - before
		if n < 20 || n > 60 { // one look each 30 s, of one or two documents
			t.Errorf("%d fetches in ten minutes", n)
		}
	})
}

// Where no status lists are published there is no reason to ask each five seconds.
func TestRefreshPaceWithoutStatusLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := verifiertest.New(t)
		iss.Hostile(func(r *http.Request) *http.Response {
			if r.URL.Path != verifiertest.DiscoveryPath {
				return nil
			}
			return answer(200, `{"issuer":"`+verifiertest.URL+`","jwks_uri":"`+verifiertest.URL+verifiertest.JWKSPath+`"}`)
		})
		v, err := verifier.New(t.Context(), iss.Config(verifiertest.Audience))
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		pass(time.Hour)
		if n := iss.Fetches(verifiertest.JWKSPath); n < 12 || n > 15 { // max-age is 300
			t.Errorf("%d fetches in an hour", n)
		}
	})
}

func TestPollRevalidatesWithETag(t *testing.T) {
	var changed, fetched int
	var mu sync.Mutex
	count := func(f verifier.Fetch) {
		mu.Lock()
		defer mu.Unlock()
		fetched++
		if f.Changed {
			changed++
		}
	}
	bubble(t, func(c *verifier.Config) { c.Hooks.Fetched = count }, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		pass(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if fetched < 12 || fetched > 15 || changed != 1 {
			t.Errorf("%d fetches in a minute, %d changed", fetched, changed)
		}
	})
}

func answer(status int, body string) *http.Response {
	return reply{status: status, body: body}.response(context.Background())
}

// reply is what a hostile issuer says.
type reply struct {
	status   int
	location string
	body     string
	stream   func(context.Context) io.ReadCloser // instead of body; nil: none
}

func (r reply) response(ctx context.Context) *http.Response {
	out := &http.Response{StatusCode: r.status, Header: http.Header{}, ContentLength: int64(len(r.body))}
	if r.location != "" {
		out.Header.Set("Location", r.location)
	}
	if out.Body = io.NopCloser(strings.NewReader(r.body)); r.stream != nil {
		out.Body = r.stream(ctx)
	}
	return out
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }
func (endless) Close() error               { return nil }

// stuck is a body that never comes, until its request is over.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s stuck) Close() error             { return nil }

// A bad answer never replaces good keys.
func TestHostileJWKS(t *testing.T) {
	good := `{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	cases := map[string]reply{
		"empty set":               {status: 200, body: `{"keys":[]}`},
		"no keys":                 {status: 200, body: `{}`},
		"keys is null":            {status: 200, body: `{"keys":null}`},
		"not JSON":                {status: 200, body: `<html>`},
		"empty body":              {status: 200, body: ``},
		"keys twice":              {status: 200, body: `{"keys":[` + good + `],"keys":[]}`},
		"trailing data":           {status: 200, body: `{"keys":[` + good + `]}{}`},
		"too many keys":           {status: 200, body: `{"keys":[` + strings.Repeat(good+",", 300) + good + `]}`},
		"too large":               {status: 200, body: `{"keys":[` + good + `],"x":"` + strings.Repeat("x", 600<<10) + `"}`},
		"only useless":            {status: 200, body: `{"keys":[{"kty":"oct","kid":"k","k":"AAAA"},{"kty":"EC"},7,null,"x"]}`},
		"status 500":              {status: 500, body: `{"keys":[` + good + `]}`},
		"status 404":              {status: 404},
		"status 204":              {status: 204},
		"redirect":                {status: 302, location: "https://evil.test/jwks"},
		"304 to a first question": {status: 304},
		"endless":                 {status: 200, stream: func(context.Context) io.ReadCloser { return endless{} }},
		"never coming":            {status: 200, stream: func(ctx context.Context) io.ReadCloser { return stuck{ctx} }},
		"invalid encoding":        {status: 200, body: "{\"keys\":[\"\xff\"]}"},
	}
	for name, hostile := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
				raw := iss.Token(func(c verifiertest.Claims) { delete(c, "status") })
				wantErr(t, v, raw, nil)
				iss.Hostile(func(r *http.Request) *http.Response {
					switch {
					case r.URL.Path != verifiertest.JWKSPath:
						return nil
					case hostile.status == http.StatusNotModified && r.Header.Get("If-None-Match") != "":
						return answer(500, "") // to a first question alone
					}
					return hostile.response(r.Context())
				})
				pass(time.Minute)
				wantErr(t, v, raw, nil)
				if err := v.Refresh(t.Context()); err == nil {
					t.Error("Refresh reports success")
				}
				iss.Hostile(nil)
				pass(time.Minute)
				if err := v.Refresh(t.Context()); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

func TestHostileDiscovery(t *testing.T) {
	for name, body := range map[string]string{
		"another issuer":     `{"issuer":"https://evil.test","jwks_uri":"https://issuer.test/.well-known/jwks.json"}`,
		"issuer and a slash": `{"issuer":"https://issuer.test/","jwks_uri":"https://issuer.test/.well-known/jwks.json"}`,
		"no issuer":          `{"jwks_uri":"https://issuer.test/.well-known/jwks.json"}`,
		"no jwks_uri":        `{"issuer":"https://issuer.test"}`,
		"plain http":         `{"issuer":"https://issuer.test","jwks_uri":"http://issuer.test/.well-known/jwks.json"}`,
		"loopback":           `{"issuer":"https://issuer.test","jwks_uri":"http://127.0.0.1/.well-known/jwks.json"}`,
		"a file":             `{"issuer":"https://issuer.test","jwks_uri":"file:///etc/passwd"}`,
		"with a password":    `{"issuer":"https://issuer.test","jwks_uri":"https://a:b@issuer.test/.well-known/jwks.json"}`,
		"jwks_uri twice":     `{"issuer":"https://issuer.test","jwks_uri":"https://issuer.test/.well-known/jwks.json","jwks_uri":"https://evil.test/"}`,
		"not JSON":           `hello`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iss := verifiertest.New(t)
				iss.Hostile(func(r *http.Request) *http.Response {
					if r.URL.Path == verifiertest.DiscoveryPath {
						return answer(200, body)
					}
					return nil
				})
				v, err := verifier.New(t.Context(), iss.Config(verifiertest.Audience))
				if err != nil {
					t.Fatal(err)
				}
				defer v.Close()
				synctest.Wait()
				wantErr(t, v, iss.Token(), verifier.ErrKeysUnavailable)
				if n := iss.Fetches(verifiertest.JWKSPath); n != 0 {
					t.Errorf("%d fetches of keys", n)
				}
			})
		})
	}
}

func TestStatusList(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		one, other := iss.Token(), iss.Token()
		wantErr(t, v, one, nil)
		wantErr(t, v, other, nil)
		iss.Revoke(one)
		pass(verifier.DefaultPoll)
		wantErr(t, v, one, verifier.ErrRevoked)
		wantErr(t, v, other, nil)

		// The issuer away: the last list goes on, also for one seen revoked.
		iss.Down(true)
		pass(10 * time.Minute)
		wantErr(t, v, one, verifier.ErrRevoked)
		wantErr(t, v, other, nil)
	})
}

func TestStatusListNeverSeenWaitsForOneSharedFetch(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		iss.Slow(time.Second / 2)
		var wg sync.WaitGroup
		raw := iss.Token()
		for range 50 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), raw); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := iss.Fetches(verifiertest.StatusPath); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestStatusListNeverSeenAndUnreachable(t *testing.T) {
	bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		iss.Slow(time.Hour)
		began := time.Now()
		wantErr(t, v, iss.Token(), verifier.ErrStatusUnavailable)
		if d := time.Since(began); d > time.Second {
			t.Errorf("waited %v", d)
		}
		pass(fetchDone)
		before := iss.Fetches(verifiertest.StatusPath)
		for range 1000 {
			if _, err := v.Verify(t.Context(), iss.Token()); !errors.Is(err, verifier.ErrStatusUnavailable) {
				t.Fatal(err)
			}
		}
		if n := iss.Fetches(verifiertest.StatusPath) - before; n > 1 {
			t.Errorf("%d fetches by 1000 tokens", n)
		}
		iss.Slow(0)
		pass(time.Minute)
		wantErr(t, v, iss.Token(), nil)
	})
}

// fetchDone is longer than a fetch may last.
const fetchDone = 11 * time.Second

func TestStatusMaxAgeFailsClosed(t *testing.T) {
	bubble(t, func(c *verifier.Config) { c.StatusMaxAge = time.Minute }, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
		raw := iss.Token()
		wantErr(t, v, raw, nil)
		iss.Down(true)
		pass(50 * time.Second)
		wantErr(t, v, raw, nil)
		pass(20 * time.Second)
		wantErr(t, v, raw, verifier.ErrStatusUnavailable)
		iss.Down(false)
		pass(time.Minute)
		wantErr(t, v, raw, nil)
	})
}

// Every list that isn't the issuer's own, for that address, in time and not older
// than the one held, leaves the one held in place.
func TestHostileStatusLists(t *testing.T) {
	const uri = verifiertest.URL + verifiertest.StatusPath
	claims := func(change func(map[string]any)) map[string]any {
		now := time.Now().Unix()
		c := map[string]any{"iss": verifiertest.URL, "sub": uri, "iat": now, "exp": now + 60, "ttl": 5, "version": 1000, "status_list": map[string]any{"bits": 1, "lst": packed(bytes.Repeat([]byte{0xff}, 1024))}}
		change(c)
		return c
	}
	cases := []struct {
		name, header string
		change       func(map[string]any)
	}{
		{"another issuer", "", func(c map[string]any) { c["iss"] = "https://evil.test" }},
		{"no issuer", "", func(c map[string]any) { delete(c, "iss") }},
		{"another address", "", func(c map[string]any) { c["sub"] = uri + "0" }},
		{"expired", "", func(c map[string]any) { c["exp"] = time.Now().Unix() - 60 }},
		{"of the future", "", func(c map[string]any) { c["iat"] = time.Now().Unix() + 3600 }},
		{"an older version", "", func(c map[string]any) { c["version"] = 0 }},
		{"an access token's type", "at+jwt", func(map[string]any) {}},
		{"three bits", "", func(c map[string]any) { c["status_list"] = map[string]any{"bits": 3, "lst": packed([]byte{255})} }},
		{"no bits", "", func(c map[string]any) { c["status_list"] = map[string]any{"lst": packed([]byte{255})} }},
		{"no list", "", func(c map[string]any) { delete(c, "status_list") }},
		{"empty list", "", func(c map[string]any) { c["status_list"] = map[string]any{"bits": 1, "lst": packed(nil)} }},
		{"not zlib", "", func(c map[string]any) { c["status_list"] = map[string]any{"bits": 1, "lst": "AAAA"} }},
		{"not base64url", "", func(c map[string]any) { c["status_list"] = map[string]any{"bits": 1, "lst": "+/+/"} }},
		{"a bomb", "", func(c map[string]any) {
			c["status_list"] = map[string]any{"bits": 1, "lst": packed(make([]byte, 2<<20))}
		}},
		{"exp a string", "", func(c map[string]any) { c["exp"] = "never" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, iss *verifiertest.Issuer, v *verifier.Verifier) {
				iss.Revoke(iss.Token()) // version 1
				raw := iss.Token()
				wantErr(t, v, raw, nil)
				typ := c.header
				if typ == "" {
					typ = "statuslist+jwt"
				}
				list := iss.Sign("", fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":%q}`, iss.KeyID(), typ), toJSON(t, claims(c.change)))
				serveList(iss, list)
				if err := v.Refresh(t.Context()); err == nil {
					t.Error("the list was taken")
				}
				wantErr(t, v, raw, nil)

				// The same, but right, is taken: so it was the one thing.
				list = iss.Sign("", fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"statuslist+jwt"}`, iss.KeyID()), toJSON(t, claims(func(map[string]any) {})))
				serveList(iss, list)
				if err := v.Refresh(t.Context()); err != nil {
					t.Errorf("a good list: %v", err)
				}
				wantErr(t, v, raw, verifier.ErrRevoked)
			})
		})
	}
}

func packed(list []byte) string {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(list) // to memory
	_ = z.Close()
	return b64(out.String())
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func serveList(iss *verifiertest.Issuer, list string) {
	iss.Hostile(func(r *http.Request) *http.Response {
		if r.URL.Path == verifiertest.StatusPath {
			return answer(200, list)
		}
		return nil
	})
}

func TestCloseEndsTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		iss := verifiertest.New(t)
		v, err := verifier.New(context.Background(), iss.Config(verifiertest.Audience))
		if err != nil {
			t.Fatal(err)
		}
		raw := iss.Token()
		wantErr(t, v, raw, nil)
		v.Close()
		v.Close() // twice does no harm
		wantErr(t, v, raw, nil)
	})
}

package verifier_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

type source struct {
	revoked bool
	err     error
}

func (s source) Revoked(context.Context, string, uint64) (bool, error) { return s.revoked, s.err }

func TestConfigRefuses(t *testing.T) {
	cases := []struct {
		name   string
		change func(*verifier.Config)
		want   string
	}{
		{"no issuer", func(c *verifier.Config) { c.Issuer = "" }, "field Issuer is empty: set it to the issuer's URL"},
		{"plain http", func(c *verifier.Config) { c.Issuer = "http://auth.example.com" }, "field Issuer: has to be https, unless the host is localhost or a loopback address"},
		{"issuer with a query", func(c *verifier.Config) { c.Issuer = "https://auth.example.com?x" }, `field Issuer: "https://auth.example.com?x" isn't scheme://host[:port][/path]`},
		{"issuer a word", func(c *verifier.Config) { c.Issuer = "auth" }, `field Issuer: "auth" isn't scheme://host[:port][/path]`},
		{"no audience", func(c *verifier.Config) { c.Audience = "" }, "field Audience is empty: set it to the name tokens for this server carry in aud"},
		{"alg none", func(c *verifier.Config) { c.Algorithms = []string{"none"} }, `field Algorithms: "none" isn't one of ES256, RS256, ES384, PS256, EdDSA`},
		{"alg HS256", func(c *verifier.Config) { c.Algorithms = []string{"ES256", "HS256"} }, `field Algorithms: "HS256" isn't one of ES256, RS256, ES384, PS256, EdDSA`},
		{"leeway", func(c *verifier.Config) { c.Leeway = 61 * time.Second }, "field Leeway: 1m1s is over 1m0s: mend the clocks instead"},
		{"cache", func(c *verifier.Config) { c.CacheSize = 1 << 30 }, "field CacheSize: 1073741824 is over 4194304"},
		{"poll", func(c *verifier.Config) { c.Poll = time.Millisecond }, "field Poll: 1ms is under 100 ms"},
		{"outage", func(c *verifier.Config) { c.Outage = -1 }, "field Outage or StatusMaxAge is negative"},
		{"max age", func(c *verifier.Config) { c.StatusMaxAge = time.Second }, "field StatusMaxAge: 1s is under Poll: every list would be too old"},
		{"status both ways", func(c *verifier.Config) { c.DangerouslyAcceptRevokedTokens, c.Status = true, source{} }, "field DangerouslyAcceptRevokedTokens contradicts Status and StatusMaxAge: choose one"},
		{"cookie", func(c *verifier.Config) { c.Cookie = "a b" }, `field Cookie: "a b" isn't the name of a cookie`},
		{"origins without cookie", func(c *verifier.Config) { c.TrustedOrigins = []string{"https://app.test"} }, "field TrustedOrigins without Cookie: they are for requests with a cookie"},
		{"origin", func(c *verifier.Config) { c.Cookie, c.TrustedOrigins = "a", []string{"app.test/x"} }, `field TrustedOrigins: invalid origin "app.test/x": scheme is required`},
		{"base with a path", func(c *verifier.Config) { c.BaseURL = "https://api.test/x" }, `field BaseURL: "https://api.test/x" isn't scheme://host[:port]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := verifier.Config{Issuer: "https://auth.example.com", Audience: "x"}
			c.change(&cfg)
			v, err := verifier.New(t.Context(), cfg)
			if err == nil || err.Error() != "verifier config: "+c.want || v != nil {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// With Keys given there is no network; what is revoked comes from Status, and
// without one such a token is refused.
func TestInProcess(t *testing.T) {
	iss := verifiertest.New(t)
	iss.Down(true)
	keys := fetchKeys(t, iss)
	oops := errors.New("oops")
	cases := []struct {
		name   string
		change func(*verifier.Config)
		want   error
	}{
		{"no source", func(*verifier.Config) {}, verifier.ErrStatusUnavailable},
		{"good", func(c *verifier.Config) { c.Status = source{} }, nil},
		{"revoked", func(c *verifier.Config) { c.Status = source{revoked: true} }, verifier.ErrRevoked},
		{"source that fails", func(c *verifier.Config) { c.Status = source{err: oops} }, oops},
		{"switched off", func(c *verifier.Config) { c.DangerouslyAcceptRevokedTokens = true }, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := iss.Config(verifiertest.Audience)
			cfg.Keys = keys
			c.change(&cfg)
			v := newVerifier(t, cfg)
			raw := iss.Token()
			wantErr(t, v, raw, c.want)
			wantErr(t, v, raw, c.want) // remembered or not
			wantErr(t, v, iss.Service("client"), nil)
		})
	}
	if n := iss.Fetches(verifiertest.DiscoveryPath) + iss.Fetches(verifiertest.JWKSPath); n != 0 {
		t.Errorf("%d fetches", n)
	}
}

// A KeySet is asked at every Verify, also for a token that is remembered.
func TestKeySetIsAskedEachTime(t *testing.T) {
	iss := verifiertest.New(t)
	keys := fetchKeys(t, iss)
	cfg := iss.Config(verifiertest.Audience)
	cfg.Keys, cfg.Status = keys, source{}
	v := newVerifier(t, cfg)
	raw := iss.Token()
	wantErr(t, v, raw, nil)
	kid := iss.KeyID()
	key := keys[kid]
	delete(keys, kid)
	wantErr(t, v, raw, verifier.ErrUnknownKey)
	iss.Rotate("ES256")
	key.Public = fetchKeys(t, iss)[iss.KeyID()].Public
	keys[kid] = key // another key by the same kid
	wantErr(t, v, raw, verifier.ErrSignature)
}

func TestVerifiedHookIsCalled(t *testing.T) {
	iss := verifiertest.New(t)
	var got []error
	cfg := iss.Config(verifiertest.Audience)
	cfg.Hooks.Verified = func(err error) { got = append(got, err) }
	v := newVerifier(t, cfg)
	wantErr(t, v, iss.Token(), nil)
	wantErr(t, v, "x", verifier.ErrMalformed)
	if len(got) != 2 || got[0] != nil || !errors.Is(got[1], verifier.ErrMalformed) {
		t.Errorf("%v", got)
	}
}

func TestExplain(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	cases := []struct {
		name, raw, check string
		outcome          verifier.Outcome
		want             error
	}{
		{"good", iss.Token(), "status", verifier.Holds, nil},
		{"expired", iss.Expired(), "time", verifier.Fails, verifier.ErrExpired},
		{"other audience", iss.WrongAudience(), "audience", verifier.Fails, verifier.ErrAudience},
		{"revoked", iss.Revoked(), "status", verifier.Fails, verifier.ErrRevoked},
		{"unknown key", iss.OfUnknownKey(), "key and signature", verifier.Fails, verifier.ErrUnknownKey},
		{"unknown key, still read", iss.OfUnknownKey(), "issuer", verifier.Holds, verifier.ErrUnknownKey},
		{"unknown key, status not asked", iss.OfUnknownKey(), "status", verifier.Skipped, verifier.ErrUnknownKey},
		{"garbage", "garbage", "form", verifier.Fails, verifier.ErrMalformed},
		{"garbage, rest", "garbage", "algorithm", verifier.Skipped, verifier.ErrMalformed},
		{"no list", iss.Token(func(c verifiertest.Claims) { c["status"] = verifiertest.Claims{} }), "status", verifier.Unsure, verifier.ErrStatusUnavailable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := v.Explain(t.Context(), c.raw)
			if !errors.Is(r.Err, c.want) || (c.want == nil) != (r.Err == nil) || r.KeysFetched.IsZero() {
				t.Errorf("%v at %v", r.Err, r.KeysFetched)
			}
			for _, check := range r.Checks {
				if check.Name == c.check && check.Outcome == c.outcome {
					if (check.Err != nil) != (check.Mend != "") {
						t.Errorf("%+v", check)
					}
					return
				}
			}
			t.Errorf("no check %q with %q in\n%s", c.check, c.outcome, r)
		})
	}
}

func TestExplainWritesNothingToTheTerminal(t *testing.T) {
	iss := verifiertest.New(t)
	v := iss.Verifier(t, verifiertest.Audience)
	text := v.Explain(t.Context(), iss.Token(func(c verifiertest.Claims) { c["iss"] = "\x1b[2J"; c["sub"] = "\u009b2J" })).String()
	if strings.ContainsAny(text, "\x1b\u009b") {
		t.Errorf("%q", text)
	}
}

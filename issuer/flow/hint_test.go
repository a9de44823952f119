package flow

import (
	"crypto"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
)

const testIssuer = "https://auth.example.com"

var testNow = time.Unix(1_900_000_000, 0).UTC()

// ringHints are the keys of a ring, as the issuer's adapter gives them.
type ringHints struct{ ring *keys.Ring }

func (r ringHints) HintKey(kid string) (crypto.PublicKey, keys.Algorithm, error) {
	public, alg, ok := r.ring.HintKey(kid)
	if !ok {
		return nil, "", ErrHint
	}
	return public, alg, nil
}

func newRing(t testing.TB, more ...keys.Algorithm) *keys.Keeper {
	t.Helper()
	return keystest.Open(t, keys.Config{
		Policy: keys.Policy{Algs: append([]keys.Algorithm{keys.ES256}, more...)}, Now: func() time.Time { return testNow },
	})
}

// sign signs claims with the type of a token.
func sign(t *testing.T, k *keys.Keeper, typ string, claims map[string]any) string {
	t.Helper()
	key, err := k.Ring().Signer(keys.ES256, testNow)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.SignJWS(typ, body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func hinting(k *keys.Keeper) *Flow {
	return New(Config{HintKeys: ringHints{k.Ring()}, Issuer: testIssuer, Now: func() time.Time { return testNow }})
}

// Tokens of this issuer's minter, as they are and as somebody changed them.
func TestHintOfMinted(t *testing.T) {
	k := newRing(t, keys.RS256)
	f := hinting(k)
	minter := token.NewMinter(testIssuer, func() token.Ring { return k.Ring() })
	in := token.ID{Subject: "usr_ada", Client: "app", Session: "s1", AuthTime: testNow, Issued: testNow.Add(-48 * time.Hour), Expires: testNow.Add(-47 * time.Hour)}
	for _, alg := range []keys.Algorithm{keys.ES256, keys.RS256} {
		in := in
		in.Issued = testNow // what signs is asked for by this; expired is expired by Expires
		raw, err := minter.ID(alg, in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Hint(t.Context(), raw)
		if want := (Hint{"usr_ada", "app", "s1"}); err != nil || got != want {
			t.Errorf("%s, expired: %+v, %v, want %+v", alg, got, err, want)
		}
		flipped := []byte(raw)
		flipped[len(raw)-10] ^= 1 // within the signature
		if _, err := f.Hint(t.Context(), string(flipped)); !errors.Is(err, ErrHint) {
			t.Errorf("%s, signature changed: %v", alg, err)
		}
	}
	userinfo, err := minter.UserInfo(keys.ES256, "app", map[string]any{"sub": "usr_ada"}, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Hint(t.Context(), userinfo); !errors.Is(err, ErrHint) {
		t.Errorf("signed userinfo: %v", err)
	}
}

func TestHintRefuses(t *testing.T) {
	k := newRing(t)
	f := hinting(k)
	with := func(name string, v any) map[string]any {
		c := map[string]any{"iss": testIssuer, "sub": "usr_ada", "aud": "app", "exp": 1, "sid": "s1"}
		if c[name] = v; v == nil {
			delete(c, name)
		}
		return c
	}
	good := sign(t, k, discovery.TypeIDToken, with("aud", []string{"app"}))
	if _, err := f.Hint(t.Context(), good); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	header, rest, _ := strings.Cut(good, ".")
	other := newRing(t)
	for name, raw := range map[string]string{
		"empty":                 "",
		"nonsense":              "x.y.z",
		"no signature":          strings.Join(strings.Split(good, ".")[:2], ".") + ".",
		"alg none":              "eyJhbGciOiJub25lIn0." + strings.Split(rest, ".")[0] + ".",
		"another's key":         sign(t, other, discovery.TypeIDToken, with("", nil)),
		"header of another":     header + "x." + rest,
		"claims of another":     header + "." + strings.Split(sign(t, k, discovery.TypeIDToken, with("sub", "usr_eve")), ".")[1] + "." + strings.Split(rest, ".")[1],
		"access token":          sign(t, k, discovery.TypeAccessToken, with("", nil)),
		"logout token":          sign(t, k, discovery.TypeLogoutToken, with("", nil)),
		"status list":           sign(t, k, discovery.TypeStatusList, with("", nil)),
		"another issuer's":      sign(t, k, discovery.TypeIDToken, with("iss", "https://elsewhere.example.com")),
		"no sub":                sign(t, k, discovery.TypeIDToken, with("sub", nil)),
		"sub of a client":       sign(t, k, discovery.TypeIDToken, with("sub", "app")),
		"no aud":                sign(t, k, discovery.TypeIDToken, with("aud", nil)),
		"two audiences":         sign(t, k, discovery.TypeIDToken, with("aud", []string{"app", "other"})),
		"no exp":                sign(t, k, discovery.TypeIDToken, with("exp", nil)),
		"exp a string":          sign(t, k, discovery.TypeIDToken, with("exp", "1")),
		"a claim in other case": sign(t, k, discovery.TypeIDToken, with("Aud", "other")),
		"too large":             sign(t, k, discovery.TypeIDToken, with("x", strings.Repeat("x", 20<<10))),
	} {
		t.Run(name, func(t *testing.T) {
			if h, err := f.Hint(t.Context(), raw); !errors.Is(err, ErrHint) {
				t.Errorf("%+v, %v; want ErrHint", h, err)
			}
		})
	}
}

// That a key can't be asked for must not look like a forged token.
func TestHintKeysAway(t *testing.T) {
	k := newRing(t)
	f := New(Config{HintKeys: noHints{}, Issuer: testIssuer, Now: time.Now})
	if _, err := f.Hint(t.Context(), sign(t, k, discovery.TypeIDToken, map[string]any{})); !errors.Is(err, keys.ErrStale) || errors.Is(err, ErrHint) {
		t.Errorf("%v, want ErrStale", err)
	}
}

type noHints struct{}

func (noHints) HintKey(string) (crypto.PublicKey, keys.Algorithm, error) {
	return nil, "", keys.ErrStale
}

func FuzzReadHint(f *testing.F) {
	for _, s := range []string{`{}`, `{"iss":"a","sub":"usr_1","aud":"b","exp":1,"sid":"s"}`, `{"aud":["a","b"]}`, `{"aud":1}`, `{"Iss":"a"}`, `[]`, `{"sub":"a","sub":"b"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := readHint(text)
		if err != nil {
			return
		}
		var want struct {
			Iss, Sub, Sid string
			Aud           json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q was read, but not by encoding/json: %v", text, err)
		}
		if c.issuer != want.Iss || c.subject != want.Sub || c.session != want.Sid {
			t.Fatalf("%q: %+v, encoding/json says %+v", text, c, want)
		}
		if h, err := c.hint(testIssuer); err == nil && (h.Subject == "" || h.Client == "" || !id.IsUser(string(h.Subject))) {
			t.Fatalf("%q: hint %+v", text, h)
		}
	})
}

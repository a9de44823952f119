package client

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// site is a client's jwks_uri.
type site struct {
	mu    sync.Mutex
	keys  []jose.JSONWebKey
	err   error
	wait  time.Duration
	calls int
}

func (s *site) Get(ctx context.Context, _, _ string) ([]byte, error) {
	s.mu.Lock()
	s.calls++
	keys, err, wait := s.keys, s.err, s.wait
	s.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(jose.JSONWebKeySet{Keys: keys})
}

func (s *site) count() int { s.mu.Lock(); defer s.mu.Unlock(); return s.calls }

func (s *site) change(f func(*site)) { s.mu.Lock(); defer s.mu.Unlock(); f(s) }

func newEC(t *testing.T, curve elliptic.Curve) crypto.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

var distant = Client{ID: "app", Metadata: Metadata{AuthMethod: MethodPrivateKeyJWT, JWKSURI: "https://app.example/jwks"}}

// found fails unless Find gives exactly one key, or none with ErrKeys.
func found(t *testing.T, k *Keys, c Client, kid, alg string, want crypto.PublicKey) {
	t.Helper()
	got, err := k.Find(t.Context(), c, kid, alg)
	if want == nil {
		if !errors.Is(err, ErrKeys) || len(got) > 0 {
			t.Errorf("kid %q for %s: %d keys, %v, want ErrKeys", kid, alg, len(got), err)
		}
		return
	}
	same, ok := want.(interface{ Equal(crypto.PublicKey) bool })
	if err != nil || len(got) != 1 || !ok || !same.Equal(got[0]) {
		t.Errorf("kid %q for %s: %d keys, %v, want the one", kid, alg, len(got), err)
	}
}

func TestFindsByIDAndAlgorithm(t *testing.T) {
	p256, p384, other := newEC(t, elliptic.P256()), newEC(t, elliptic.P384()), newEC(t, elliptic.P256())
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{KeyID: "p256", Key: p256, Use: "sig"}, {KeyID: "p384", Key: p384}, {KeyID: "ed", Key: ed, Algorithm: "EdDSA"},
		{KeyID: "rs", Key: big.Public(), Algorithm: "RS256"}, {KeyID: "enc", Key: other, Use: "enc"}, {KeyID: "wrong", Key: other, Algorithm: "RS256"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	k := NewKeys(nil, nil)
	c := Client{ID: "app", Metadata: Metadata{JWKS: set}}
	for _, q := range []struct {
		kid, alg string
		want     crypto.PublicKey
	}{
		{"p256", "ES256", p256}, {"", "ES256", p256}, {"p384", "ES384", p384}, {"", "EdDSA", ed}, {"rs", "RS256", big.Public()},
		{"p256", "ES384", nil}, {"p256", "RS256", nil}, {"rs", "PS256", nil}, {"", "PS256", nil}, // its alg says RS256
		{"enc", "ES256", nil}, {"wrong", "ES256", nil}, {"wrong", "RS256", nil}, {"unknown", "ES256", nil},
		{"p256", "HS256", nil}, {"p256", "none", nil}, {"", "", nil},
	} {
		found(t, k, c, q.kid, q.alg, q.want)
	}
	found(t, k, Client{ID: "none"}, "", "ES256", nil)
}

func TestParseKeysRefuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := json.Marshal(jose.JSONWebKey{Key: ec})
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKey{Key: ec.Public()})
	if err != nil {
		t.Fatal(err)
	}
	weak := `{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 170) + `"}`
	for name, c := range map[string]struct {
		set  string
		want string // the error; else how many keys
	}{
		"none":               {`{"keys":[]}`, "0"},
		"one":                {`{"keys":[` + string(public) + `]}`, "1"},
		"unknown types":      {`{"keys":[{"kty":"OKP","crv":"X25519","x":"AA"},{"kty":"AKP","pub":"AA"},{"kty":"EC","crv":"secp256k1"}]}`, "0"},
		"a weak one beside":  {`{"keys":[` + weak + `,` + string(public) + `]}`, "1"},
		"not to verify":      {`{"keys":[` + strings.Replace(string(public), "{", `{"key_ops":["sign"],`, 1) + `]}`, "0"},
		"to verify":          {`{"keys":[` + strings.Replace(string(public), "{", `{"key_ops":["verify"],`, 1) + `]}`, "1"},
		"private":            {`{"keys":[` + string(public) + `,` + string(private) + `]}`, errPrivate.Error()},
		"symmetric":          {`{"keys":[{"kty":"oct","k":"AA"}]}`, errPrivate.Error()},
		"no set":             {`{}`, "not a JWK set"},
		"many":               {`{"keys":[` + strings.Repeat(`{"kty":"x"},`, maxKeys) + `{"kty":"x"}]}`, "more than 32 keys"},
		"large":              {strings.Repeat(" ", maxJWKS+1), "larger than 32768 bytes"},
		"a member twice":     {`{"keys":[],"keys":[]}`, "malformed token: a member twice"},
		"data after":         {`{"keys":[]}{}`, "malformed token: data after the JSON value"},
		"an array of arrays": {`{"keys":[[]]}`, "malformed token: not an object"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := parseKeys(c.set)
			got := fmt.Sprint(len(keys))
			if err != nil {
				got = err.Error()
			}
			if !strings.HasSuffix(got, c.want) || (err == nil) != (len(c.want) == 1) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// One fetch serves all who ask at once, and those of the next five minutes.
func TestRemoteKeysAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newEC(t, elliptic.P256())
		s := &site{keys: []jose.JSONWebKey{{KeyID: "a", Key: key}}, wait: 100 * time.Millisecond}
		k := NewKeys(s, nil)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { found(t, k, distant, "a", "ES256", key) })
		}
		all.Wait()
		time.Sleep(freshKeys - time.Second)
		found(t, k, distant, "a", "ES256", key)
		if n := s.count(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
		s.change(func(s *site) { s.keys = []jose.JSONWebKey{} }) // withdrawn
		time.Sleep(time.Second)
		found(t, k, distant, "a", "ES256", nil)
	})
}

// A key id that isn't known causes one fetch, and a flood of them no more than one in ten seconds.
func TestUnknownKeyID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newEC(t, elliptic.P256()), newEC(t, elliptic.P256())
		s := &site{keys: []jose.JSONWebKey{{KeyID: "old", Key: old}}}
		k := NewKeys(s, nil)
		found(t, k, distant, "new", "ES256", nil)
		if n := s.count(); n != 1 {
			t.Errorf("%d fetches at first, want 1", n)
		}
		time.Sleep(keysPause)
		s.change(func(s *site) { s.keys = append(s.keys, jose.JSONWebKey{KeyID: "new", Key: fresh}) })
		found(t, k, distant, "old", "ES256", old)
		found(t, k, distant, "new", "ES256", fresh)
		if n := s.count(); n != 2 {
			t.Errorf("%d fetches after a rotation, want 2", n)
		}
		for i := range 100 {
			found(t, k, distant, fmt.Sprint(i), "ES256", nil)
			time.Sleep(keysPause / 20) // 50 s in all
		}
		if n := s.count(); n != 2+4 {
			t.Errorf("%d fetches after a flood of 50 s, want 6", n)
		}
	})
}

// Keys go on for an hour while the address is broken, and no longer; nobody waits for it.
func TestBrokenAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newEC(t, elliptic.P256())
		s := &site{keys: []jose.JSONWebKey{{KeyID: "a", Key: key}}}
		k := NewKeys(s, nil)
		found(t, k, distant, "a", "ES256", key)
		broken := errors.New("broken")
		s.change(func(s *site) { s.err, s.wait = broken, 5*time.Second })
		time.Sleep(freshKeys)
		begun := time.Now()
		found(t, k, distant, "a", "ES256", key)
		if took := time.Since(begun); took != keysPatience {
			t.Errorf("waited %v for a slow address, want %v", took, keysPatience)
		}
		time.Sleep(keysPause)
		found(t, k, distant, "a", "ES256", key)
		time.Sleep(staleKeys - freshKeys - time.Minute)
		found(t, k, distant, "a", "ES256", key)
		time.Sleep(time.Minute)
		if _, err := k.Find(t.Context(), distant, "a", "ES256"); !errors.Is(err, ErrKeys) || !errors.Is(err, broken) {
			t.Errorf("after an hour: %v, want ErrKeys and why", err)
		}
		s.change(func(s *site) { s.err, s.wait = nil, 0 })
		time.Sleep(keysPause)
		found(t, k, distant, "a", "ES256", key)
	})
}

// Who has no key yet waits as long as they may; the fetch they began goes on for others.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newEC(t, elliptic.P256())
		s := &site{keys: []jose.JSONWebKey{{KeyID: "a", Key: key}}, wait: 3 * time.Second}
		k := NewKeys(s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Find(ctx, distant, "a", "ES256"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Find: %v, want DeadlineExceeded", err)
		}
		found(t, k, distant, "a", "ES256", key)
		if n := s.count(); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

func TestRemoteKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeys(&site{keys: []jose.JSONWebKey{}}, nil)
		for i := range maxSets + 10 {
			c := distant
			c.JWKSURI = fmt.Sprintf("https://app.example/%d", i)
			found(t, k, c, "a", "ES256", nil)
			time.Sleep(time.Millisecond)
		}
		if len(k.sets) != maxSets || k.sets["https://app.example/9"] != nil || k.sets["https://app.example/10"] == nil {
			t.Errorf("%d sets are kept, or not the latest", len(k.sets))
		}
	})
}

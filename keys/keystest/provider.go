package keystest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/signet-oidc/signet/keys"
)

// Gaps are what a provider declares that it doesn't do. They are data, so that a reviewer sees them beside the call.
type Gaps struct {
	Algorithms []keys.Algorithm // Generate must answer ErrAlgorithm to these
	NotByState bool             // Open finds a key only in the process that made it
}

// TestProvider is the contract of a keys.Provider. open returns the provider anew, as a restarted process would.
func TestProvider(t *testing.T, open func(t *testing.T) keys.Provider, gaps Gaps) {
	t.Run("name", func(t *testing.T) {
		if a, b := open(t).Name(), open(t).Name(); a == "" || a != b {
			t.Errorf("names %q and %q, want one that stays", a, b)
		}
	})
	t.Run("unknown algorithm", func(t *testing.T) {
		for _, alg := range append([]keys.Algorithm{"", "none", "HS256"}, gaps.Algorithms...) {
			if _, _, err := open(t).Generate(t.Context(), alg); !errors.Is(err, keys.ErrAlgorithm) {
				t.Errorf("%q: %v, want ErrAlgorithm", alg, err)
			}
		}
	})
	for _, alg := range keys.Algorithms() {
		if !slices.Contains(gaps.Algorithms, alg) {
			t.Run(string(alg), func(t *testing.T) { testAlgorithm(t, open, alg, gaps) })
		}
	}
}

func testAlgorithm(t *testing.T, open func(t *testing.T) keys.Provider, alg keys.Algorithm, gaps Gaps) {
	p := open(t)
	signer, state, err := p.Generate(t.Context(), alg)
	if err != nil {
		t.Fatal(err)
	}
	expectSigns(t, alg, signer, signer.Public())
	testDistinct(t, p, alg, signer, state)
	if !gaps.NotByState {
		p = open(t)
	}
	again, err := p.Open(t.Context(), alg, bytes.Clone(state))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	expectSigns(t, alg, again, signer.Public())
	testConcurrent(t, alg, again)
	testState(t, p, alg, state, signer.Public())
}

// testState: a caller may wipe what it gave, and what isn't a state of this provider is an error.
func testState(t *testing.T, p keys.Provider, alg keys.Algorithm, state []byte, public crypto.PublicKey) {
	given := bytes.Clone(state)
	s, err := p.Open(t.Context(), alg, given)
	if err != nil {
		t.Fatal(err)
	}
	clear(given)
	expectSigns(t, alg, s, public)
	for _, bad := range [][]byte{nil, []byte("x"), state[:len(state)-1]} {
		if _, err := p.Open(t.Context(), alg, bytes.Clone(bad)); err == nil {
			t.Errorf("opened a state of %d bytes that isn't one", len(bad))
		}
	}
}

func testDistinct(t *testing.T, p keys.Provider, alg keys.Algorithm, first crypto.Signer, state []byte) {
	second, other, err := p.Generate(t.Context(), alg)
	if err != nil {
		t.Fatal(err)
	}
	if equalPublic(first.Public(), second.Public()) || bytes.Equal(state, other) {
		t.Error("two keys are the same")
	}
}

func testConcurrent(t *testing.T, alg keys.Algorithm, s crypto.Signer) {
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = signAndCheck(alg, s, s.Public(), fmt.Appendf(nil, "message %d", i)) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("signing at once: %v", err)
	}
}

func expectSigns(t *testing.T, alg keys.Algorithm, s crypto.Signer, public crypto.PublicKey) {
	t.Helper()
	if !equalPublic(s.Public(), public) {
		t.Fatal("the public part is another key's")
	}
	if err := signAndCheck(alg, s, public, []byte("message")); err != nil {
		t.Fatal(err)
	}
}

func equalPublic(a, b crypto.PublicKey) bool {
	x, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && x.Equal(b)
}

// signAndCheck signs as a JWS of the algorithm would (RFC 7518 §3, RFC 8037 §3.1).
func signAndCheck(alg keys.Algorithm, s crypto.Signer, public crypto.PublicKey, message []byte) error {
	digest, opts := input(alg, message)
	sig, err := s.Sign(rand.Reader, digest, opts)
	if err != nil {
		return fmt.Errorf("sign %s: %w", alg, err)
	}
	ok := false
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(k, digest, sig)
	case ed25519.PublicKey:
		ok = ed25519.Verify(k, message, sig)
	case *rsa.PublicKey:
		if pss, isPSS := opts.(*rsa.PSSOptions); isPSS {
			ok = rsa.VerifyPSS(k, crypto.SHA256, digest, sig, pss) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(k, crypto.SHA256, digest, sig) == nil
		}
	}
	if !ok {
		return fmt.Errorf("the %s signature doesn't check", alg)
	}
	return nil
}

func input(alg keys.Algorithm, message []byte) ([]byte, crypto.SignerOpts) {
	switch alg {
	case keys.ES384:
		sum := sha512.Sum384(message)
		return sum[:], crypto.SHA384
	case keys.EdDSA:
		return message, crypto.Hash(0)
	case keys.PS256:
		sum := sha256.Sum256(message)
		return sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	}
	sum := sha256.Sum256(message)
	return sum[:], crypto.SHA256
}

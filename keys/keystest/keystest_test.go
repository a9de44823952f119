package keystest_test

import (
	"context"
	"crypto"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
)

func TestMemStore(t *testing.T) {
	keystest.TestStore(t, func(*testing.T) keys.Store { return new(keystest.MemStore) })
}

func TestSoftware(t *testing.T) {
	keystest.TestProvider(t, func(*testing.T) keys.Provider { return keys.Software{} }, keystest.Gaps{})
}

// vault is a second provider, made as a key service is: keys stay inside and are known by a reference, the signer is none
// of the standard library's types, and it does one algorithm.
type vault struct{ box *box }

type box struct {
	mu   sync.Mutex
	keys []crypto.Signer
}

// remote signs inside the vault.
type remote struct{ inner crypto.Signer }

func (r remote) Public() crypto.PublicKey { return r.inner.Public() }
func (r remote) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.inner.Sign(rand, digest, opts)
}

var _ keys.Provider = vault{}

func (vault) Name() string { return "vault" }

func (v vault) Generate(ctx context.Context, alg keys.Algorithm) (crypto.Signer, []byte, error) {
	if alg != keys.ES256 && alg != keys.EdDSA {
		return nil, nil, keys.ErrAlgorithm
	}
	s, _, err := keys.Software{}.Generate(ctx, alg)
	if err != nil {
		return nil, nil, err
	}
	v.box.mu.Lock()
	defer v.box.mu.Unlock()
	v.box.keys = append(v.box.keys, s)
	return remote{s}, []byte("vault-key-" + strconv.Itoa(len(v.box.keys)-1) + ";"), nil
}

var errReference = errors.New("no such reference")

func (v vault) Open(_ context.Context, _ keys.Algorithm, state []byte) (crypto.Signer, error) {
	v.box.mu.Lock()
	defer v.box.mu.Unlock()
	for i, s := range v.box.keys {
		if string(state) == "vault-key-"+strconv.Itoa(i)+";" {
			return remote{s}, nil
		}
	}
	return nil, errReference
}

func TestSecondProvider(t *testing.T) {
	b := new(box)
	gaps := keystest.Gaps{Algorithms: []keys.Algorithm{keys.RS256, keys.PS256, keys.ES384}}
	keystest.TestProvider(t, func(*testing.T) keys.Provider { return vault{b} }, gaps)
}

// TestSeam runs a ring on the second provider, and moves a ring from one provider to the other by rotation.
func TestSeam(t *testing.T) {
	store, seal := new(keystest.MemStore), testSeal
	config := keys.Config{Store: store, SealKeys: seal, Policy: keys.Policy{Algs: []keys.Algorithm{keys.ES256}}}
	k := keystest.Open(t, config)
	old := signer(t, k)

	config.Providers = []keys.Provider{vault{new(box)}, keys.Software{}}
	k = keystest.Open(t, config)
	if got := signer(t, k); got != old {
		t.Fatalf("after the provider changed %s signs, want %s", got, old)
	}
	for range 2 { // the first rotation brings the standby that the old provider made
		if _, err := k.Rotate(t.Context(), keys.RotateRequest{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	i := slices.IndexFunc(k.Ring().List(now()), func(i keys.Info) bool { return i.State == keys.Standby })
	if p := k.Ring().List(now())[i].Provider; p != "vault" {
		t.Errorf("the standby was made by %q, want vault", p)
	}
	later := now().Add(keys.ActivateAhead * 2)
	key, err := k.Ring().Signer(keys.ES256, later)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := key.SignJWS("at+jwt", []byte(`{}`)); err != nil {
		t.Errorf("signing with a key behind crypto.Signer: %v", err)
	}

	config.Providers = nil
	if _, err := keys.Open(t.Context(), config); !errors.Is(err, keys.ErrProvider) {
		t.Errorf("opened without the provider: %v, want ErrProvider", err)
	}
}

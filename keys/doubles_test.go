package keys_test

import (
	"context"
	"crypto"
	"sync"

	"github.com/signet-oidc/signet/keys"
)

// countingProvider is Software and counts.
type countingProvider struct {
	keys.Software
	mu   sync.Mutex
	made int
}

func (p *countingProvider) Generate(ctx context.Context, alg keys.Algorithm) (crypto.Signer, []byte, error) {
	p.mu.Lock()
	p.made++
	p.mu.Unlock()
	return p.Software.Generate(ctx, alg)
}

// losingStore loses every swap.
type losingStore struct{ keys.Store }

func (losingStore) SwapRing(context.Context, keys.Sealed, keys.Change) error { return keys.ErrConflict }

// fixedProvider gives a certain key first.
type fixedProvider struct {
	keys.Software
	mu    sync.Mutex
	first crypto.Signer
}

func (p *fixedProvider) Generate(ctx context.Context, alg keys.Algorithm) (crypto.Signer, []byte, error) {
	p.mu.Lock()
	first := p.first
	p.first = nil
	p.mu.Unlock()
	if first != nil {
		return p.Import(ctx, alg, first)
	}
	return p.Software.Generate(ctx, alg)
}

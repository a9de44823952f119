package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
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

// spyProvider is Software and remembers the private numbers of what it made.
type spyProvider struct {
	keys.Software
	*spied
}

// spied hides what it knows behind a function, so that printing a Config doesn't print it.
type spied struct {
	mu      sync.Mutex
	secrets func() [][]byte
}

func newSpy() *spyProvider {
	return &spyProvider{spied: &spied{secrets: func() [][]byte { return nil }}}
}

func (p *spied) add(more ...[]byte) {
	all := append(p.secrets(), more...)
	p.secrets = func() [][]byte { return all }
}

func (p *spyProvider) Generate(ctx context.Context, alg keys.Algorithm) (crypto.Signer, []byte, error) {
	s, state, err := p.Software.Generate(ctx, alg)
	if err == nil {
		p.remember(s)
	}
	return s, state, err
}

func (p *spyProvider) remember(s crypto.Signer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch k := s.(type) {
	case *ecdsa.PrivateKey:
		b, _ := k.Bytes()
		p.add(b)
	case ed25519.PrivateKey:
		p.add(k.Seed())
	case *rsa.PrivateKey:
		p.add(k.D.Bytes(), k.Primes[0].Bytes(), k.Primes[1].Bytes())
	}
}

// forms lists how the secrets may look when something prints them.
func (p *spyProvider) forms() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.secrets() {
		out = append(out, formsOf(s)...)
	}
	return out
}

// formsOf lists ways to print the beginning of b.
func formsOf(b []byte) []string {
	head := b[:12]
	list := strings.Trim(fmt.Sprintf("%d", head), "[]")
	be, le := binary.BigEndian, binary.LittleEndian
	n := len(b)
	return []string{
		fmt.Sprint(be.Uint32(b), be.Uint32(b[4:])), fmt.Sprint(le.Uint32(b), le.Uint32(b[4:])), // as an AES key schedule
		fmt.Sprint(be.Uint64(b[n-8:]), be.Uint64(b[n-16:n-8])), // as words of a big.Int
		string(head), fmt.Sprintf("%x", head), fmt.Sprintf("%X", head), list, strings.ReplaceAll(list, " ", ", "), strings.ReplaceAll(list, " ", ","),
		strings.Trim(fmt.Sprintf("%#v", head), "[]byte{}"), base64.RawStdEncoding.EncodeToString(head), base64.RawURLEncoding.EncodeToString(head),
		new(big.Int).SetBytes(b).String(),
	}
}

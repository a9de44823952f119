package issuer_test

import (
	"bytes"
	"context"
	"crypto"
	"sync"

	"github.com/signet-oidc/signet/keys"
)

// lender is a provider whose RSA keys other tests have, too: to look for primes anew for
// each would be a third of all their work. One ring gets no key twice.
type lender struct {
	keys.Software
	mu   sync.Mutex // guards lent
	lent map[keys.Algorithm]int
}

type lentKey struct {
	signer crypto.Signer
	state  []byte
}

// madeKeys are those made so far.
var madeKeys = struct {
	sync.Mutex
	of map[keys.Algorithm][]lentKey
}{of: map[keys.Algorithm][]lentKey{}}

func (l *lender) Generate(ctx context.Context, alg keys.Algorithm) (crypto.Signer, []byte, error) {
	if alg != keys.RS256 && alg != keys.PS256 {
		return l.Software.Generate(ctx, alg)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lent == nil {
		l.lent = map[keys.Algorithm]int{}
	}
	n := l.lent[alg]
	l.lent[alg]++
	return nth(ctx, alg, n)
}

// nth returns a key of those made so far, or makes it.
func nth(ctx context.Context, alg keys.Algorithm, n int) (crypto.Signer, []byte, error) {
	madeKeys.Lock()
	defer madeKeys.Unlock()
	for len(madeKeys.of[alg]) <= n {
		signer, state, err := keys.Software{}.Generate(ctx, alg)
		if err != nil {
			return nil, nil, err
		}
		madeKeys.of[alg] = append(madeKeys.of[alg], lentKey{signer, state})
	}
	key := madeKeys.of[alg][n]
	return key.signer, bytes.Clone(key.state), nil // the ring wipes what it has sealed
}

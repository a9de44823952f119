package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
)

// Provider makes and opens signing keys: in memory, in an HSM, at a cloud's key service. keystest.TestProvider is the
// contract that it must pass.
type Provider interface {
	// Name is stored with each key the provider made, and finds it again. It never changes: "software", "pkcs11".
	Name() string
	// Generate makes a key for alg. The signer signs from then on, from several goroutines at once. state is what Open
	// needs to find the key again: the key itself, or a reference; the ring stores it sealed. ErrAlgorithm where the
	// provider doesn't do alg.
	Generate(ctx context.Context, alg Algorithm) (signer crypto.Signer, state []byte, err error)
	// Open returns the key that state is of, with the same public part. It must not keep state.
	Open(ctx context.Context, alg Algorithm, state []byte) (crypto.Signer, error)
}

// Importer is a Provider that can also take in a private key that was made elsewhere.
type Importer interface {
	Import(ctx context.Context, alg Algorithm, private crypto.Signer) (signer crypto.Signer, state []byte, err error)
}

// Software is the built-in provider: keys are made and used in this process; their state is PKCS #8 (RFC 5958) in DER.
type Software struct {
	// RSABits is the size of RSA keys it makes. Default 2048, at most 4096.
	RSABits int
}

var (
	_ Provider = Software{}
	_ Importer = Software{}
)

// Name is "software".
func (Software) Name() string { return "software" }

// Generate makes a key.
func (s Software) Generate(ctx context.Context, alg Algorithm) (crypto.Signer, []byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	key, err := s.generate(alg)
	if err != nil {
		return nil, nil, err
	}
	return s.Import(ctx, alg, key)
}

func (s Software) generate(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case ES256, ES384:
		return ecdsa.GenerateKey(alg.curve(), rand.Reader)
	case RS256, PS256:
		bits := s.RSABits
		if bits == 0 {
			bits = rsaBits
		}
		return rsa.GenerateKey(rand.Reader, bits)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("%w: %.20q", ErrAlgorithm, alg)
}

// Import takes a private key in. RSA keys are checked as a whole: a key with a wrong prime would give itself away with
// its first signature.
func (Software) Import(_ context.Context, alg Algorithm, private crypto.Signer) (crypto.Signer, []byte, error) {
	if err := alg.check(private.Public()); err != nil {
		return nil, nil, err
	}
	if k, ok := private.(*rsa.PrivateKey); ok {
		if err := k.Validate(); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrImport, err)
		}
	}
	state, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrImport, err)
	}
	return private, state, nil
}

// Open reads the state.
func (Software) Open(_ context.Context, alg Algorithm, state []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(state)
	if err != nil {
		return nil, fmt.Errorf("keys: open software key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: %T", ErrAlgorithm, key)
	}
	return signer, alg.check(signer.Public())
}

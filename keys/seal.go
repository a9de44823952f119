package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/signet-oidc/signet/keys/secret"
)

// sealVersion is the format of a sealed part: "1.<fingerprint of the seal key>.<base64url of nonce, ciphertext, tag>",
// AES-256-GCM with a random nonce of 96 bits.
const sealVersion = "1"

// Labels of what is sealed; they are in the associated data, so that one kind of key can't be passed off as another.
const (
	sealedSigning = "signing"
	sealedRefresh = "refresh"
)

var errMalformedSeal = errors.New("malformed")

// sealer seals with the first of its keys and opens with all.
type sealer struct {
	first string // fingerprint
	order []string
	aeads map[string]func() cipher.AEAD // by fingerprint; functions, so that nothing that prints reaches a key schedule
}

func newSealer(keys []secret.Key) (*sealer, error) {
	s := &sealer{aeads: map[string]func() cipher.AEAD{}}
	for i, k := range keys {
		if k.IsZero() {
			return nil, fmt.Errorf("%w: seal key %d is empty", ErrPolicy, i+1)
		}
		block, err := aes.NewCipher(k.Reveal())
		if err != nil {
			return nil, fmt.Errorf("keys: seal key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("keys: seal key %d: %w", i+1, err)
		}
		s.order = append(s.order, k.Fingerprint())
		s.aeads[k.Fingerprint()] = func() cipher.AEAD { return aead }
	}
	if len(s.order) == 0 {
		return nil, fmt.Errorf("%w: no seal key: set SIGNET_SEAL_KEY to 32 random bytes in base64", ErrPolicy)
	}
	s.first = s.order[0]
	return s, nil
}

// associated binds a sealed part to its format, its kind and the key it is of, so that it can't be moved between records.
func associated(kind, kid string) []byte {
	return []byte("signet key ring\x00" + sealVersion + "\x00" + kind + "\x00" + kid)
}

func (s *sealer) seal(kind, kid string, plain []byte) string {
	sealed := s.aeads[s.first]().Seal(nil, nil, plain, associated(kind, kid))
	return sealVersion + "." + s.first + "." + base64.RawURLEncoding.EncodeToString(sealed)
}

// open returns the plain text, or a *SealError.
func (s *sealer) open(kind, kid, sealed string) ([]byte, error) {
	name := kid
	if kind == sealedRefresh {
		name = "refresh:" + kid
	}
	by, body, err := splitSealed(sealed)
	if err != nil {
		return nil, &SealError{KID: name, Cause: err}
	}
	aead, ok := s.aeads[by]
	if !ok {
		return nil, &SealError{KID: name, Sealed: by, Have: s.order}
	}
	plain, err := aead().Open(nil, nil, body, associated(kind, kid))
	if err != nil {
		return nil, &SealError{KID: name, Sealed: by, Have: s.order, Cause: err}
	}
	return plain, nil
}

func splitSealed(sealed string) (by string, body []byte, err error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != sealVersion {
		return "", nil, errMalformedSeal
	}
	body, err = base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return "", nil, errMalformedSeal
	}
	return parts[1], body, nil
}

// current reports whether a part is sealed with the first key already.
func (s *sealer) current(sealed string) bool {
	return strings.HasPrefix(sealed, sealVersion+"."+s.first+".")
}

// reseal seals a part anew with the first key.
func (s *sealer) reseal(kind, kid, sealed string) (string, error) {
	plain, err := s.open(kind, kid, sealed)
	if err != nil {
		return "", err
	}
	defer clear(plain)
	return s.seal(kind, kid, plain), nil
}

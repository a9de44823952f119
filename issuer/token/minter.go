package token

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/keys"
)

// Ring is the snapshot of the key ring that signs.
type Ring interface {
	// Signer returns the key that signs at a time, without lock or I/O, or says
	// why none may.
	Signer(alg keys.Algorithm, now time.Time) (*keys.Key, error)
}

// Minter signs what the issuer says. It is safe for concurrent use.
type Minter struct {
	issuer string
	ring   func() Ring
}

// NewMinter returns a minter for an issuer URL; ring is asked at every token.
func NewMinter(issuer string, ring func() Ring) *Minter {
	return &Minter{issuer, ring}
}

// Access signs an access token with the active key of an algorithm.
func (m *Minter) Access(alg keys.Algorithm, a Access) (string, error) {
	claims, err := json.Marshal(a.claims(m.issuer, rand.Text()))
	if err != nil {
		return "", fmt.Errorf("encode access token: %w", err)
	}
	return m.sign(alg, discovery.TypeAccessToken, claims, a.Issued)
}

// Signing names the key that signs with an algorithm at a time; empty: none may.
func (m *Minter) Signing(alg keys.Algorithm, now time.Time) (kid string) {
	key, err := m.ring().Signer(alg, now)
	if err != nil {
		return ""
	}
	return key.ID()
}

func (m *Minter) sign(alg keys.Algorithm, typ string, claims []byte, now time.Time) (string, error) {
	key, err := m.ring().Signer(alg, now)
	if err != nil {
		return "", err
	}
	return key.SignJWS(typ, claims)
}

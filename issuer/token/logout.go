package token

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/keys"
)

// LogoutLife is how long a logout token is good: two minutes, as OpenID Connect
// Back-Channel Logout 1.0 §2.4 recommends. Each try has a fresh one.
const LogoutLife = 2 * time.Minute

// Logout is what a logout token says (OpenID Connect Back-Channel Logout 1.0 §2.4).
type Logout struct {
	Subject id.User
	Client  id.Client // its audience
	Session id.Session
	Issued  time.Time
}

// logoutClaims is the wire form, in this order. A nonce is forbidden, or it could pass
// for an ID token.
type logoutClaims struct {
	Issuer   string       `json:"iss"`
	Subject  id.User      `json:"sub"`
	Audience id.Client    `json:"aud"`
	Expires  int64        `json:"exp"`
	IssuedAt int64        `json:"iat"`
	ID       string       `json:"jti"`
	Session  id.Session   `json:"sid"`
	Events   logoutEvents `json:"events"`
}

type logoutEvents struct {
	Logout struct{} `json:"http://schemas.openid.net/event/backchannel-logout"`
}

// Logout signs a logout token with the active key of an algorithm.
func (m *Minter) Logout(alg keys.Algorithm, t Logout) (string, error) {
	claims, err := json.Marshal(logoutClaims{
		Issuer: m.issuer, Subject: t.Subject, Audience: t.Client, Expires: t.Issued.Add(LogoutLife).Unix(), IssuedAt: t.Issued.Unix(),
		ID: rand.Text(), Session: t.Session,
	})
	if err != nil {
		return "", fmt.Errorf("encode logout token: %w", err)
	}
	return m.sign(alg, discovery.TypeLogoutToken, claims, t.Issued)
}

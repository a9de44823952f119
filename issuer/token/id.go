package token

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/keys"
)

// ID is what an ID token says (OpenID Connect Core §2).
type ID struct {
	Subject  id.User
	Client   id.Client // its audience
	Session  id.Session
	Nonce    string
	AuthTime time.Time
	ACR      string
	AMR      []string
	Access   string         // the access token given with it, for at_hash
	Claims   map[string]any // of the person; none of the names above
	Issued   time.Time
	Expires  time.Time
}

// idClaims is the wire form, in this order; the person's claims follow.
type idClaims struct {
	Issuer   string     `json:"iss"`
	Subject  id.User    `json:"sub"`
	Audience id.Client  `json:"aud"`
	Expires  int64      `json:"exp"`
	IssuedAt int64      `json:"iat"`
	AuthTime int64      `json:"auth_time"`
	Nonce    string     `json:"nonce,omitempty"`
	ACR      string     `json:"acr,omitempty"`
	AMR      []string   `json:"amr,omitempty"`
	Party    id.Client  `json:"azp"`
	AtHash   string     `json:"at_hash,omitempty"`
	Session  id.Session `json:"sid,omitempty"`
}

// ID signs an ID token with the active key of an algorithm.
func (m *Minter) ID(alg keys.Algorithm, t ID) (string, error) {
	claims, err := json.Marshal(idClaims{
		Issuer: m.issuer, Subject: t.Subject, Audience: t.Client, Party: t.Client, Expires: t.Expires.Unix(), IssuedAt: t.Issued.Unix(),
		AuthTime: t.AuthTime.Unix(), Nonce: t.Nonce, ACR: t.ACR, AMR: t.AMR, AtHash: atHash(alg, t.Access), Session: t.Session,
	})
	if err == nil {
		claims, err = extend(claims, t.Claims)
	}
	if err != nil {
		return "", fmt.Errorf("encode ID token: %w", err)
	}
	return m.sign(alg, discovery.TypeIDToken, claims, t.Issued)
}

// extend adds members to a JSON object, in the order of their names.
func extend(object []byte, more map[string]any) ([]byte, error) {
	if len(more) == 0 {
		return object, nil
	}
	b, err := json.Marshal(more)
	if err != nil {
		return nil, err
	}
	return append(append(object[:len(object)-1], ','), b[1:]...), nil
}

// atHash is the left half of the hash of an access token, by the hash that the
// algorithm of the ID token uses (OpenID Connect Core §3.1.3.6).
func atHash(alg keys.Algorithm, access string) string {
	if access == "" {
		return ""
	}
	var sum []byte
	switch alg {
	case keys.ES384:
		s := sha512.Sum384([]byte(access))
		sum = s[:]
	case keys.EdDSA: // Ed25519 hashes with SHA-512
		s := sha512.Sum512([]byte(access))
		sum = s[:]
	default:
		s := sha256.Sum256([]byte(access))
		sum = s[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// UserInfo signs an answer of the userinfo endpoint for a client (OpenID Connect Core
// §5.3.2).
func (m *Minter) UserInfo(alg keys.Algorithm, c id.Client, claims map[string]any, now time.Time) (string, error) {
	body, err := json.Marshal(struct {
		Issuer   string    `json:"iss"`
		Audience id.Client `json:"aud"`
		IssuedAt int64     `json:"iat"`
	}{m.issuer, c, now.Unix()})
	if err == nil {
		body, err = extend(body, claims)
	}
	if err != nil {
		return "", fmt.Errorf("encode userinfo: %w", err)
	}
	return m.sign(alg, discovery.TypeIDToken, body, now)
}

package verifiertest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Claims are a token's claims by name, as encoding/json takes them.
type Claims map[string]any

// TokenTTL is how long a token of Token lives.
const TokenTTL = 15 * time.Minute

// Token makes a good access token of a session of its own. A change may set, replace
// or delete claims before it is signed:
//
//	iss.Token(func(c verifiertest.Claims) { c["roles"] = []string{"admin"} })
func (i *Issuer) Token(changes ...func(Claims)) string {
	claims := i.Claims()
	for _, change := range changes {
		change(claims)
	}
	return i.SignClaims(claims)
}

// Claims are the claims of a good access token, of a session of its own.
func (i *Issuer) Claims() Claims {
	now := i.Clock.Now().Unix()
	i.mu.Lock()
	index := i.next
	i.next++
	i.mu.Unlock()
	return Claims{
		"iss": i.URL, "sub": "usr_test", "aud": []string{Audience}, "client_id": "signet",
		"iat": now, "nbf": now, "exp": now + int64(TokenTTL/time.Second), "jti": rand.Text(), "sid": rand.Text(),
		"scope": "openid profile", "roles": []string{"user"},
		"status": Claims{"status_list": Claims{"idx": index, "uri": i.URL + listPath}},
	}
}

// SignClaims signs claims as an access token, with the key that signs now.
func (i *Issuer) SignClaims(claims Claims) string {
	key := i.signing()
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	return i.signWith(key, key.header("at+jwt"), string(text))
}

// Sign signs header and claims as they stand, whatever they are, with the key by
// kid, or the one that signs now if it is "". It is for tokens that must be refused.
func (i *Issuer) Sign(kid, header, claims string) string {
	key := i.signing()
	if kid != "" {
		key = i.key(kid)
	}
	return i.signWith(key, header, claims)
}

func (i *Issuer) signWith(key *signingKey, header, claims string) string {
	raw, err := key.sign([]byte(header), []byte(claims))
	if err != nil {
		i.t.Fatal(err)
	}
	return raw
}

// header is what Signet's tokens have, and no more.
func (k *signingKey) header(typ string) string {
	return `{"alg":"` + k.alg + `","kid":"` + k.kid + `","typ":"` + typ + `"}`
}

// Expired makes a token that expired an hour ago.
func (i *Issuer) Expired() string {
	return i.Token(func(c Claims) {
		past := i.Clock.Now().Add(-time.Hour).Unix()
		c["exp"], c["iat"], c["nbf"] = past, past-900, past-900
	})
}

// WrongAudience makes a token for somebody else.
func (i *Issuer) WrongAudience() string {
	return i.Token(func(c Claims) { c["aud"] = []string{"https://elsewhere.test"} })
}

// Revoked makes a token of a session that was ended. A verifier refuses it once it
// has seen the new list: after its poll, or verifier.Refresh.
func (i *Issuer) Revoked() string {
	raw := i.Token()
	i.Revoke(raw)
	return raw
}

// Service makes a token of client_credentials: no session, no status.
func (i *Issuer) Service(client string) string {
	return i.Token(func(c Claims) {
		delete(c, "sid")
		delete(c, "status")
		c["sub"], c["client_id"] = client, client
	})
}

// OfRotatedKey makes a token and then rotates the key that signed it, which stays
// published.
func (i *Issuer) OfRotatedKey() string {
	raw := i.Token()
	i.Rotate(i.signing().alg)
	return raw
}

// OfWithdrawnKey makes a token, rotates, and withdraws the key that signed it.
func (i *Issuer) OfWithdrawnKey() string {
	kid := i.KeyID()
	raw := i.OfRotatedKey()
	i.Withdraw(kid)
	return raw
}

// OfUnknownKey makes a token signed by a key that was never published.
func (i *Issuer) OfUnknownKey() string {
	key, err := newSigningKey("ES256")
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := json.Marshal(i.Claims())
	if err != nil {
		i.t.Fatal(err)
	}
	return i.signWith(key, key.header("at+jwt"), string(text))
}

// Revoke ends the session of a token of ours.
func (i *Issuer) Revoke(raw string) {
	var claims struct {
		Status struct {
			List struct {
				Index uint64 `json:"idx"`
			} `json:"status_list"`
		}
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		i.t.Fatalf("verifiertest: Revoke: %v", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.list.set(claims.Status.List.Index)
}

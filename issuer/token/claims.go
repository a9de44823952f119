package token

import (
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// Access is what an access token says.
type Access struct {
	Subject  string // user id, or the client id for client_credentials (RFC 9068 §2.2)
	Client   id.Client
	Audience []string // at least one
	Scope    []string
	Roles    []string
	Session  id.Session // empty for client_credentials
	Status   Status     // zero for client_credentials
	BoundKey string     // RFC 7638 thumbprint: `cnf.jkt` (RFC 9449 §6.1)
	Issued   time.Time
	Expires  time.Time
}

// Status is a token's place in a status list (Token Status List §6.1).
type Status struct {
	URI   string // of the list
	Index int64  // in the list
}

// accessClaims is the wire form, in this order.
type accessClaims struct {
	Issuer   string        `json:"iss"`
	Subject  string        `json:"sub"`
	Audience any           `json:"aud"`
	Expires  int64         `json:"exp"`
	IssuedAt int64         `json:"iat"`
	NotBefor int64         `json:"nbf"`
	ID       string        `json:"jti"`
	Client   id.Client     `json:"client_id"`
	Scope    string        `json:"scope"` // RFC 9068 §2.2.3: space-delimited
	Roles    []string      `json:"roles"` // always there, [] when none
	Session  id.Session    `json:"sid,omitempty"`
	Confirm  *confirmation `json:"cnf,omitempty"`
	Status   *status       `json:"status,omitempty"`
}

type confirmation struct {
	Thumbprint string `json:"jkt"`
}

type status struct {
	List statusRef `json:"status_list"`
}

type statusRef struct {
	Index int64  `json:"idx"`
	URI   string `json:"uri"`
}

// audience is a string when there is one, else an array (RFC 7519 §4.1.3):
// many readers know only the string.
func audience(a []string) any {
	if len(a) == 1 {
		return a[0]
	}
	return a
}

func (a Access) claims(issuer, jti string) accessClaims {
	c := accessClaims{
		Issuer: issuer, Subject: a.Subject, Audience: audience(a.Audience),
		Expires: a.Expires.Unix(), IssuedAt: a.Issued.Unix(), NotBefor: a.Issued.Unix(),
		ID: jti, Client: a.Client, Scope: strings.Join(a.Scope, " "), Roles: a.Roles, Session: a.Session,
	}
	if c.Roles == nil {
		c.Roles = []string{}
	}
	if a.BoundKey != "" {
		c.Confirm = &confirmation{a.BoundKey}
	}
	if a.Status.URI != "" {
		c.Status = &status{statusRef{a.Status.Index, a.Status.URI}}
	}
	return c
}

// StatusPath is the path of a status list below the issuer URL.
func StatusPath(list int64) string { return "/oauth/status/" + strconv.FormatInt(list, 10) }

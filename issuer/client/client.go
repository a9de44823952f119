package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/signet-oidc/signet/issuer/id"
)

// Grant types (RFC 7591 §2; RFC 8628 §3.4).
const (
	GrantAuthorizationCode = "authorization_code"
	GrantClientCredentials = "client_credentials"
	GrantRefreshToken      = "refresh_token"
	GrantPassword          = "password"
	GrantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
)

// BuiltinID names the client that the first-party API's sessions belong to.
const BuiltinID id.Client = "signet"

// What a client may not do.
var (
	ErrScope    = errors.New("the client may not ask for this scope")    // RFC 6749 §5.2 invalid_scope
	ErrAudience = errors.New("the client may not ask for this audience") // RFC 8707 §2 invalid_target
)

// Builtin returns the public client whose sessions POST /login makes. It has no
// grants: neither its logins nor its refreshes are the token endpoint's. It is
// kept in no store.
func Builtin(audiences []string) Client {
	return Client{
		ID:        BuiltinID,
		Name:      "Signet",
		Public:    true,
		Grants:    []string{},
		Scopes:    []string{"openid", "profile", "email"},
		Audiences: slices.Clone(audiences),
		Roles:     []string{},
	}
}

// DefaultGrants are those of a client of which nobody said them: logins for who can be
// returned to, tokens of its own for who has a way to authenticate.
func DefaultGrants(c Client) []string {
	switch {
	case len(c.RedirectURIs) > 0:
		return []string{GrantAuthorizationCode, GrantRefreshToken}
	case c.Public:
		return []string{}
	}
	return []string{GrantClientCredentials}
}

// AllowsGrant tells whether the client may use a grant type.
func (c Client) AllowsGrant(grant string) bool { return slices.Contains(c.Grants, grant) }

// AllowsScope returns what is granted of the scopes asked for: all of them, each
// once, in their order, or an error that wraps ErrScope if the client may not ask
// for one. Who asks for none gets all that the client may ask for (RFC 6749 §3.3's
// default). The result is the caller's.
func (c Client) AllowsScope(asked []string) (granted []string, err error) {
	return allowed(asked, c.Scopes, c.Scopes, ErrScope)
}

// AllowsAudience returns what is granted of the resources asked for (RFC 8707),
// as AllowsScope does with ErrAudience; they are compared character by character.
// Who asks for none gets the client's first audience. A client that names none
// may have fallback, the issuer's default.
func (c Client) AllowsAudience(asked []string, fallback string) (granted []string, err error) {
	may := c.Audiences
	if len(may) == 0 {
		may = []string{fallback}
	}
	return allowed(asked, may, may[:1], ErrAudience)
}

func allowed(asked, may, none []string, refusal error) ([]string, error) {
	if len(asked) == 0 {
		return append([]string{}, none...), nil
	}
	granted := make([]string, 0, min(len(asked), len(may)))
	for _, s := range asked {
		if !slices.Contains(may, s) {
			return nil, fmt.Errorf("%w: %.100q", refusal, s)
		}
		if !slices.Contains(granted, s) {
			granted = append(granted, s)
		}
	}
	return granted, nil
}

// notToken tells whether r can't be in a scope-token (RFC 6749 §3.3).
func notToken(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

func isToken(s string) bool { return s != "" && !strings.ContainsFunc(s, notToken) }

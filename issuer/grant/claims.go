package grant

import "slices"

// Scopes of OpenID Connect Core §5.4 and §11, and Signet's own for roles.
const (
	ScopeOpenID  = "openid"
	ScopeProfile = "profile"
	ScopeEmail   = "email"
	ScopePhone   = "phone"
	ScopeAddress = "address"
	ScopeRoles   = "roles"
	ScopeOffline = "offline_access"
)

// Scopes are all that Signet itself knows, in the order of discovery.
func Scopes() []string {
	return []string{ScopeOpenID, ScopeProfile, ScopeEmail, ScopePhone, ScopeAddress, ScopeRoles, ScopeOffline}
}

// scopeClaims are the claims of a person that a scope stands for (OpenID Connect Core
// §5.4).
var scopeClaims = map[string][]string{
	ScopeProfile: {
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
		"gender", "birthdate", "zoneinfo", "locale", "updated_at",
	},
	ScopeEmail:   {"email", "email_verified"},
	ScopePhone:   {"phone_number", "phone_number_verified"},
	ScopeAddress: {"address"},
	ScopeRoles:   {"roles"},
}

// ClaimsOf are the names of the claims that scopes stand for.
func ClaimsOf(scope []string) []string {
	var names []string
	for _, s := range scope {
		names = append(names, scopeClaims[s]...)
	}
	return names
}

// ScopeOf is the scope that stands for a claim; empty where none does.
func ScopeOf(claim string) string {
	for scope, names := range scopeClaims {
		if slices.Contains(names, claim) {
			return scope
		}
	}
	return ""
}

// Asks are the scopes that a person is asked to agree to: those of the request, and
// those that stand for the single claims it wants.
func (r Request) Asks() []string {
	asks := slices.Clone(r.Scope)
	for _, name := range slices.Concat(r.Claims.UserInfo, r.Claims.IDToken) {
		if s := ScopeOf(name); s != "" && !slices.Contains(asks, s) {
			asks = append(asks, s)
		}
	}
	return asks
}

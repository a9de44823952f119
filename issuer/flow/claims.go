package flow

import (
	"slices"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/grant"
)

// ACR is how well a person is known who gave a password (OpenID Connect Core §2): one
// thing they know.
const ACR = "urn:signet:acr:password"

// claimsOf is what a person has of the claims that are named. What they have not is left
// out, and so is a false email_verified: it isn't known, and clients take it for no.
func claimsOf(u account.User, names []string) map[string]any {
	have := map[string]any{}
	put := func(name string, v any, there bool) {
		if there && slices.Contains(names, name) {
			have[name] = v
		}
	}
	text := func(name, v string) { put(name, v, v != "") }
	p := u.Profile
	text("email", u.Email)
	put("email_verified", true, u.EmailVerified)
	text("name", p.Name)
	text("given_name", p.GivenName)
	text("family_name", p.FamilyName)
	text("middle_name", p.MiddleName)
	text("nickname", p.Nickname)
	text("preferred_username", p.PreferredUsername)
	text("profile", p.Page)
	text("picture", p.Picture)
	text("website", p.Website)
	text("gender", p.Gender)
	text("birthdate", p.Birthdate)
	text("zoneinfo", p.Zoneinfo)
	text("locale", p.Locale)
	put("updated_at", p.Updated.Unix(), !p.Updated.IsZero()) // a number (§5.1)
	text("phone_number", p.Phone)
	put("phone_number_verified", true, p.Phone != "" && p.PhoneVerified)
	put("address", p.Address, p.Address != nil && *p.Address != account.Address{})
	put("roles", rolesOf(u), true)
	return have
}

func rolesOf(u account.User) []string {
	if u.Roles == nil {
		return []string{}
	}
	return u.Roles
}

// Claims are all that a person may have, for discovery.
func Claims() []string {
	own := []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid"}
	return append(own, grant.ClaimsOf(grant.Scopes())...)
}

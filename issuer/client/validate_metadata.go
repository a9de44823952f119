package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/signet-oidc/signet/verifier/jws"
)

// Bounds of what a client says of itself.
const (
	maxJWKS    = 32 << 10 // bytes
	maxKeys    = 32       // of a JWK set
	maxText    = 256      // characters of a contact, a software id or version
	maxAgeMost = 100 * 365 * 24 * 60 * 60
)

// Kinds of applications (OpenID Connect Dynamic Client Registration §2).
const (
	ApplicationWeb    = "web"
	ApplicationNative = "native"
)

// field is what is wrong with one member of a registration; empty: nothing.
type field struct{ name, reason string }

// metadata says what is wrong with each member of a client's Metadata.
func (c Client) metadata() []field {
	m := c.Metadata
	return append([]field{
		{"application_type", badApplication(c)},
		{"token_endpoint_auth_method", badMethod(c)},
		{"token_endpoint_auth_signing_alg", badAssertionAlg(m.AuthAlg)},
		{"jwks", badJWKS(c)},
		{"id_token_signed_response_alg", badAlg(m.IDTokenAlg)},
		{"userinfo_signed_response_alg", badAlg(m.UserinfoAlg)},
		{"default_max_age", badMaxAge(m.DefaultMaxAge)},
		{"default_acr_values", badList(m.DefaultACR, badToken)},
		{"post_logout_redirect_uris", badList(m.PostLogoutRedirectURIs, badRedirect)},
		{"contacts", badList(m.Contacts, badText)},
		{"software_id", badText(m.SoftwareID)},
		{"software_version", badText(m.SoftwareVersion)},
	}, m.addresses()...)
}

// addresses are the members that a browser is sent to or that Signet calls: https, all
// of them. (RP-Initiated Logout's and the authorization's redirects may be others.)
func (m Metadata) addresses() []field {
	return []field{
		{"jwks_uri", badHTTPS(m.JWKSURI)},
		{"sector_identifier_uri", badHTTPS(m.SectorIdentifierURI)}, // OpenID Connect Dynamic Client Registration §5
		{"initiate_login_uri", badHTTPS(m.InitiateLoginURI)},       // §2
		{"backchannel_logout_uri", badHTTPS(m.BackchannelLogoutURI)},
		{"client_uri", badHTTPS(m.URI)},
		{"logo_uri", badHTTPS(m.LogoURI)},
		{"policy_uri", badHTTPS(m.PolicyURI)},
		{"tos_uri", badHTTPS(m.TermsURI)},
	}
}

// AllowsPostLogoutRedirect tells whether a person who has logged out may be sent on to
// asked: when it is, character by character, one that is registered (OpenID Connect
// RP-Initiated Logout 1.0 §3). No port is free here.
func (c Client) AllowsPostLogoutRedirect(asked string) bool {
	return slices.Contains(c.PostLogoutRedirectURIs, asked)
}

// ValidateAlgorithms returns nil, or an *InvalidError for the first of a client's
// signature algorithms that is not in have: those whose keys may sign here now.
func ValidateAlgorithms(c Client, have []string) error {
	for _, f := range []struct{ name, alg string }{
		{"token_alg", c.TokenAlg}, {"id_token_signed_response_alg", c.IDTokenAlg}, {"userinfo_signed_response_alg", c.UserinfoAlg},
	} {
		if f.alg != "" && !slices.Contains(have, f.alg) {
			return &InvalidError{Field: f.name, Reason: fmt.Sprintf("%.20q: no key of this algorithm signs here, but of %s", f.alg, strings.Join(have, ", "))}
		}
	}
	return nil
}

// badApplication follows OpenID Connect Dynamic Client Registration §2: an app's own
// scheme is for native applications, which may also claim https (RFC 8252 §7.2). Plain
// http is to this machine alone whatever the kind, which badRedirect sees to: there a
// web application is being developed.
func badApplication(c Client) string {
	switch c.ApplicationType {
	case "", ApplicationNative:
		return ""
	case ApplicationWeb:
		if slices.ContainsFunc(c.RedirectURIs, ownScheme) {
			return "a web application has no redirect to a scheme of its own; " + ApplicationNative + " ones have"
		}
		return ""
	}
	return ApplicationWeb + " or " + ApplicationNative
}

func ownScheme(uri string) bool {
	return !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://")
}

// badMethod holds how a client authenticates and what it has together: a public one
// has nothing, and who signs assertions has keys and no secret (RFC 7523 §2.2), which
// would otherwise be a second door beside the better one.
func badMethod(c Client) string {
	switch c.AuthMethod {
	case "":
		return ""
	case MethodNone:
		if !c.Public {
			return "is for public clients; a confidential one authenticates"
		}
	case MethodBasic, MethodPost:
		if c.Public {
			return "a public client has no secret: " + string(MethodNone)
		}
	case MethodPrivateKeyJWT:
		return badAssertions(c)
	default:
		return fmt.Sprintf("%.40q is not one of %s", c.AuthMethod, strings.Join(methods, " "))
	}
	return ""
}

var methods = []string{string(MethodNone), string(MethodBasic), string(MethodPost), string(MethodPrivateKeyJWT)}

func badAssertions(c Client) string {
	switch {
	case c.Public:
		return "a public client has no keys: " + string(MethodNone)
	case len(c.Secrets) > 0:
		return "a client of this method has no secret"
	case len(c.JWKS) == 0 && c.JWKSURI == "":
		return "needs jwks or jwks_uri"
	}
	return ""
}

// badAssertionAlg knows what an assertion can be checked with.
func badAssertionAlg(alg string) string {
	if alg != "" && !jws.Known(alg) {
		return fmt.Sprintf("%.20q is not an algorithm that assertions are read in", alg)
	}
	return ""
}

func badMaxAge(age *int64) string {
	if age != nil && (*age < 0 || *age > maxAgeMost) {
		return fmt.Sprintf("0 to %d seconds", maxAgeMost)
	}
	return ""
}

func badText(s string) string {
	if utf8.RuneCountInString(s) > maxText || !utf8.ValidString(s) {
		return fmt.Sprintf("at most %d characters of UTF-8", maxText)
	}
	if hasUnseen(s) {
		return "only characters that can be seen"
	}
	return ""
}

// badHTTPS is badURI for what may be left out and is https where it isn't.
func badHTTPS(s string) string {
	if s == "" {
		return ""
	}
	if reason := badURI(s); reason != "" {
		return reason
	}
	if reason := badRedirect(s); reason != "" || !strings.HasPrefix(s, "https://") {
		return "an https URL"
	}
	return ""
}

func badJWKS(c Client) string {
	if len(c.JWKS) == 0 {
		return ""
	}
	if c.JWKSURI != "" { // RFC 7591 §2: not both
		return "not together with jwks_uri"
	}
	usable, err := parseKeys(string(c.JWKS))
	switch {
	case errors.Is(err, errPrivate):
		return "has a private or symmetric key: who else has seen it?"
	case err != nil:
		return fmt.Sprintf("a JWK set (RFC 7517 §5) of at most %d public keys in %d bytes", maxKeys, maxJWKS)
	case c.AuthMethod == MethodPrivateKeyJWT && len(usable) == 0:
		return "has no key that an assertion could be checked with"
	}
	return ""
}

package discovery

import "strings"

// Paths of the documents, below the issuer's URL.
const (
	// PathOpenIDConfiguration: OpenID Connect Discovery 1.0 §4. It is appended to the issuer's path.
	PathOpenIDConfiguration = "/.well-known/openid-configuration"
	// PathAuthorizationServer: RFC 8414 §3. It is put between the issuer's host and its path.
	PathAuthorizationServer = "/.well-known/oauth-authorization-server"
	// PathJWKS is where Signet's keys stand; verifiers learn it from jwks_uri.
	PathJWKS = "/.well-known/jwks.json"
)

// Media types.
const (
	MediaJSON       = "application/json"
	MediaJWKS       = "application/jwk-set+json"   // RFC 7517 §8.5.2
	MediaStatusList = "application/statuslist+jwt" // draft-ietf-oauth-status-list §14.7
	MediaJWT        = "application/jwt"            // RFC 7519 §10.3.1
)

// Values of a JWT's typ header that Signet writes.
const (
	TypeAccessToken = "at+jwt"         // RFC 9068 §2.1
	TypeIDToken     = "JWT"            // RFC 7519 §5.1
	TypeLogoutToken = "logout+jwt"     // OpenID Connect Back-Channel Logout 1.0 §2.4
	TypeStatusList  = "statuslist+jwt" // draft-ietf-oauth-status-list §5.1
)

// OpenIDConfigurationURL is where an issuer's OpenID document stands: the issuer without a trailing slash, and the path
// (OpenID Connect Discovery 1.0 §4).
func OpenIDConfigurationURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + PathOpenIDConfiguration
}

// AuthorizationServerURL is where an issuer's RFC 8414 document stands: the well-known part comes between host and path
// (RFC 8414 §3.1).
func AuthorizationServerURL(issuer string) string {
	issuer = strings.TrimSuffix(issuer, "/")
	scheme, rest, found := strings.Cut(issuer, "://")
	if !found {
		return issuer + PathAuthorizationServer
	}
	host, path, nested := strings.Cut(rest, "/")
	if nested {
		path = "/" + path
	}
	return scheme + "://" + host + PathAuthorizationServer + path
}

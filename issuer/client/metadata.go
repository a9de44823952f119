package client

import "encoding/json"

// Metadata is what a client may say of itself beside its grants, scopes and redirect
// URIs. Names are those of registration: RFC 7591 §2, OpenID Connect Dynamic Client
// Registration §2, RP-Initiated Logout §3.1, Back-Channel Logout §2.2, RFC 9126 §6, RFC
// 9449 §5.2.
type Metadata struct {
	ApplicationType string          `json:"application_type,omitempty"`                // web or native; empty: web
	AuthMethod      Method          `json:"token_endpoint_auth_method,omitempty"`      // empty: none if public, else basic or post
	AuthAlg         string          `json:"token_endpoint_auth_signing_alg,omitempty"` // of assertions; empty: any that its keys have
	JWKS            json.RawMessage `json:"jwks,omitempty"`                            // its public keys
	JWKSURI         string          `json:"jwks_uri,omitempty"`                        // where they are; not both

	IDTokenAlg      string   `json:"id_token_signed_response_alg,omitempty"` // empty: TokenAlg, or the issuer's first
	UserinfoAlg     string   `json:"userinfo_signed_response_alg,omitempty"` // empty: userinfo is plain JSON
	DefaultMaxAge   *int64   `json:"default_max_age,omitempty"`              // seconds
	RequireAuthTime bool     `json:"require_auth_time,omitempty"`
	DefaultACR      []string `json:"default_acr_values,omitempty"`

	InitiateLoginURI       string   `json:"initiate_login_uri,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty"`
	// BackchannelSession asks that logout tokens have a sid; they always have.
	BackchannelSession  bool   `json:"backchannel_logout_session_required,omitempty"`
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`

	URI             string   `json:"client_uri,omitempty"`
	LogoURI         string   `json:"logo_uri,omitempty"`
	PolicyURI       string   `json:"policy_uri,omitempty"`
	TermsURI        string   `json:"tos_uri,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`

	RequirePushed bool `json:"require_pushed_authorization_requests,omitempty"`
	BoundTokens   bool `json:"dpop_bound_access_tokens,omitempty"` // refuse what comes without a DPoP proof
	// Trusted clients are the operator's own: no person is asked for consent. It is
	// never taken from a registration.
	Trusted bool `json:"trusted,omitempty"`
}

// FirstIDTokenAlg names what signs the client's ID tokens; empty: the issuer's first.
func (c Client) FirstIDTokenAlg() string {
	if c.IDTokenAlg != "" {
		return c.IDTokenAlg
	}
	return c.TokenAlg
}

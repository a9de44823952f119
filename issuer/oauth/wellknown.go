package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/keys"
)

// Paths of the endpoints, below the issuer URL.
const (
	PathAuthorize  = "/oauth/authorize"
	PathPush       = "/oauth/par"
	PathToken      = "/oauth/token"
	PathUserInfo   = "/oidc/userinfo"
	PathRevoke     = "/oauth/revoke"
	PathIntrospect = "/oauth/introspect"
	PathStatus     = "/oauth/status/"
)

// metadataAge is how long the metadata may be cached: what it lists changes with
// settings only, and an algorithm enters it when its keys may sign.
const metadataAge = 5 * time.Minute

// JWKS publishes the public keys (RFC 7517 §5). A ring that isn't fresh must not
// stay in caches.
func (o *OAuth) JWKS(w http.ResponseWriter, r *http.Request) error {
	set := o.Ring().JWKS(o.Now())
	publish(w, r, discovery.MediaJWKS, document{body: set.Body, etag: set.ETag, cache: set.CacheControl()})
	return nil
}

// Metadata publishes what the server can do (OpenID Connect Discovery 1.0 §4, RFC
// 8414 §3): one document at both paths, filled from the tables that serve.
func (o *OAuth) Metadata(w http.ResponseWriter, r *http.Request) error {
	doc := o.metadata.Load()
	if algs := o.Ring().Algorithms(o.Now()); doc == nil || !slices.Equal(doc.algs, algs) {
		body, err := json.Marshal(o.describeServer(algs))
		if err != nil {
			return fmt.Errorf("encode metadata: %w", err)
		}
		doc = &document{body: body, etag: tag(body), algs: algs, cache: cacheFor(metadataAge)}
		o.metadata.Store(doc)
	}
	publish(w, r, discovery.MediaJSON, *doc)
	return nil
}

func (o *OAuth) describeServer(algs []keys.Algorithm) discovery.Metadata {
	m := discovery.Metadata{
		Issuer:                o.Issuer,
		JWKSURI:               o.Issuer + discovery.PathJWKS,
		AuthorizationEndpoint: o.Issuer + PathAuthorize,
		TokenEndpoint:         o.Issuer + PathToken,
		UserinfoEndpoint:      o.Issuer + PathUserInfo,
		RevocationEndpoint:    o.Issuer + PathRevoke,
		IntrospectionEndpoint: o.Issuer + PathIntrospect,
		EndSessionEndpoint:    o.Issuer + PathLogout,
		StatusListEndpoint:    o.Issuer + PathStatus,
		GrantTypesSupported:   Grants(),
		ScopesSupported:       grant.Scopes(),
		SubjectTypesSupported: []string{"public"},

		ResponseTypesSupported:             []string{"code"},
		ResponseModesSupported:             modes(),
		ACRValuesSupported:                 []string{flow.ACR},
		ClaimTypesSupported:                []string{"normal"},
		ClaimsSupported:                    flow.Claims(),
		ClaimsParameterSupported:           true,
		PromptValuesSupported:              Prompts(),
		UILocalesSupported:                 o.Locales,
		PushedAuthorizationRequestEndpoint: o.Issuer + PathPush,
		CodeChallengeMethodsSupported:      []string{"S256"},
		DPoPSigningAlgValuesSupported:      o.proofAlgorithms(),
		RequestParameterSupported:          new(bool), // false, which has to be said (OpenID Connect Discovery 1.0 §3)
		RequestURIParameterSupported:       new(bool),

		BackchannelLogoutSupported:        true,
		BackchannelLogoutSessionSupported: true,

		AuthorizationResponseIssParameterSupported: true,
		UserinfoSigningAlgValuesSupported:          names(algs),

		TokenEndpointAuthMethodsSupported:         authMethods(),
		RevocationEndpointAuthMethodsSupported:    authMethods(),
		IntrospectionEndpointAuthMethodsSupported: confidential(),

		TokenEndpointAuthSigningAlgValuesSupported: flow.AssertionAlgorithms(),
		RevocationEndpointAuthSigningAlgValues:     flow.AssertionAlgorithms(),
		IntrospectionEndpointAuthSigningAlgValues:  flow.AssertionAlgorithms(),
		IDTokenSigningAlgValuesSupported:           names(algs),
	}
	if o.Registrar.Enabled() {
		m.RegistrationEndpoint = o.Issuer + PathRegister
	}
	return m
}

func modes() []string {
	var s []string
	for _, m := range grant.Modes() {
		s = append(s, string(m))
	}
	return s
}

func names(algs []keys.Algorithm) []string {
	var s []string
	for _, a := range algs {
		s = append(s, string(a))
	}
	return s
}

package main

import (
	"fmt"
	"os"

	"github.com/signet-oidc/signet/issuer/client"
)

// clientMetadata is what a client says of itself, as flags.
type clientMetadata struct {
	Trusted         bool   `help:"It is the operator's own: people aren't asked for consent."`
	ApplicationType string `placeholder:"TYPE" help:"web or native. Default: either."`
	AuthMethod      string `placeholder:"METHOD" help:"How it authenticates: client_secret_basic, client_secret_post, private_key_jwt or none. Default: by its secret, either way."`
	AuthAlg         string `placeholder:"ALG" help:"Algorithm of the assertions that it signs (private_key_jwt). Default: any that its keys have."`
	JWKSFile        string `name:"jwks-file" placeholder:"FILE" help:"Its public keys, a JWK set."`
	JWKSURI         string `name:"jwks-uri" placeholder:"URL" help:"Where its public keys are."`
	IDTokenAlg      string `name:"id-token-alg" placeholder:"ALG" help:"Algorithm that signs its ID tokens. Default: that of its tokens."`
	UserinfoAlg     string `name:"userinfo-alg" placeholder:"ALG" help:"Algorithm that signs userinfo. Default: plain JSON."`

	PostLogoutRedirectURI []string `name:"post-logout-redirect-uri" placeholder:"URL" sep:"none" help:"Where a logout may return to, compared exactly; may be repeated."`
	BackchannelLogoutURI  string   `name:"backchannel-logout-uri" placeholder:"URL" help:"Where it is told that a person has logged out."`
	InitiateLoginURI      string   `name:"initiate-login-uri" placeholder:"URL" help:"Where a login can be begun for it."`
	ClientURI             string   `name:"client-uri" placeholder:"URL" help:"Its home page."`
	LogoURI               string   `name:"logo-uri" placeholder:"URL" help:"Its logo, to show to people."`
	PolicyURI             string   `name:"policy-uri" placeholder:"URL" help:"How it uses people's data."`
	TermsURI              string   `name:"tos-uri" placeholder:"URL" help:"Its terms of service."`
	Contact               []string `help:"Whom to ask about it; may be repeated."`

	RequirePushed bool `help:"It must push its authorization requests (RFC 9126)."`
	DPoPBound     bool `name:"dpop-bound" help:"It must prove a key with each request, and its tokens are bound to it (RFC 9449)."`
}

func (c clientMetadata) metadata() (client.Metadata, error) {
	m := client.Metadata{
		ApplicationType: c.ApplicationType, AuthMethod: client.Method(c.AuthMethod), AuthAlg: c.AuthAlg, JWKSURI: c.JWKSURI,
		IDTokenAlg: c.IDTokenAlg, UserinfoAlg: c.UserinfoAlg,
		InitiateLoginURI: c.InitiateLoginURI, PostLogoutRedirectURIs: c.PostLogoutRedirectURI, BackchannelLogoutURI: c.BackchannelLogoutURI,
		URI: c.ClientURI, LogoURI: c.LogoURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, Contacts: c.Contact,
		RequirePushed: c.RequirePushed, BoundTokens: c.DPoPBound, Trusted: c.Trusted,
	}
	if c.JWKSFile == "" {
		return m, nil
	}
	set, err := os.ReadFile(c.JWKSFile) // its size is Validate's to judge
	if err != nil {
		return m, fmt.Errorf("--jwks-file: %w", err)
	}
	m.JWKS = set
	return m, nil
}

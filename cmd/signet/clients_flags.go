package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/signet-oidc/signet/issuer/client"
)

// list is a flag that may be repeated. Nil: it isn't given.
type list []string

var _ kong.MapperValue = (*list)(nil)

// Decode adds what one occurrence of the flag says.
func (l *list) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("text", &text); err != nil {
		return err
	}
	if *l == nil {
		*l = list{}
	}
	*l = append(*l, kong.SplitEscaped(text, ctx.Value.Tag.Sep)...)
	return nil
}

// empties tells of the one empty text, as in --contact=, which stands for no item.
func (l list) empties() bool { return l != nil && (len(l) == 0 || len(l) == 1 && l[0] == "") }

// clientFlags is what add and set take. What isn't given is nil; an empty text takes away.
type clientFlags struct {
	Name        *string `placeholder:"TEXT" help:"Name to show to people."`
	Grant       list    `placeholder:"GRANT,..." help:"Grant type; may be repeated. Without any, add takes authorization_code and refresh_token with --redirect-uri, else client_credentials unless --public."`
	Scope       list    `placeholder:"SCOPE,..." help:"Scope it may ask for; may be repeated. Without any, add takes OpenID Connect's with --redirect-uri, else none."`
	Audiences   list    `name:"audience" placeholder:"URL,..." help:"What it may ask tokens for by resource, and what it may introspect; may be repeated; the first is the default."`
	Role        list    `placeholder:"ROLE,..." help:"Role in its own tokens; may be repeated."`
	RedirectURI list    `name:"redirect-uri" placeholder:"URL" sep:"none" help:"Where a login may return to, compared exactly; may be repeated."`
	Alg         *string `name:"token-alg" placeholder:"ALG" help:"Algorithm that signs its tokens. Default: the issuer's first."`
	clientMetadata
}

// clientMetadata is what a client says of itself, as flags.
type clientMetadata struct {
	Trusted         *bool   `negatable:"" help:"It is the operator's own: people aren't asked for consent."`
	ApplicationType *string `placeholder:"TYPE" help:"web or native. Default: either."`
	AuthMethod      *string `placeholder:"METHOD" help:"How it authenticates: client_secret_basic, client_secret_post, private_key_jwt or none. Default: by its secret, either way."`
	AuthAlg         *string `placeholder:"ALG" help:"Algorithm of the assertions that it signs (private_key_jwt). Default: any that its keys have."`
	JWKSFile        *string `name:"jwks-file" placeholder:"FILE" help:"Its public keys, a JWK set."`
	JWKSURI         *string `name:"jwks-uri" placeholder:"URL" help:"Where its public keys are."`
	IDTokenAlg      *string `name:"id-token-alg" placeholder:"ALG" help:"Algorithm that signs its ID tokens. Default: that of its tokens."`
	UserinfoAlg     *string `name:"userinfo-alg" placeholder:"ALG" help:"Algorithm that signs userinfo. Default: plain JSON."`

	PostLogoutRedirectURI list    `name:"post-logout-redirect-uri" placeholder:"URL" sep:"none" help:"Where a logout may return to, compared exactly; may be repeated."`
	BackchannelLogoutURI  *string `name:"backchannel-logout-uri" placeholder:"URL" help:"Where it is told that a person has logged out."`
	InitiateLoginURI      *string `name:"initiate-login-uri" placeholder:"URL" help:"Where a login can be begun for it."`
	ClientURI             *string `name:"client-uri" placeholder:"URL" help:"Its home page."`
	LogoURI               *string `name:"logo-uri" placeholder:"URL" help:"Its logo, to show to people."`
	PolicyURI             *string `name:"policy-uri" placeholder:"URL" help:"How it uses people's data."`
	TermsURI              *string `name:"tos-uri" placeholder:"URL" help:"Its terms of service."`
	Contact               list    `placeholder:"CONTACT,..." help:"Whom to ask about it; may be repeated."`

	RequirePushed *bool `negatable:"" help:"It must push its authorization requests (RFC 9126)."`
	DPoPBound     *bool `name:"dpop-bound" negatable:"" help:"It must prove a key with each request, and its tokens are bound to it (RFC 9449)."`
}

// over puts what was given over a client. Who signs assertions from now on has no secret, as
// with PATCH /admin/clients/ID.
func (f clientFlags) over(c *client.Client) error {
	put((*string)(&c.AuthMethod), f.AuthMethod)
	put(&c.Name, f.Name)
	put(&c.TokenAlg, f.Alg)
	for _, l := range []struct {
		to   *[]string
		from list
	}{{&c.Grants, f.Grant}, {&c.Scopes, f.Scope}, {&c.Audiences, f.Audiences}, {&c.Roles, f.Role}, {&c.RedirectURIs, f.RedirectURI}} {
		putList(l.to, l.from)
	}
	if err := f.describe(&c.Metadata); err != nil {
		return err
	}
	if c.AuthMethod == client.MethodPrivateKeyJWT {
		c.Secrets = nil
	}
	return nil
}

func (f clientMetadata) describe(m *client.Metadata) error {
	for _, t := range []struct{ to, from *string }{
		{&m.ApplicationType, f.ApplicationType}, {&m.AuthAlg, f.AuthAlg}, {&m.JWKSURI, f.JWKSURI}, {&m.IDTokenAlg, f.IDTokenAlg},
		{&m.UserinfoAlg, f.UserinfoAlg}, {&m.InitiateLoginURI, f.InitiateLoginURI}, {&m.BackchannelLogoutURI, f.BackchannelLogoutURI},
		{&m.URI, f.ClientURI}, {&m.LogoURI, f.LogoURI}, {&m.PolicyURI, f.PolicyURI}, {&m.TermsURI, f.TermsURI},
	} {
		put(t.to, t.from)
	}
	putList(&m.PostLogoutRedirectURIs, f.PostLogoutRedirectURI)
	putList(&m.Contacts, f.Contact)
	put(&m.RequirePushed, f.RequirePushed)
	put(&m.BoundTokens, f.DPoPBound)
	put(&m.Trusted, f.Trusted)
	return f.readKeys(m)
}

func (f clientMetadata) readKeys(m *client.Metadata) error {
	if f.JWKSFile == nil {
		return nil
	}
	m.JWKS = nil
	if *f.JWKSFile == "" {
		return nil
	}
	set, err := os.ReadFile(*f.JWKSFile) // its size is Validate's to judge
	if err != nil {
		return fmt.Errorf("--jwks-file: %w", err)
	}
	m.JWKS = set
	return nil
}

func put[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func putList(to *[]string, from list) {
	switch {
	case from == nil:
	case from.empties():
		*to = []string{}
	default:
		*to = from
	}
}

// Package oauth is the face of OAuth 2 and OpenID Connect over HTTP.
//
//	GET, POST /oauth/authorize   RFC 6749 §3.1, OpenID Connect Core §3.1.2; what comes next is a page of web's
//	POST /oauth/par              RFC 9126
//	POST /oauth/token            RFC 6749 §3.2; one pipeline, one file a grant
//	GET, POST /oidc/userinfo     OpenID Connect Core §5.3
//	GET, POST /oidc/logout       OpenID Connect RP-Initiated Logout 1.0 §2
//	POST /oauth/revoke           RFC 7009
//	POST /oauth/introspect       RFC 7662
//	POST /oauth/register         RFC 7591, where CLIENT_REGISTRATION lets clients in
//	GET, PUT, DELETE /oauth/register/{client}      RFC 7592, by the registration access token
//	GET  /oauth/status/{list}                      Token Status List §8.1
//	GET  /.well-known/jwks.json                    RFC 7517
//	GET  /.well-known/openid-configuration         OpenID Connect Discovery 1.0
//	GET  /.well-known/oauth-authorization-server   RFC 8414
//
// The token pipeline reads the form, authenticates the client, finds the grant
// and checks that the client has it, checks the DPoP proof, reads scope and resource, and
// hands over to the grant: no grant can forget a step. An authorization request is read
// by one list of readers (authorization.go), pushed or not. The rules are flow's.
package oauth

// Package discovery owns the well-known documents as types: Metadata (OpenID Connect Discovery 1.0 and RFC 8414, with
// the members of RFC 9126, RFC 9207, RFC 9449 and others that Signet may offer), the paths they stand at, and the media
// types of what Signet publishes.
//
// It doesn't own their contents: the issuer fills Metadata from the tables that register its routes and grants, so that
// the document can't drift from the server, and the verifier reads what it needs from it.
package discovery

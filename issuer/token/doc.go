// Package token mints what the issuer signs: access tokens (RFC 9068), ID tokens and
// userinfo (OpenID Connect Core), logout tokens (OpenID Connect Back-Channel Logout) and
// status list tokens (draft-ietf-oauth-status-list).
//
// It owns what claims a token has and how they are written. It shares no claim
// types with verifier, which reads them: golden files tie the two, so that one
// mistake can't cancel itself out. Refresh tokens aren't signed but sealed by an
// HMAC; they belong to issuer/session.
package token

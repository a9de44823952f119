// Package client owns OAuth clients (RFC 6749 §2): their secrets, how they
// authenticate, what they may ask for and where they may be sent back to.
//
// Validate says what a registration may hold (validate_metadata.go for what a client says
// of itself); the Allows methods compare one request with it; Registry is the copy in
// memory that requests read. Keys are what a client signs its assertions with, in its
// registration or at its jwks_uri.
//
// It knows no HTTP and no engine. Which grants and signing algorithms exist is
// told to it. How often authentication may fail is limit's.
package client

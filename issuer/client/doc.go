// Package client owns OAuth clients: their secrets, how they authenticate, and what they may ask for.
// It knows no HTTP and no engine.
package client

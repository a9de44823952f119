package client

import (
	"context"
	"errors"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// Errors of the store; engines return them as they stand or wrapped.
var (
	ErrNotFound = errors.New("no such client")
	ErrExists   = errors.New("a client with this id exists")
	ErrConflict = errors.New("the client was changed by another at the same time")
)

// Client is an OAuth client (RFC 6749 §2). Public says that it has no secret
// (§2.1). The store keeps everything but ID, Version and Created as one JSON
// document, so that a new member of registration (RFC 7591 §2) needs no
// migration.
type Client struct {
	ID           id.Client `json:"id"`
	Name         string    `json:"name,omitempty"`
	Public       bool      `json:"public"`
	Secrets      []Secret  `json:"secrets,omitempty"` // several alive at once, so that they rotate
	Grants       []string  `json:"grants"`            // RFC 7591 §2 grant_types
	Scopes       []string  `json:"scopes"`            // what it may ask for
	Audiences    []string  `json:"audiences"`         // what it may name by `resource` (RFC 8707)
	Roles        []string  `json:"roles"`             // in its own client_credentials tokens
	RedirectURIs []string  `json:"redirect_uris,omitempty"`
	TokenAlg     string    `json:"token_alg,omitempty"` // signs its tokens; empty: the issuer's first
	// Registration is the registration access token (RFC 7592 §3) of a client that
	// registered itself; nil: an operator made it.
	Registration *Secret   `json:"registration,omitempty"`
	Version      int64     `json:"version"`
	Created      time.Time `json:"created"`
	Metadata
}

// Secret is one client secret: the SHA-256 of 256 random bits. No slow hash: a
// guess at 2^256 needs none, and the token endpoint would pay for it.
type Secret struct {
	Hash    [32]byte  `json:"hash"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// Store keeps clients. Every change writes its event, and an entry of kind
// "client" in the changes feed, in one transaction with it.
type Store interface {
	// Create adds a client, or says ErrExists.
	Create(ctx context.Context, c Client, e audit.Event) error
	// ByID finds a client, or ErrNotFound.
	ByID(ctx context.Context, client id.Client) (Client, error)
	// Save writes c if the stored version is still c.Version, which becomes
	// one more; else ErrConflict.
	Save(ctx context.Context, c Client, e audit.Event) error
	// Delete removes a client and ends its sessions, which it returns. Where they
	// are very many some end after the client is gone, and an error may leave some
	// live: Delete again ends those (with an event of its own). Where nothing is left
	// to end either: ErrNotFound.
	Delete(ctx context.Context, client id.Client, e audit.Event) ([]id.Session, error)
	// List returns at most limit clients whose id is greater than after, by id.
	List(ctx context.Context, after id.Client, limit int) ([]Client, error)
}

package keys

import (
	"context"
	"time"
)

// Store keeps the ring: one row with a version.
type Store interface {
	// LoadRing returns the stored ring, ErrNoRing where there is none. Each replica calls it every second.
	LoadRing(ctx context.Context) (Sealed, error)
	// SwapRing replaces the ring. next.Version must be the stored version plus one (1 where there is none), else
	// ErrConflict and nothing changes. The change is put into the audit record and the changes feed in the same
	// transaction: neither can be without the other.
	SwapRing(ctx context.Context, next Sealed, c Change) error
}

// Sealed is the ring as it is stored. Document is JSON of a few kilobytes, for which the store needs no understanding:
//
//	{
//	  "format": 1,
//	  "updated": "2026-11-01T12:00:00Z",
//	  "marks": {"token": "15m0s", "max_age": "5m0s", "session": "720h0m0s"},
//	  "algs": ["ES256", "RS256"],
//	  "keys": [{
//	    "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
//	    "alg": "ES256", "provider": "software",
//	    "public": {"use":"sig", "kty":"EC", "kid":"Nzb…", "crv":"P-256", "alg":"ES256", "x":"…", "y":"…"},
//	    "private": "1.5f0c3a9be1d2.h7Jk…",
//	    "created": "…", "activate": "…", "retire": "…", "remove": "…", "revoked": "…"
//	  }],
//	  "refresh": [{"id": 2882400001, "private": "1.5f0c3a9be1d2.Zq0x…", "created": "…", "mints": "…"}]
//	}
//
// A private part is AES-256-GCM of what the key's provider needs to find it (PKCS #8 for keys in memory) or of 32 bytes
// (refresh keys), with the format version, the kind and the kid in the associated data; the text before it names the seal
// key by its fingerprint. Times are computed with, states are never stored.
type Sealed struct {
	Version  int64
	Document []byte
}

// Kinds of a Change.
const (
	Created        = "created"         // the first ring
	Rotated        = "rotated"         // a standby was set to sign
	RevokedKey     = "revoked"         // a key is trusted for nothing
	Added          = "added"           // an algorithm came, with both keys
	Dropped        = "dropped"         // an algorithm went
	Imported       = "imported"        // a key made elsewhere was taken in
	Resealed       = "resealed"        // private parts were sealed with the first seal key
	Raised         = "raised"          // longer tokens, sessions or JWKS max-age: retired keys stay longer
	Swept          = "removed"         // private parts that can't sign any more were wiped, or old records forgotten
	RefreshRotated = "refresh_rotated" // another refresh key mints
	RefreshRevoked = "refresh_revoked" // refresh keys check nothing any more
)

// SystemActor is the Actor of what Signet does by itself.
const SystemActor = "signet"

// Change is what the audit record says of a write: who, when, why, which kid.
type Change struct {
	Kind   string
	Actor  string
	Reason string
	KIDs   []string // those whose times changed, and new ones; refresh keys as "refresh:" and their id
	At     time.Time
	// Detail is small and flat: "forced", "alg", "activate", and the like.
	Detail map[string]string
}

package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
	"time"

	"github.com/signet-oidc/signet/keys/secret"
)

// RefreshKey is a symmetric key that refresh tokens are authenticated with: 32 random bytes, sealed at rest, with an id
// of its own that the token names. It never shows its bytes.
//
// One mints; those before it go on checking until the longest session that they minted for is over; one waits, known to
// every replica, to take over. A revoked one checks nothing, which logs out everybody who holds a token of it.
type RefreshKey struct {
	id  uint32
	key secret.Key
	// macs holds HMACs that were used before: those have the key's two blocks hashed already, half of the work for a message
	// as short as a token. Nil in the zero RefreshKey.
	macs *sync.Pool
}

func newRefreshKey(id uint32, key secret.Key) RefreshKey {
	k := RefreshKey{id: id, key: key}
	k.macs = &sync.Pool{New: func() any { return RefreshKey{key: key}.HMAC() }}
	return k
}

// ID is unique in the ring and never 0.
func (k RefreshKey) ID() uint32 { return k.id }

// HMAC returns a new HMAC-SHA-256 under the key. The caller writes a domain label first.
func (k RefreshKey) HMAC() hash.Hash { return hmac.New(sha256.New, k.key.Reveal()) }

// MAC returns the HMAC-SHA-256 of a message under the key.
func (k RefreshKey) MAC(message []byte) (mac [sha256.Size]byte) {
	h, pooled := k.pooled()
	if pooled {
		defer k.macs.Put(h)
	}
	h.Write(message)
	h.Sum(mac[:0])
	return mac
}

// pooled returns an HMAC that nothing was written to, and whether it goes back to the pool.
func (k RefreshKey) pooled() (h hash.Hash, pooled bool) {
	if k.macs != nil {
		h, pooled = k.macs.Get().(hash.Hash)
	}
	if !pooled {
		return k.HMAC(), false
	}
	h.Reset()
	return h, true
}

// Format prints the id.
func (k RefreshKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "refresh key %08x", k.id) }

// refreshName is how a refresh key is called in a Change and by seals.
func refreshName(id uint32) string { return fmt.Sprintf("refresh:%08x", id) }

// refreshKID is the name in the associated data.
func refreshKID(id uint32) string { return fmt.Sprintf("%08x", id) }

// MintingRefreshKey returns the key that authenticates new refresh tokens; the zero RefreshKey where there is none.
func (r *Ring) MintingRefreshKey() RefreshKey { return r.refresh[r.minting] }

// RefreshKey returns the key of an id, for checking. It is false for an unknown and for a revoked one.
//
// A replica whose ring is Stale doesn't know the newest keys: it must answer that it is unavailable, not that a token is
// invalid.
func (r *Ring) RefreshKey(id uint32) (RefreshKey, bool) {
	k, ok := r.refresh[id]
	return k, ok
}

// Newest returns the id of the key that authenticates new refresh tokens.
func (r *Ring) Newest() (uint32, error) {
	if r.minting == 0 {
		return 0, fmt.Errorf("%w: for refresh tokens", ErrNoKey)
	}
	return r.minting, nil
}

// MAC is HMAC-SHA-256 of a message under the key of an id; false where the ring has no such key or has revoked it.
func (r *Ring) MAC(id uint32, message []byte) (mac [sha256.Size]byte, ok bool) {
	k, ok := r.refresh[id]
	if !ok {
		return mac, false
	}
	return k.MAC(message), true
}

// addRefresh opens the refresh keys.
func (b *builder) addRefresh(c *contents) error {
	for i := range c.doc.Refresh {
		r := &c.doc.Refresh[i]
		if !r.Revoked.IsZero() {
			continue
		}
		plain, err := b.seal.open(sealedRefresh, refreshKID(r.ID), r.Private)
		if err != nil {
			return err
		}
		key, err := secret.NewKey(plain)
		clear(plain)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDocument, refreshName(r.ID), err)
		}
		c.refresh[r.ID] = newRefreshKey(r.ID, key)
		if r.mints() {
			c.minting = r.ID
		}
	}
	return nil
}

// mints reports whether the key authenticates new tokens.
func (r *refreshRecord) mints() bool {
	return !r.Mints.IsZero() && r.Superseded.IsZero() && r.Revoked.IsZero()
}

// waits reports whether the key stands by.
func (r *refreshRecord) waits() bool { return r.Mints.IsZero() && r.Revoked.IsZero() }

// knownAt is when every replica that may still answer has read the key.
func (r *refreshRecord) knownAt() time.Time { return r.Created.Add(StaleFor + Poll + 2*Leeway) }

// newRefresh makes a sealed record with an id that the document doesn't have.
func (d *document) newRefresh(seal *sealer, now time.Time) refreshRecord {
	plain := secret.GenerateKey().Reveal()
	defer clear(plain)
	id := d.freeRefreshID()
	return refreshRecord{ID: id, Created: now, Private: seal.seal(sealedRefresh, refreshKID(id), plain)}
}

func (d *document) freeRefreshID() uint32 {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:])
		if id := binary.BigEndian.Uint32(b[:]); id != 0 && d.findRefresh(id) == nil {
			return id
		}
	}
}

// refreshLine returns the key that mints and the one that waits; either may be nil.
func (d *document) refreshLine() (minting, waiting *refreshRecord) {
	for i := range d.Refresh {
		switch r := &d.Refresh[i]; {
		case r.mints():
			minting = r
		case r.waits():
			waiting = r
		}
	}
	return minting, waiting
}

// advanceRefresh lets the waiting key mint and makes the next one that waits.
func (d *document) advanceRefresh(seal *sealer, now time.Time) {
	if minting, _ := d.refreshLine(); minting != nil {
		minting.Superseded = now
	}
	d.mendRefresh(seal, now)
}

// mendRefresh fills the two places of the line where they are empty.
func (d *document) mendRefresh(seal *sealer, now time.Time) {
	minting, waiting := d.refreshLine()
	if minting == nil && waiting != nil {
		waiting.Mints, minting, waiting = now, waiting, nil
	}
	if minting == nil {
		r := d.newRefresh(seal, now)
		r.Mints = now
		d.Refresh = append(d.Refresh, r)
	}
	if waiting == nil {
		d.Refresh = append(d.Refresh, d.newRefresh(seal, now))
	}
}

// revoke takes a refresh key out.
func (r *refreshRecord) revoke(now time.Time) { r.Revoked, r.Private = now, "" }

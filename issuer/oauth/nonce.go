package oauth

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/signet-oidc/signet/verifier/dpop"
)

// A nonce for DPoP proofs (RFC 9449 §8) is the base64url of
//
//	key(4) slot(8) mac(32)
//
// big-endian, where slot is the time in units of nonceSlot and mac is HMAC-SHA-256
// under the refresh key named by key, over the label, the issuer URL, a zero byte and
// what stands before the mac. No replica has to remember what another gave out.
const (
	nonceBody  = 4 + 8
	nonceMAC   = 32
	nonceLabel = "signet dpop nonce v1\x00" // keeps the key's uses apart
	// nonceSlot is how long one nonce is given out. It is good for the slot after as
	// well, so for five to ten minutes; and in the slot before, for a replica whose
	// clock is behind.
	nonceSlot = 5 * time.Minute
)

var nonceLength = base64.RawURLEncoding.EncodedLen(nonceBody + nonceMAC)

// NonceKeys are the symmetric keys of the ring.
type NonceKeys interface {
	// Newest is the id of the key that makes new nonces.
	Newest() (key uint32, err error)
	// MAC is HMAC-SHA-256 of message under a key; false where the ring has no such key.
	MAC(key uint32, message []byte) (mac [32]byte, ok bool)
}

// nonces makes and knows nonces, of which every proof must have one.
type nonces struct {
	issuer string
	keys   NonceKeys
	now    func() time.Time
}

var _ dpop.Nonces = nonces{}

// Current is the nonce to give out now; empty where the ring can't be relied on.
func (n nonces) Current() string {
	key, err := n.keys.Newest()
	if err != nil {
		return ""
	}
	b := make([]byte, 0, nonceBody+nonceMAC)
	b = binary.BigEndian.AppendUint32(b, key)
	b = binary.BigEndian.AppendUint64(b, uint64(n.slot()))
	mac, ok := n.mac(key, b)
	if !ok {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(b, mac[:]...))
}

// Valid tells whether a nonce was given out here of late.
func (n nonces) Valid(nonce string) bool {
	if len(nonce) != nonceLength {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceBody+nonceMAC { // encoding/base64 skips line ends
		return false
	}
	age := n.slot() - int64(binary.BigEndian.Uint64(b[4:]))
	mac, ok := n.mac(binary.BigEndian.Uint32(b), b[:nonceBody])
	return ok && subtle.ConstantTimeCompare(mac[:], b[nonceBody:]) == 1 && age >= -1 && age <= 1
}

func (n nonces) slot() int64 { return n.now().Unix() / int64(nonceSlot/time.Second) }

func (n nonces) mac(key uint32, body []byte) ([32]byte, bool) {
	m := append([]byte(nonceLabel), n.issuer...)
	return n.keys.MAC(key, append(append(m, 0), body...))
}

// optional are nonces that a proof may do without; one that it has must be good.
type optional struct{ nonces }

var _ dpop.Nonces = optional{}

func (n optional) Valid(nonce string) bool { return nonce == "" || n.nonces.Valid(nonce) }

package session

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// A refresh token is "sgr_" and the base64url of
//
//	version(1) key(4) sid(16) generation(4) not-after(5, Unix seconds) mac(32)
//
// big-endian, where mac is HMAC-SHA-256 under the refresh key named by key, over
// the label, the issuer URL, a zero byte and all that stands before the mac. So
// a forged token is refused before any store is asked, a stolen store holds
// nothing that can be presented, and a retry gives the same token again.
const (
	refreshPrefix  = "sgr_"
	refreshVersion = 1
	refreshBody    = 1 + 4 + 16 + 4 + 5
	refreshMAC     = 32
	refreshLabel   = "signet refresh token v1\x00" // keeps the key's uses apart
	mostGeneration = 1<<32 - 2                     // the next one must fit
	mostNotAfter   = 1<<40 - 1
)

// refreshLength is the only length of a refresh token in characters.
var refreshLength = len(refreshPrefix) + base64.RawURLEncoding.EncodedLen(refreshBody+refreshMAC)

// ErrToken means that a text is no refresh token of ours.
var ErrToken = errors.New("not a refresh token of this issuer")

// RefreshKeys are the symmetric keys of the ring.
type RefreshKeys interface {
	// Newest is the id of the key that signs new tokens.
	Newest() (key uint32, err error)
	// MAC is HMAC-SHA-256 of message under a key; false where the ring has no
	// such key or has revoked it.
	MAC(key uint32, message []byte) (mac [32]byte, ok bool)
}

// Refresh is what a refresh token says.
type Refresh struct {
	Key        uint32
	Session    id.Session
	Generation uint32
	NotAfter   time.Time // whole seconds
}

// codec writes and reads the refresh tokens of one issuer.
type codec struct {
	issuer string
	keys   RefreshKeys
}

// encode returns the token: the same for the same fields, always.
func (c codec) encode(r Refresh) (string, error) {
	sid, err := r.Session.Bytes()
	if err != nil {
		return "", err
	}
	b := make([]byte, 0, refreshBody+refreshMAC)
	b = append(b, refreshVersion)
	b = binary.BigEndian.AppendUint32(b, r.Key)
	b = append(b, sid[:]...)
	b = binary.BigEndian.AppendUint32(b, r.Generation)
	at := uint64(r.NotAfter.Unix()) & mostNotAfter
	b = append(b, byte(at>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(at))
	mac, ok := c.mac(r.Key, b)
	if !ok {
		return "", fmt.Errorf("refresh key %08x is not in the ring", r.Key)
	}
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(append(b, mac[:]...)), nil
}

// decode returns what a token says if it is ours to the last bit, else ErrToken.
func (c codec) decode(token string) (Refresh, error) {
	if len(token) != refreshLength || !strings.HasPrefix(token, refreshPrefix) {
		return Refresh{}, ErrToken
	}
	// Strict: one token, one spelling. (encoding/base64 skips line ends; the
	// length below catches that.)
	b, err := base64.RawURLEncoding.Strict().DecodeString(token[len(refreshPrefix):])
	if err != nil || len(b) != refreshBody+refreshMAC || b[0] != refreshVersion {
		return Refresh{}, ErrToken
	}
	r := Refresh{
		Key:        binary.BigEndian.Uint32(b[1:]),
		Session:    id.SessionOf([16]byte(b[5:21])),
		Generation: binary.BigEndian.Uint32(b[21:]),
		NotAfter:   time.Unix(int64(b[25])<<32|int64(binary.BigEndian.Uint32(b[26:])), 0).UTC(),
	}
	mac, ok := c.mac(r.Key, b[:refreshBody])
	if !ok || subtle.ConstantTimeCompare(mac[:], b[refreshBody:]) != 1 || r.Generation == 0 || r.Generation > mostGeneration {
		return Refresh{}, ErrToken
	}
	return r, nil
}

func (c codec) mac(key uint32, body []byte) ([32]byte, bool) {
	m := make([]byte, 0, len(refreshLabel)+len(c.issuer)+1+len(body))
	m = append(m, refreshLabel...)
	m = append(m, c.issuer...)
	m = append(m, 0)
	return c.keys.MAC(key, append(m, body...))
}

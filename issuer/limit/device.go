package limit

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// A device token is "sgd_" and the base64url of
//
//	version(1) key(4) device(16, random) mac(32)
//
// where mac is HMAC-SHA-256 under the refresh key named by key, over the label, the
// issuer URL, a zero byte, what stands before the mac, and the account: a device that
// knows one account knows no other. It lets nobody in; it only has attempts counted
// apart, so that who attacks an account doesn't lock out its owner's own devices.
const (
	devicePrefix  = "sgd_"
	deviceVersion = 1
	deviceBody    = 1 + 4 + 16
	deviceMAC     = 32
	deviceLabel   = "signet device token v1\x00" // keeps the key's uses apart
)

var deviceLength = len(devicePrefix) + base64.RawURLEncoding.EncodedLen(deviceBody+deviceMAC)

// DeviceKeys are the symmetric keys of the ring.
type DeviceKeys interface {
	Newest() (key uint32, err error)
	MAC(key uint32, message []byte) (mac [32]byte, ok bool)
}

// Devices gives devices that logged in to an account a token, and knows them by it.
type Devices struct {
	Issuer string
	Keys   DeviceKeys
}

// Give returns a token for a new device of an account.
func (d Devices) Give(account string) (string, error) {
	key, err := d.Keys.Newest()
	if err != nil {
		return "", err
	}
	b := make([]byte, deviceBody, deviceBody+deviceMAC)
	b[0] = deviceVersion
	binary.BigEndian.PutUint32(b[1:], key)
	_, _ = rand.Read(b[5:]) // never fails: crypto/rand aborts the process instead
	mac, _ := d.mac(key, b, account)
	return devicePrefix + base64.RawURLEncoding.EncodeToString(append(b, mac[:]...)), nil
}

// Known returns the key under which attempts of a device are counted, or "" for one
// that this account doesn't know.
func (d Devices) Known(account, token string) string {
	if len(token) != deviceLength || !strings.HasPrefix(token, devicePrefix) {
		return ""
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token[len(devicePrefix):])
	if err != nil || len(b) != deviceBody+deviceMAC || b[0] != deviceVersion {
		return ""
	}
	mac, ok := d.mac(binary.BigEndian.Uint32(b[1:]), b[:deviceBody], account)
	if !ok || subtle.ConstantTimeCompare(mac[:], b[deviceBody:]) != 1 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b[5:deviceBody])
}

func (d Devices) mac(key uint32, body []byte, account string) ([32]byte, bool) {
	m := append([]byte(deviceLabel), d.Issuer...)
	m = append(append(m, 0), body...)
	return d.Keys.MAC(key, append(m, accountOf(account)...))
}

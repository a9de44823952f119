package limit

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
)

// keyLabel separates these hashes from those that anything else makes of the
// same texts.
const keyLabel = "signet limit v1"

// keyHash is how many bytes of the SHA-256 a key has: enough that no two meet by
// chance, and who makes two meet on purpose throttles only themselves.
const keyHash = 16

// key names a counter: its name, and a hash of whom it counts. Addresses and
// accounts never reach the store as they are, and every key is equally short.
// (The hash is no secret: who has the store and a guess can confirm the guess.)
func key(counter string, whom ...string) string {
	h := sha256.New()
	for _, w := range append([]string{keyLabel, counter}, whom...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(w), w) // with its length, so that parts can't run together
	}
	return counter + ":" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:keyHash])
}

// subject is the part of an address that one attacker has: of IPv6 the /64,
// which is what a customer is given; of IPv4 (also as ::ffff:1.2.3.4) all of it.
func subject(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr.String() // "invalid IP" for the zero Addr: all such share one
	}
	prefix, _ := addr.Prefix(64) // fails for over 128 bits alone
	return prefix.String()
}

// accountOf folds the spellings of one address, as account.NormalEmail does.
func accountOf(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

package outbound

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// guard is asked by the dialer once it has a socket and before it connects: address is the one of the connection.
func (c *Client) guard(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	if addr := at.Addr(); !public(addr) && !c.allow.addr(addr) {
		return fmt.Errorf("%w: %v is not public; SIGNET_OUTBOUND_ALLOW opens hosts and prefixes", ErrRefused, addr)
	}
	return nil
}

// special are the prefixes of IPv4, and of IPv6's global unicast, that are no host of the Internet: IANA's special-purpose
// registries (RFC 6890). Those that hold another address (6to4, Teredo) are among them: they would lead
// to any IPv4 address.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT (RFC 6598)
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local; clouds serve credentials there
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved; broadcast
	"2001::/23",       // protocol assignments, Teredo among them
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4
	"3fff::/20",       // documentation (RFC 9637)
)

// global is all of IPv6 that is given to hosts of the Internet (RFC 4291 §2.4). Outside are loopback, unique local and
// link-local addresses, multicast, and the forms that hold an IPv4 address (::/96, NAT64's 64:ff9b::/96 and /48).
var global = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// public tells whether an address is one of the Internet's hosts. ::ffff:a.b.c.d is a.b.c.d: the kernel connects there.
func public(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.Zone() != "" || addr.Is6() && !global.Contains(addr) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(addr) })
}

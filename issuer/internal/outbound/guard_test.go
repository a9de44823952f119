package outbound

import (
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	for _, c := range []struct {
		name, addr string
		want       bool
	}{
		{"a host", "1.1.1.1", true},
		{"a host by IPv6", "2606:4700:4700::1111", true},
		{"a host as IPv4 in IPv6", "::ffff:1.1.1.1", true},
		{"below private", "172.15.255.255", true},
		{"above private", "172.32.0.0", true},
		{"beside carrier-grade NAT", "100.128.0.0", true},
		{"above protocol assignments", "2001:200::1", true},

		{"unspecified", "0.0.0.0", false},
		{"this network", "0.1.2.3", false},
		{"loopback", "127.0.0.1", false},
		{"loopback, another", "127.255.255.254", false},
		{"private, 10", "10.0.0.1", false},
		{"private, 172.16", "172.16.0.1", false},
		{"private, 172.31", "172.31.255.255", false},
		{"private, 192.168", "192.168.1.1", false},
		{"link-local, metadata of clouds", "169.254.169.254", false},
		{"carrier-grade NAT", "100.64.0.1", false},
		{"carrier-grade NAT, metadata of a cloud", "100.100.100.200", false},
		{"protocol assignments", "192.0.0.192", false},
		{"documentation", "192.0.2.1", false},
		{"benchmarks", "198.19.0.1", false},
		{"multicast", "224.0.0.1", false},
		{"reserved", "240.0.0.1", false},
		{"broadcast", "255.255.255.255", false},
		{"6to4 relay", "192.88.99.1", false},

		{"IPv6 unspecified", "::", false},
		{"IPv6 loopback", "::1", false},
		{"IPv6 link-local", "fe80::1", false},
		{"IPv6 link-local with a zone", "fe80::1%eth0", false},
		{"a host with a zone", "2606:4700:4700::1111%eth0", false},
		{"site-local", "fec0::1", false},
		{"unique local", "fd00::1", false},
		{"metadata of a cloud by IPv6", "fd00:ec2::254", false},
		{"IPv6 multicast", "ff02::1", false},
		{"IPv4-mapped loopback", "::ffff:127.0.0.1", false},
		{"IPv4-mapped private, in hex", "::ffff:a00:1", false},
		{"IPv4-compatible loopback", "::127.0.0.1", false},
		{"IPv4-translated", "::ffff:0:127.0.0.1", false},
		{"NAT64", "64:ff9b::7f00:1", false},
		{"NAT64, local", "64:ff9b:1::a00:1", false},
		{"6to4 of loopback", "2002:7f00:1::1", false},
		{"Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
		{"IPv6 documentation", "2001:db8::1", false},
		{"IPv6 documentation, the new", "3fff::1", false},
		{"discard only", "100::1", false},
		{"segment routing", "5f00::1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := public(netip.MustParseAddr(c.addr)); got != c.want {
				t.Errorf("public(%s) is %v", c.addr, got)
			}
		})
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestAllow(t *testing.T) {
	a, err := parseAllow([]string{"Keys.Internal", "10.1.0.0/16", "127.0.0.1", "fd00::/8", "::ffff:192.168.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"keys.internal": true, "KEYS.internal.": true, "internal": false, "a.keys.internal": false, "keys.internal.example": false, "": false,
	} {
		if got := a.host(host); got != want {
			t.Errorf("host %q: %v, want %v", host, got, want)
		}
	}
	for addr, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.0": false, "127.0.0.1": true, "127.0.0.2": false, "fd12::1": true, "fe80::1": false, "192.168.0.1": true,
	} {
		if got := a.addr(netip.MustParseAddr(addr)); got != want {
			t.Errorf("address %s: %v, want %v", addr, got, want)
		}
	}
}

// FuzzRule reads any item: no panic, and what is taken opens little: one host, or a prefix that isn't everything.
func FuzzRule(f *testing.F) {
	for _, seed := range []string{"a.example", "10.0.0.0/8", "::/0", "127.1", "fe80::1%a", "*.x", "0x7f.1", "1.2.3.4.", "::ffff:1.2.3.4/96"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, item string) {
		r, err := parseRule(item)
		switch {
		case err != nil:
		case r.host != "":
			if _, err := netip.ParseAddr(r.host); err == nil || r.prefix.IsValid() {
				t.Errorf("%q is the host %q", item, r.host)
			}
		case !r.prefix.IsValid() || r.prefix.Bits() == 0 || r.prefix.Addr().Is4In6():
			t.Errorf("%q is %v", item, r.prefix)
		}
	})
}

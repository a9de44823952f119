package outbound

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// rule is one item of Config.Allow: a host's exact name, or a prefix of addresses. One of the two is set.
type rule struct {
	host   string // in lower case, without a dot at its end
	prefix netip.Prefix
}

// CheckAllow says what is wrong with an item of Config.Allow, and how to mend it; nil when nothing.
func CheckAllow(item string) error {
	_, err := parseRule(item)
	return err
}

func parseRule(item string) (rule, error) {
	if addr, err := netip.ParseAddr(item); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return rule{prefix: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	if prefix, err := netip.ParsePrefix(item); err == nil {
		return prefixRule(prefix)
	}
	host := canonicalHost(item)
	if !isHostname(host) {
		return rule{}, fmt.Errorf("%.60q must be a host's exact name, an address or a prefix, as in keys.internal, 10.1.2.3 or 10.0.0.0/8", item)
	}
	return rule{host: host}, nil
}

func prefixRule(prefix netip.Prefix) (rule, error) {
	switch {
	case prefix.Bits() == 0:
		return rule{}, fmt.Errorf("%q opens everything: name the hosts or prefixes that are to be called", prefix)
	case prefix.Addr().Is4In6():
		return rule{}, fmt.Errorf("%q must be written as an IPv4 prefix", prefix)
	}
	return rule{prefix: prefix.Masked()}, nil
}

// canonicalHost makes names that mean the same host the same text (RFC 4343; RFC 1034 §3.1: a dot at the end).
func canonicalHost(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }

// isHostname knows names of letters, digits, hyphens and underscores (RFC 1123 §2.1; underscores as container networks
// use them), of which the last label isn't a number: what could be read as an address is none (WHATWG URL §3.5).
func isHostname(host string) bool {
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	return len(host) <= 253 && !slices.ContainsFunc(labels, badLabel) && strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

func badLabel(label string) bool {
	return label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
		strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
}

// allowed are the rules, in the form in which they are asked.
type allowed struct {
	hosts    map[string]bool
	prefixes []netip.Prefix
}

func parseAllow(items []string) (allowed, error) {
	a := allowed{hosts: map[string]bool{}}
	for _, item := range items {
		switch r, err := parseRule(item); {
		case err != nil:
			return allowed{}, err
		case r.host != "":
			a.hosts[r.host] = true
		default:
			a.prefixes = append(a.prefixes, r.prefix)
		}
	}
	return a, nil
}

func (a allowed) host(name string) bool { return a.hosts[canonicalHost(name)] }

func (a allowed) addr(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(a.prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

package issuer

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/signet-oidc/signet/issuer/internal/outbound"
)

func (s Settings) checkNetwork(p *problems) {
	for _, proxy := range s.TrustedProxies {
		if problem := proxyProblem(proxy); problem != "" {
			p.add("TRUSTED_PROXIES", "%.60q %s", proxy, problem)
		}
	}
	for _, origin := range s.CORSOrigins {
		if problem := originProblem(origin); problem != "" {
			p.add("CORS_ORIGINS", "%.60q %s", origin, problem)
		}
	}
	for _, item := range s.OutboundAllow {
		if err := outbound.CheckAllow(item); err != nil {
			p.add("OUTBOUND_ALLOW", "%v", err)
		}
	}
}

// checkTLS wants both files or neither, and an issuer that says what the public address then speaks.
func (s Settings) checkTLS(p *problems) {
	switch {
	case s.TLSCert == "" && s.TLSKey != "":
		p.add("TLS_CERT", "is not set, but SIGNET_TLS_KEY is: set both for HTTPS, or neither")
	case s.TLSCert != "" && s.TLSKey == "":
		p.add("TLS_KEY", "is not set, but SIGNET_TLS_CERT is: set both for HTTPS, or neither")
	case s.TLSCert != "" && strings.HasPrefix(s.Issuer, "http:"):
		p.add("ISSUER", "is http, but with SIGNET_TLS_CERT the public address speaks HTTPS: write https://")
	}
}

func proxyProblem(proxy string) string {
	switch prefix, err := parseProxy(proxy); {
	case err != nil:
		return "must be an address or a prefix, as in 10.0.0.0/8"
	case prefix.Bits() == 0:
		return "trusts everybody: any client could then choose the address it is throttled by; name your proxies"
	}
	return ""
}

// parseProxy reads a prefix, or an address, which is a prefix of its own.
func parseProxy(proxy string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(proxy); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(proxy)
}

// proxies are the TrustedProxies as the server compares addresses with them.
func (s Settings) proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, proxy := range s.TrustedProxies {
		prefix, err := parseProxy(proxy)
		if err != nil {
			return nil, &SettingError{"SIGNET_TRUSTED_PROXIES", fmt.Sprintf("%.60q %s", proxy, proxyProblem(proxy))}
		}
		all = append(all, prefix)
	}
	return all, nil
}

// originProblem wants an origin as a browser sends it (RFC 6454 §7): it is compared as text.
func originProblem(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "must be an origin such as https://app.example.com; there is no wildcard, since cookies go with these calls"
	}
	if want := u.Scheme + "://" + strings.ToLower(u.Host); want != origin {
		return "must be scheme, host and port alone: " + want
	}
	return ""
}

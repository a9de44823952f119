package issuer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer"
)

const initialToken = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="

func TestValidateTakesOfClients(t *testing.T) {
	for name, change := range map[string]func(*issuer.Settings){
		"nothing set": func(s *issuer.Settings) { s.ClientRegistration, s.BrandName, s.BrandColor = "", "", "" },
		"a certificate": func(s *issuer.Settings) {
			s.Issuer, s.TLSCert, s.TLSKey = "https://auth.example.com", "cert.pem", "key.pem"
		},
		"registration by token": func(s *issuer.Settings) {
			s.ClientRegistration, s.InitialAccessToken = "token", []string{initialToken, "an.older-one_" + initialToken}
		},
		"open registration":         func(s *issuer.Settings) { s.ClientRegistration = "open" },
		"a token that waits":        func(s *issuer.Settings) { s.InitialAccessToken = []string{initialToken} },
		"hosts to call":             func(s *issuer.Settings) { s.OutboundAllow = []string{"keys.internal", "localhost", "rp_1"} },
		"addresses to call":         func(s *issuer.Settings) { s.OutboundAllow = []string{"127.0.0.1", "::1", "10.0.0.0/8", "fd00::/8"} },
		"a logo elsewhere":          func(s *issuer.Settings) { s.BrandLogo = "https://cdn.example.com/logo.svg?v=2" },
		"a logo here":               func(s *issuer.Settings) { s.BrandLogo = "/static/logo.svg" },
		"black":                     func(s *issuer.Settings) { s.BrandColor = "#000000" },
		"a grey that just suffices": func(s *issuer.Settings) { s.BrandColor = "#767676" },
		"a name in Greek":           func(s *issuer.Settings) { s.BrandName = strings.Repeat("Ω", 64) },
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			change(&s)
			if err := s.Validate(); err != nil {
				t.Errorf("Validate: %v", err)
			}
		})
	}
}

func TestValidateRefusesOfClients(t *testing.T) {
	const (
		badName  = "SIGNET_BRAND_NAME: must be 1 to 64 characters, none of them a control character"
		badToken = "SIGNET_INITIAL_ACCESS_TOKEN: token 1 of 1 must be 20 to 512 characters that a bearer token may have (RFC 6750 §2.1): make one with `openssl rand -base64 32`"
	)
	host := func(item string) string {
		return `SIGNET_OUTBOUND_ALLOW: "` + item + `" must be a host's exact name, an address or a prefix, as in keys.internal, 10.1.2.3 or 10.0.0.0/8`
	}
	logo := func(logo string) string {
		return `SIGNET_BRAND_LOGO: is "` + logo + `": write an https URL, or a path on the issuer's own host, as in /logo.svg`
	}
	for name, c := range map[string]struct {
		change func(*issuer.Settings)
		want   string // the whole error
	}{
		"a certificate without key": {func(s *issuer.Settings) { s.TLSCert = "cert.pem" },
			"SIGNET_TLS_KEY: is not set, but SIGNET_TLS_CERT is: set both for HTTPS, or neither"},
		"a key without certificate": {func(s *issuer.Settings) { s.TLSKey = "key.pem" },
			"SIGNET_TLS_CERT: is not set, but SIGNET_TLS_KEY is: set both for HTTPS, or neither"},
		"an http issuer with TLS": {func(s *issuer.Settings) { s.TLSCert, s.TLSKey = "cert.pem", "key.pem" },
			"SIGNET_ISSUER: is http, but with SIGNET_TLS_CERT the public address speaks HTTPS: write https://"},
		"a URL to call":            {func(s *issuer.Settings) { s.OutboundAllow = []string{"https://a.example"} }, host("https://a.example")},
		"a host and port to call":  {func(s *issuer.Settings) { s.OutboundAllow = []string{"a.example:8443"} }, host("a.example:8443")},
		"a wildcard to call":       {func(s *issuer.Settings) { s.OutboundAllow = []string{"*.example"} }, host("*.example")},
		"half an address to call":  {func(s *issuer.Settings) { s.OutboundAllow = []string{"127.1"} }, host("127.1")},
		"a hex address to call":    {func(s *issuer.Settings) { s.OutboundAllow = []string{"0x7f000001"} }, host("0x7f000001")},
		"a zone to call":           {func(s *issuer.Settings) { s.OutboundAllow = []string{"fe80::1%eth0"} }, host("fe80::1%eth0")},
		"nothing to call":          {func(s *issuer.Settings) { s.OutboundAllow = []string{""} }, host("")},
		"everything to call":       {func(s *issuer.Settings) { s.OutboundAllow = []string{"::/0"} }, `SIGNET_OUTBOUND_ALLOW: "::/0" opens everything: name the hosts or prefixes that are to be called`},
		"a mapped prefix":          {func(s *issuer.Settings) { s.OutboundAllow = []string{"::ffff:10.0.0.0/104"} }, `SIGNET_OUTBOUND_ALLOW: "::ffff:10.0.0.0/104" must be written as an IPv4 prefix`},
		"half-open registration":   {func(s *issuer.Settings) { s.ClientRegistration = "ajar" }, `SIGNET_CLIENT_REGISTRATION: is "ajar": set it to one of closed, token, open`},
		"by token without a token": {func(s *issuer.Settings) { s.ClientRegistration = "token" }, "SIGNET_INITIAL_ACCESS_TOKEN: is not set, but SIGNET_CLIENT_REGISTRATION is token: make one with `openssl rand -base64 32`"},
		"a short token":            {func(s *issuer.Settings) { s.InitialAccessToken = []string{"hunter2"} }, badToken},
		"a token with a blank":     {func(s *issuer.Settings) { s.InitialAccessToken = []string{"correct horse battery staple"} }, badToken},
		"a long token":             {func(s *issuer.Settings) { s.InitialAccessToken = []string{strings.Repeat("x", 513)} }, badToken},
		"a long name":              {func(s *issuer.Settings) { s.BrandName = strings.Repeat("x", 65) }, badName},
		"a blank name":             {func(s *issuer.Settings) { s.BrandName = " " }, badName},
		"a name with a line end":   {func(s *issuer.Settings) { s.BrandName = "a\nb" }, badName},
		"a name that isn't UTF-8":  {func(s *issuer.Settings) { s.BrandName = "a\xff" }, badName},
		"a plain logo":             {func(s *issuer.Settings) { s.BrandLogo = "http://cdn.example.com/logo.svg" }, logo("http://cdn.example.com/logo.svg")},
		"a logo in the URL":        {func(s *issuer.Settings) { s.BrandLogo = "data:image/svg+xml;base64,AA==" }, logo("data:image/svg+xml;base64,AA==")},
		"a logo of another host":   {func(s *issuer.Settings) { s.BrandLogo = "//evil.example/logo.svg" }, logo("//evil.example/logo.svg")},
		"a relative logo":          {func(s *issuer.Settings) { s.BrandLogo = "logo.svg" }, logo("logo.svg")},
		"a logo that ends a rule":  {func(s *issuer.Settings) { s.BrandLogo = "/a;script-src" }, logo("/a;script-src")},
		"a logo with a user":       {func(s *issuer.Settings) { s.BrandLogo = "https://u:p@a.example/l" }, logo("https://u:p@a.example/l")},
		"a colour by name":         {func(s *issuer.Settings) { s.BrandColor = "navy" }, `SIGNET_BRAND_COLOR: is "navy": write #rrggbb, as in #1d4ed8`},
		"a short colour":           {func(s *issuer.Settings) { s.BrandColor = "#00f" }, `SIGNET_BRAND_COLOR: is "#00f": write #rrggbb, as in #1d4ed8`},
		"no hex":                   {func(s *issuer.Settings) { s.BrandColor = "#00000g" }, `SIGNET_BRAND_COLOR: is "#00000g": write #rrggbb, as in #1d4ed8`},
		"a pale colour":            {func(s *issuer.Settings) { s.BrandColor = "#777777" }, "SIGNET_BRAND_COLOR: #777777 has a contrast of 4.47 to white, which is hard to read: choose a darker one, with 4.5 or more (WCAG 2.2 §1.4.3)"},
		"white":                    {func(s *issuer.Settings) { s.BrandColor = "#ffffff" }, "SIGNET_BRAND_COLOR: #ffffff has a contrast of 1.00 to white, which is hard to read: choose a darker one, with 4.5 or more (WCAG 2.2 §1.4.3)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			c.change(&s)
			err := s.Validate()
			if err == nil || err.Error() != c.want {
				t.Errorf("Validate: %v\n   want: %s", err, c.want)
			}
			if _, ok := errors.AsType[*issuer.SettingError](err); !ok {
				t.Errorf("Validate: %T holds no SettingError", err)
			}
		})
	}
}

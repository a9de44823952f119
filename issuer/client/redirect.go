package client

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// AllowsRedirect tells whether an authorization may be answered at asked: when it
// is, character by character, one that is registered (RFC 9700 §2.1, RFC 3986
// §6.2.1). Of a loopback address over http the port may be any, because a native
// app can't choose it beforehand (RFC 8252 §7.3, and for the name localhost RFC
// 9700 §4.1.3). Nothing is parsed that came from outside: what two parsers read
// in two ways is merely different.
func (c Client) AllowsRedirect(asked string) bool {
	return slices.Contains(c.RedirectURIs, asked) || slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		return sameLoopback(registered, asked)
	})
}

// loopbacks are the ways of writing a loopback origin whose port is free.
var loopbacks = []string{"http://127.0.0.1", "http://[::1]", "http://localhost"}

func sameLoopback(registered, asked string) bool {
	for _, origin := range loopbacks {
		want, ok := afterOrigin(registered, origin)
		got, ok2 := afterOrigin(asked, origin)
		if ok && ok2 {
			return want == got
		}
	}
	return false
}

// afterOrigin returns what follows the origin and its port, if any, in a URI that
// begins with that origin and no longer host name.
func afterOrigin(uri, origin string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(uri, origin)
	if !ok {
		return "", false
	}
	if after, has := strings.CutPrefix(rest, ":"); has {
		end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(after)
		}
		if !isPort(after[:end]) {
			return "", false
		}
		rest = after[end:]
	}
	return rest, rest == "" || rest[0] == '/' || rest[0] == '?'
}

func isPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && n > 0 && digits[0] != '0'
}

func badRedirects(c Client) string {
	if c.AllowsGrant(GrantAuthorizationCode) && len(c.RedirectURIs) == 0 {
		return "at least one for " + GrantAuthorizationCode
	}
	return badList(c.RedirectURIs, badRedirect)
}

// badRedirect follows RFC 6749 §3.1.2 (absolute, no fragment) and RFC 8252 §7:
// https; http to this machine alone; or an app's own scheme, which is a domain
// name in reverse, so that javascript:, data: and their like are none.
func badRedirect(s string) string {
	if reason := badURI(s); reason != "" {
		return reason
	}
	u, err := url.Parse(s)
	if err != nil {
		return "an absolute URI"
	}
	switch {
	case strings.HasPrefix(s, "https://") && u.Hostname() != "":
		return ""
	case strings.HasPrefix(s, "http://") && isLoopback(u.Hostname()):
		return ""
	case strings.Contains(u.Scheme, "."): // RFC 8252 §7.1
		return ""
	}
	return "https, or http to a loopback address, or a scheme of the app's own with a dot in it"
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

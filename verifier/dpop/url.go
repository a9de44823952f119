package dpop

import (
	"net/url"
	"strings"
)

// sameURL compares two http addresses without query and fragment
// (RFC 9449 §4.3 step 9), normalised by syntax and scheme (RFC 3986 §6.2.2, §6.2.3).
func sameURL(a, b string) bool {
	x, ok := normal(a)
	y, ok2 := normal(b)
	return ok && ok2 && x == y
}

func normal(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Host == "" {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	path := unescapePlain(u.EscapedPath())
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path, true
}

// unescapePlain writes percent escapes in capitals, and those of letters, digits
// and -._~ as what they stand for. No other is undone: %2F is not a slash.
func unescapePlain(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			out.WriteByte(path[i])
			continue
		}
		c := unhex(path[i+1])<<4 | unhex(path[i+2])
		if plain(c) {
			out.WriteByte(c)
		} else {
			out.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return out.String()
}

// unhex is the value of a hex digit; url.Parse has made sure that it is one.
func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

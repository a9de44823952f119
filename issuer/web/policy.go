package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// policy is what a page may do beyond the least: its Content-Security-Policy.
type policy struct {
	images  []string // 'self' and origins
	targets []string // of forms, beside our own: schemes
	script  string   // the hash of the one script; empty: none
	alone   bool     // keeps the windows of other sites out (Cross-Origin-Opener-Policy)
}

// set writes the headers of a page.
func (p policy) set(h http.Header) {
	rules := []string{
		"default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'",
		"form-action " + strings.Join(append([]string{"'self'"}, p.targets...), " "),
	}
	if len(p.images) > 0 {
		rules = append(rules, "img-src "+strings.Join(p.images, " "))
	}
	if p.script != "" {
		rules = append(rules, "script-src "+p.script)
	}
	h.Set("Content-Security-Policy", strings.Join(rules, "; "))
	h.Set("X-Frame-Options", "DENY") // for browsers that don't know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if p.alone {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}

// targetsOf are the schemes that a form may lead to whose answer redirects to a
// client. Chromium applies form-action to every redirect that follows a form, also to
// those of the client's own: a callback that goes on to another host (a broker's, a
// native app's "you may close this window") must not be stopped here, and the person
// left on a page where nothing happens. So it is the scheme, not the origin.
func targetsOf(redirect string) []string {
	scheme, _, found := strings.Cut(redirect, ":")
	scheme = strings.ToLower(scheme)
	switch {
	case !found || !isScheme.MatchString(scheme) || slices.Contains(neverTargets, scheme):
		return nil
	case scheme == "http": // a loopback address (RFC 8252 §7.3), which may go on to https
		return []string{"http:", "https:"}
	}
	return []string{scheme + ":"}
}

var (
	isScheme     = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`) // RFC 3986 §3.1
	neverTargets = []string{"javascript", "data", "blob", "vbscript", "file", "about"}
)

// imageOrigin is the origin of an image as a policy names it, or "" where the address
// isn't one that a page may show: https, and a host that is a plain name, for anything
// else could begin another rule.
func imageOrigin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || !isHost.MatchString(u.Host) {
		return ""
	}
	return "https://" + u.Host
}

var isHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// link is an address that a page may link to, or "".
func link(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return address
}

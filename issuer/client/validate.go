package client

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/signet-oidc/signet/issuer/id"
)

// Bounds of a registration: every client is kept in memory, and what it may ask
// for goes into its tokens.
const (
	maxID      = 128
	maxName    = 200  // characters
	maxSecrets = 8    // alive or not
	maxItems   = 64   // scopes, audiences, redirect URIs, roles
	maxItem    = 128  // bytes of a scope or role
	maxURI     = 2048 // bytes
)

// InvalidError says which field of a registration can't be taken and why, in
// words for whoever registers it. RFC 7591 §3.2.2 calls it
// invalid_redirect_uri where Field is "redirect_uris", else
// invalid_client_metadata.
type InvalidError struct {
	Field  string // the member's JSON name
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// Validate returns nil or an *InvalidError for a client that is to be stored.
// grants are the grant types that the issuer has. That there are keys for its
// algorithms is ValidateAlgorithms' to check.
func Validate(c Client, grants []string) error {
	checks := append([]field{
		{"id", badID(c.ID)},
		{"name", badName(c.Name)},
		{"secrets", badSecrets(c)},
		{"grants", badGrants(c, grants)},
		{"scopes", badList(c.Scopes, badToken)},
		{"audiences", badList(c.Audiences, badAudience)},
		{"roles", badList(c.Roles, badToken)},
		{"redirect_uris", badRedirects(c)},
		{"token_alg", badAlg(c.TokenAlg)},
	}, c.metadata()...)
	for _, check := range checks {
		if check.reason != "" {
			return &InvalidError{Field: check.name, Reason: check.reason}
		}
	}
	return nil
}

// reserved ids stand for Signet itself and its command line in the record.
var reserved = []id.Client{BuiltinID, "cli"}

// badID allows RFC 3986's unreserved characters: they are the same in a form, a
// path and the name of HTTP Basic (RFC 6749 §2.3.1 encodes all others).
func badID(client id.Client) string {
	switch {
	case client == "" || len(client) > maxID:
		return fmt.Sprintf("1 to %d characters", maxID)
	case id.IsUser(string(client)): // RFC 9068 §5: `sub` must not mean both
		return "must not begin with " + id.UserPrefix
	case slices.Contains(reserved, client):
		return "is reserved"
	case strings.ContainsFunc(string(client), notUnreserved):
		return "letters, digits, and - . _ ~ only"
	}
	return ""
}

func notUnreserved(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._~", r)
}

func badSecrets(c Client) string {
	switch {
	case c.Public && len(c.Secrets) > 0: // RFC 6749 §2.1
		return "a public client has none"
	case len(c.Secrets) > maxSecrets:
		return fmt.Sprintf("at most %d", maxSecrets)
	}
	return ""
}

func badGrants(c Client, known []string) string {
	for _, g := range c.Grants {
		if !slices.Contains(known, g) {
			return fmt.Sprintf("%.100q is not one of %s", g, strings.Join(known, " "))
		}
	}
	if c.Public && c.AllowsGrant(GrantClientCredentials) { // RFC 6749 §4.4
		return "a public client can't use " + GrantClientCredentials
	}
	return badList(c.Grants, func(string) string { return "" })
}

// badList applies a check to each item, and asks that there be few and each once.
func badList(items []string, bad func(string) string) string {
	if len(items) > maxItems {
		return fmt.Sprintf("at most %d", maxItems)
	}
	for i, item := range items {
		if reason := bad(item); reason != "" {
			return fmt.Sprintf("%.100q: %s", item, reason)
		}
		if slices.Contains(items[:i], item) {
			return fmt.Sprintf("%.100q: twice", item)
		}
	}
	return ""
}

func badToken(s string) string {
	if !isToken(s) || len(s) > maxItem {
		return fmt.Sprintf("1 to %d printable ASCII characters without space, quote or backslash", maxItem)
	}
	return ""
}

// badAudience follows RFC 8707 §2: an absolute URI without a fragment.
func badAudience(s string) string {
	if reason := badURI(s); reason != "" {
		return reason
	}
	if u, _ := url.Parse(s); u.Opaque == "" && u.Host == "" && u.Path == "" {
		return "an absolute URI"
	}
	return ""
}

// badURI asks for an absolute URI without fragment, in the characters that RFC
// 3986 allows: no browser, proxy or parser reads those in two ways.
func badURI(s string) string {
	if len(s) > maxURI {
		return fmt.Sprintf("at most %d bytes", maxURI)
	}
	if strings.ContainsFunc(s, notURI) {
		return "only the characters of RFC 3986"
	}
	if strings.Contains(s, "#") {
		return "no fragment"
	}
	u, err := url.Parse(s)
	if err != nil || !u.IsAbs() {
		return "an absolute URI"
	}
	if u.User != nil {
		return "no user information"
	}
	if strings.ContainsFunc(u.Host, notURI) { // it was percent-encoded, and no page shows it as a browser would
		return "international host names as xn--"
	}
	return ""
}

func notURI(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }

func badAlg(alg string) string {
	if len(alg) > 16 || strings.ContainsFunc(alg, notUnreserved) {
		return "the name of a signature algorithm (RFC 7518 §3.1)"
	}
	return ""
}

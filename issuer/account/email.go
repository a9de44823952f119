package account

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of an address, in bytes (RFC 5321 §4.5.3.1, with erratum 1690 to RFC 3696).
const (
	maxEmail  = 254
	maxLocal  = 64
	maxDomain = 253 // as text, RFC 1035 §3.1
	maxLabel  = 63
)

// ErrEmail means that a text is no email address that a person registers with.
var ErrEmail = errors.New("not an email address")

// ValidEmail tells whether address is one plain address, local part and domain,
// of at most 254 bytes. It is stricter than RFC 5322: no display name, comment,
// quoted local part, address literal, white space, control or invisible
// character, because such addresses are typing mistakes or tricks. Letters of
// any script are taken (RFC 6531). What is true of an address is true of its
// NormalEmail, which can be longer: some capitals are shorter than their small
// letters.
func ValidEmail(address string) bool { return plain(address) && plain(NormalEmail(address)) }

func plain(address string) bool {
	if len(address) > maxEmail || !utf8.ValidString(address) || strings.ContainsFunc(address, unseen) {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	// What the parser gives back differs where something was quoted or commented.
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return false
	}
	local, domain, _ := strings.Cut(address, "@") // an unquoted local part has no @
	return len(local) <= maxLocal && validDomain(domain)
}

// unseen tells whether a person can't see a character, or takes it for space.
func unseen(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }

func validDomain(domain string) bool {
	if len(domain) > maxDomain {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

// validLabel follows RFC 1123 §2.1, and RFC 5890 §2.3.2.1 for what isn't ASCII.
func validLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(label, func(r rune) bool {
		return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

// NormalEmail is the form in which addresses are compared: without regard to
// case or surrounding white space.
func NormalEmail(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

package account

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a profile: all of it may stand in an ID token.
const (
	maxProfileText = 200  // characters
	maxProfileURL  = 1024 // bytes
	maxFormatted   = 500  // characters of an address in one text
	maxZone        = 64
	maxLocale      = 35 // RFC 5646 §4.4.1
)

// ErrProfile means that something in a profile isn't allowed. The error that wraps it is
// a *ProfileError, which may be shown.
var ErrProfile = errors.New("unusable profile")

// ProfileError is ErrProfile with the claim and the reason.
type ProfileError struct{ Claim, Reason string }

func (e *ProfileError) Error() string { return "profile: " + e.Claim + ": " + e.Reason }

// Unwrap returns ErrProfile.
func (e *ProfileError) Unwrap() error { return ErrProfile }

// Forms of claims (OpenID Connect Core §5.1).
var (
	phoneForm  = regexp.MustCompile(`^\+[1-9][0-9]{1,14}(;ext=[0-9]{1,10})?$`)                     // E.164, RFC 3966 §5.3
	zoneForm   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}$`) // IANA time zones
	localeForm = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$`)                      // RFC 5646; Core also allows _
	yearForm   = regexp.MustCompile(`^[0-9]{4}$`)
)

// Check returns nil, or a *ProfileError for the first claim that can't be as it is.
func (p Profile) Check() error {
	for _, c := range append(p.forms(), p.texts()...) {
		if c.Reason != "" {
			return &c
		}
	}
	return p.Address.check()
}

func (p Profile) texts() []ProfileError {
	return []ProfileError{
		{"name", badLine(p.Name)},
		{"given_name", badLine(p.GivenName)},
		{"family_name", badLine(p.FamilyName)},
		{"middle_name", badLine(p.MiddleName)},
		{"nickname", badLine(p.Nickname)},
		{"preferred_username", badLine(p.PreferredUsername)},
		{"gender", badLine(p.Gender)},
	}
}

func (p Profile) forms() []ProfileError {
	return []ProfileError{
		{"profile", badPage(p.Page)},
		{"picture", badPage(p.Picture)},
		{"website", badPage(p.Website)},
		{"birthdate", badBirthdate(p.Birthdate)},
		{"zoneinfo", badForm(p.Zoneinfo, zoneForm, maxZone, "an IANA time zone, as Europe/Paris")},
		{"locale", badForm(p.Locale, localeForm, maxLocale, "a language tag (RFC 5646), as pt-BR")},
		{"phone_number", badForm(p.Phone, phoneForm, maxProfileText, "an E.164 number, as +14255551212")},
		{"phone_number_verified", badVerified(p)},
	}
}

func (a *Address) check() error {
	if a == nil {
		return nil
	}
	for _, c := range []ProfileError{
		{"formatted", badLines(a.Formatted)},
		{"street_address", badLines(a.Street)},
		{"locality", badLine(a.Locality)},
		{"region", badLine(a.Region)},
		{"postal_code", badLine(a.PostalCode)},
		{"country", badLine(a.Country)},
	} {
		if c.Reason != "" {
			c.Claim = "address." + c.Claim
			return &c
		}
	}
	return nil
}

// badLine keeps out what can't be seen, which would let a name pretend to be another.
func badLine(s string) string {
	if utf8.RuneCountInString(s) > maxProfileText || !utf8.ValidString(s) {
		return fmt.Sprintf("at most %d characters of UTF-8", maxProfileText)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "one line of characters that can be seen"
	}
	return ""
}

// badLines is badLine for several (Core §5.1.1: \n or \r\n).
func badLines(s string) string {
	if utf8.RuneCountInString(s) > maxFormatted {
		return fmt.Sprintf("at most %d characters", maxFormatted)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		if reason := badLine(line); reason != "" {
			return reason
		}
	}
	return ""
}

// badPage takes what a client may put into a link or an image without a thought.
func badPage(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || !strings.HasPrefix(s, "https://") || len(s) > maxProfileURL ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }) {
		return fmt.Sprintf("an https URL of at most %d bytes", maxProfileURL)
	}
	return ""
}

// badBirthdate follows Core §5.1: YYYY-MM-DD, of the year 0000 where it isn't told, or
// the year alone.
func badBirthdate(s string) string {
	if s == "" || yearForm.MatchString(s) {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "a date as 1815-12-10, 0000-12-10 or 1815"
	}
	return ""
}

func badForm(s string, form *regexp.Regexp, most int, want string) string {
	if s != "" && (len(s) > most || !form.MatchString(s)) {
		return want
	}
	return ""
}

func badVerified(p Profile) string {
	if p.PhoneVerified && p.Phone == "" {
		return "there is no phone_number"
	}
	return ""
}

package issuer

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	minInitialToken = 20  // characters; what one can guess registers clients
	maxInitialToken = 512 // it stands in a header
	maxBrandName    = 64  // characters
	// minContrast is what WCAG 2.2 §1.4.3 (AA) asks between a text and its ground.
	minContrast = 4.5
)

// checkClients checks who may register clients. Empty is closed.
func (s Settings) checkClients(p *problems) {
	if s.ClientRegistration != "" {
		p.oneOf("CLIENT_REGISTRATION", s.ClientRegistration, "closed", "token", "open")
	}
	if s.ClientRegistration == "token" && len(s.InitialAccessToken) == 0 {
		p.add("INITIAL_ACCESS_TOKEN", "is not set, but SIGNET_CLIENT_REGISTRATION is token: make one with `openssl rand -base64 32`")
	}
	for i, token := range s.InitialAccessToken {
		if !isBearer(token) || len(token) < minInitialToken || len(token) > maxInitialToken {
			// The token itself isn't shown.
			p.add("INITIAL_ACCESS_TOKEN", "token %d of %d must be %d to %d characters that a bearer token may have (RFC 6750 §2.1): make one with `openssl rand -base64 32`",
				i+1, len(s.InitialAccessToken), minInitialToken, maxInitialToken)
		}
	}
}

// isBearer knows a b64token (RFC 6750 §2.1).
func isBearer(token string) bool {
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	return strings.Trim(strings.TrimRight(token, "="), chars) == ""
}

// checkBrand checks what the pages look like. What is empty has its default.
func (s Settings) checkBrand(p *problems) {
	if n := utf8.RuneCountInString(s.BrandName); n > maxBrandName || !utf8.ValidString(s.BrandName) || strings.ContainsFunc(s.BrandName, unicode.IsControl) ||
		(n > 0 && strings.TrimSpace(s.BrandName) == "") {
		p.add("BRAND_NAME", "must be 1 to %d characters, none of them a control character", maxBrandName)
	}
	if s.BrandLogo != "" && !isLogo(s.BrandLogo) {
		p.add("BRAND_LOGO", "is %.60q: write an https URL, or a path on the issuer's own host, as in /logo.svg", s.BrandLogo)
	}
	if s.BrandColor != "" {
		checkColor(p, s.BrandColor)
	}
}

// isLogo knows an https URL and an absolute path. It goes into the pages' Content-Security-Policy, where a blank, a
// comma or a semicolon would begin something else.
func isLogo(logo string) bool {
	u, err := url.Parse(logo)
	if err != nil || len(logo) > maxURL || strings.ContainsAny(logo, " ,;'\"\\<>#") {
		return false
	}
	if u.Scheme == "" && u.Host == "" {
		return strings.HasPrefix(logo, "/") && !strings.HasPrefix(logo, "//")
	}
	return u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

func checkColor(p *problems, color string) {
	luminance, ok := relativeLuminance(color)
	if !ok {
		p.add("BRAND_COLOR", "is %.20q: write #rrggbb, as in #1d4ed8", color)
		return
	}
	if contrast := (1 + 0.05) / (luminance + 0.05); contrast < minContrast {
		p.add("BRAND_COLOR", "%s has a contrast of %.2f to white, which is hard to read: choose a darker one, with 4.5 or more (WCAG 2.2 §1.4.3)",
			color, math.Floor(contrast*100)/100)
	}
}

// relativeLuminance is that of #rrggbb by WCAG 2.2: 0 is black, 1 is white.
func relativeLuminance(color string) (float64, bool) {
	digits, found := strings.CutPrefix(color, "#")
	rgb, err := strconv.ParseUint(digits, 16, 24)
	if !found || err != nil || len(digits) != 6 {
		return 0, false
	}
	linear := func(channel uint64) float64 {
		c := float64(channel&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb), true
}

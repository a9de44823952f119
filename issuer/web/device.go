package web

import (
	"strings"

	"github.com/mileusna/useragent"

	"github.com/signet-oidc/signet/issuer/flow"
)

// maxProduct is the longest name of a program that is shown. A User-Agent header says
// whatever its sender likes.
const maxProduct = 40

// Device is what a person calls one of their logins: a browser and what it runs on, or
// a program.
func (t texts) Device(d flow.Device) string {
	if d.Offline {
		return t.T("account.offline")
	}
	name, system := product(d.Agent)
	switch {
	case name == "":
		return t.T("account.unknown")
	case system == "":
		return name
	}
	return t.T("account.on", "name", name, "system", system)
}

// product is the program that a User-Agent header names, and what it runs on; empty: not
// known.
func product(agent string) (name, system string) {
	ua := useragent.Parse(agent)
	if ua.Name == "" || len(ua.Name) > maxProduct || !letter(ua.Name[0]) || strings.Contains(ua.Name, "/") {
		return "", ""
	}
	if ua.IsIOS() {
		return ua.Name, ua.Device // people say iPhone and iPad
	}
	return ua.Name, strings.ReplaceAll(ua.OS, "ChromeOS", "Chrome OS")
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

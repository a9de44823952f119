package client

import (
	"net/url"
	"strings"
	"testing"
)

var redirects = []struct {
	name       string
	registered string
	asked      string
	want       bool
}{
	{"the same", "https://app.example/cb", "https://app.example/cb", true},
	{"the same with a query", "https://app.example/cb?a=1", "https://app.example/cb?a=1", true},
	{"an app's own scheme", "com.example.app:/cb", "com.example.app:/cb", true},

	{"empty", "https://app.example/cb", "", false},
	{"a longer path", "https://app.example/cb", "https://app.example/cb/x", false},
	{"a shorter path", "https://app.example/cb", "https://app.example/", false},
	{"a slash more", "https://app.example/cb", "https://app.example/cb/", false},
	{"dot segments", "https://app.example/cb", "https://app.example/x/../cb", false},
	{"an encoded letter", "https://app.example/cb", "https://app.example/%63b", false},
	{"a query more", "https://app.example/cb", "https://app.example/cb?a=1", false},
	{"an empty query", "https://app.example/cb", "https://app.example/cb?", false},
	{"a fragment", "https://app.example/cb", "https://app.example/cb#x", false},
	{"an empty fragment", "https://app.example/cb", "https://app.example/cb#", false},
	{"a host in capitals", "https://app.example/cb", "https://APP.example/cb", false},
	{"a scheme in capitals", "https://app.example/cb", "HTTPS://app.example/cb", false},
	{"the default port", "https://app.example/cb", "https://app.example:443/cb", false},
	{"http for https", "https://app.example/cb", "http://app.example/cb", false},
	{"no scheme", "https://app.example/cb", "//app.example/cb", false},
	{"a subdomain", "https://app.example/cb", "https://evil.app.example/cb", false},
	{"a longer domain", "https://app.example/cb", "https://app.example.evil.example/cb", false},
	{"user information", "https://app.example/cb", "https://app.example@evil.example/cb", false},
	{"user information before the host", "https://app.example/cb", "https://u:p@app.example/cb", false},
	{"a backslash before an at", "https://app.example/cb", `https://evil.example\@app.example/cb`, false},
	{"backslashes for slashes", "https://app.example/cb", `https:\\app.example\cb`, false},
	{"javascript", "https://app.example/cb", "javascript:alert(1)//https://app.example/cb", false},
	{"data", "https://app.example/cb", "data:text/html,https://app.example/cb", false},
	{"a space before", "https://app.example/cb", " https://app.example/cb", false},
	{"a line end after", "https://app.example/cb", "https://app.example/cb\n", false},
	{"a NUL after", "https://app.example/cb", "https://app.example/cb\x00", false},
	{"a tab inside", "https://app.example/cb", "https://app.exam\tple/cb", false},
	{"no wildcard", "https://*.example/cb", "https://app.example/cb", false},

	{"loopback, another port", "http://127.0.0.1:1234/cb", "http://127.0.0.1:51004/cb", true},
	{"loopback, registered without a port", "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true},
	{"loopback, asked without a port", "http://127.0.0.1:1234/cb", "http://127.0.0.1/cb", true},
	{"loopback of IPv6", "http://[::1]/cb", "http://[::1]:51004/cb", true},
	{"localhost", "http://localhost/cb", "http://localhost:51004/cb", true},
	{"loopback without a path", "http://127.0.0.1", "http://127.0.0.1:51004", true},
	{"loopback with a query", "http://127.0.0.1?a=1", "http://127.0.0.1:51004?a=1", true},
	{"the last port", "http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", true},

	{"loopback, another path", "http://127.0.0.1/cb", "http://127.0.0.1:51004/evil", false},
	{"loopback, a query more", "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x", false},
	{"loopback, a fragment", "http://127.0.0.1/cb", "http://127.0.0.1:51004/cb#x", false},
	{"loopback over https", "https://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false},
	{"loopback, http for https", "https://127.0.0.1/cb", "http://127.0.0.1:51004/cb", false},
	{"one loopback for another", "http://127.0.0.1/cb", "http://localhost:51004/cb", false},
	{"another address of 127/8", "http://127.0.0.1/cb", "http://127.0.0.2:51004/cb", false},
	{"not registered as loopback", "http://app.example/cb", "http://127.0.0.1:51004/cb", false},
	{"a longer address", "http://127.0.0.1/cb", "http://127.0.0.10/cb", false},
	{"an address that begins a name", "http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false},
	{"localhost that begins a name", "http://localhost/cb", "http://localhost.evil.example/cb", false},
	{"loopback as user", "http://127.0.0.1/cb", "http://127.0.0.1@evil.example/cb", false},
	{"loopback and port as user", "http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", false},
	{"loopback and a backslash", "http://127.0.0.1/cb", `http://127.0.0.1\@evil.example/cb`, false},
	{"loopback, port and a backslash", "http://127.0.0.1/cb", `http://127.0.0.1:80\@evil.example/cb`, false},
	{"an empty port", "http://127.0.0.1/cb", "http://127.0.0.1:/cb", false},
	{"port 0", "http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false},
	{"a port over 65535", "http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false},
	{"a port with a zero first", "http://127.0.0.1/cb", "http://127.0.0.1:080/cb", false},
	{"a port with a sign", "http://127.0.0.1/cb", "http://127.0.0.1:+80/cb", false},
	{"two ports", "http://127.0.0.1/cb", "http://127.0.0.1:80:80/cb", false},
	{"a port of other digits", "http://127.0.0.1/cb", "http://127.0.0.1:٨٠/cb", false},
}

func TestAllowsRedirect(t *testing.T) {
	for _, tt := range redirects {
		t.Run(tt.name, func(t *testing.T) {
			c := Client{RedirectURIs: []string{"https://another.example/", tt.registered}}
			if got := c.AllowsRedirect(tt.asked); got != tt.want {
				t.Errorf("registered %q, AllowsRedirect(%q) = %v, want %v", tt.registered, tt.asked, got, tt.want)
			}
		})
	}
	if (Client{}).AllowsRedirect("") {
		t.Error("a client without any is sent to the empty one")
	}
}

// FuzzAllowsRedirect: whatever is allowed leads, for a parser, to the registered
// place, but for the port of a loopback address.
func FuzzAllowsRedirect(f *testing.F) {
	for _, tt := range redirects {
		f.Add(tt.registered, tt.asked)
	}
	f.Fuzz(func(t *testing.T, registered, asked string) {
		c := Client{RedirectURIs: []string{registered}}
		if badRedirect(registered) != "" || !c.AllowsRedirect(asked) || asked == registered {
			return
		}
		want, _ := url.Parse(registered)
		got, err := url.Parse(asked)
		if err != nil {
			t.Fatalf("%q is allowed and can't be read: %v", asked, err)
		}
		if !isLoopback(want.Hostname()) || got.User != nil || got.Hostname() != want.Hostname() {
			t.Errorf("registered %q, allowed %q", registered, asked)
		}
		got.Host, want.Host = "", ""
		if *got != *want {
			t.Errorf("registered %q, allowed %q", registered, asked)
		}
	})
}

func TestBadRedirect(t *testing.T) {
	tests := []struct {
		name string
		uri  string
		ok   bool
	}{
		{"https", "https://app.example/cb", true},
		{"https with port and query", "https://app.example:8443/cb?x=1&y=%20", true},
		{"https of IPv6", "https://[2001:db8::1]/cb", true},
		{"http to 127.0.0.1", "http://127.0.0.1:8080/cb", true},
		{"http to ::1", "http://[::1]/cb", true},
		{"http to localhost", "http://localhost/cb", true},
		{"an app's own scheme", "com.example.app:/cb", true},
		{"an app's own scheme with a host", "com.example.app://cb", true},

		{"empty", "", false},
		{"relative", "/cb", false},
		{"no scheme", "//app.example/cb", false},
		{"http", "http://app.example/cb", false},
		{"http to a name that begins as loopback", "http://127.0.0.1.evil.example/cb", false},
		{"http to a number", "http://2130706433/cb", false},
		{"http to a private address", "http://10.0.0.1/cb", false},
		{"no host", "https:///cb", false},
		{"a port alone", "https://:443/cb", false},
		{"opaque", "https:app.example/cb", false},
		{"fragment", "https://app.example/cb#x", false},
		{"empty fragment", "https://app.example/cb#", false},
		{"user information", "https://u@app.example/cb", false},
		{"empty user information", "https://@app.example/cb", false},
		{"backslash", `https://app.example\cb`, false},
		{"space", "https://app.example/c b", false},
		{"line end", "https://app.example/cb\r\nX: y", false},
		{"other letters", "https://äpp.example/cb", false},
		{"javascript", "javascript:alert(1)", false},
		{"data", "data:text/html,x", false},
		{"file", "file:///etc/passwd", false},
		{"a scheme without a dot", "myapp:/cb", false},
		{"a scheme in capitals", "HTTPS://app.example/cb", false},
		{"a bad escape", "https://app.example/%zz", false},
		{"too long", "https://app.example/" + strings.Repeat("x", 2048), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if reason := badRedirect(tt.uri); (reason == "") != tt.ok {
				t.Errorf("badRedirect(%.80q) = %q, want good %v", tt.uri, reason, tt.ok)
			}
		})
	}
}

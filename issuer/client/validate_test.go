package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/signet-oidc/signet/issuer/id"
)

func many(n int, format string) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return items
}

func TestValidate(t *testing.T) {
	known := []string{GrantAuthorizationCode, GrantClientCredentials, GrantRefreshToken, GrantPassword}
	tests := []struct {
		name  string
		edit  func(*Client)
		field string // empty: valid
	}{
		{"as it is", func(*Client) {}, ""},
		{"nothing but an id", func(c *Client) { *c = Client{ID: "x"} }, ""},
		{"all of an id's characters", func(c *Client) { c.ID = "Az09-._~" }, ""},
		{"urn as audience", func(c *Client) { c.Audiences = []string{"urn:example:api"} }, ""},
		{"public with a code", func(c *Client) {
			c.Public, c.Secrets, c.Grants = true, nil, []string{GrantAuthorizationCode, GrantRefreshToken}
		}, ""},

		{"no id", func(c *Client) { c.ID = "" }, "id"},
		{"long id", func(c *Client) { c.ID = id.Client(strings.Repeat("x", 129)) }, "id"},
		{"a user's id", func(c *Client) { c.ID = "usr_x" }, "id"},
		{"the built-in client's id", func(c *Client) { c.ID = "signet" }, "id"},
		{"the command line's name", func(c *Client) { c.ID = "cli" }, "id"},
		{"space in the id", func(c *Client) { c.ID = "my app" }, "id"},
		{"colon in the id", func(c *Client) { c.ID = "my:app" }, "id"},
		{"slash in the id", func(c *Client) { c.ID = "../app" }, "id"},
		{"NUL in the id", func(c *Client) { c.ID = "app\x00" }, "id"},
		{"other letters in the id", func(c *Client) { c.ID = "äpp" }, "id"},
		{"bad UTF-8 in the id", func(c *Client) { c.ID = "app\xff" }, "id"},
		{"long name", func(c *Client) { c.Name = strings.Repeat("é", 201) }, "name"},
		{"name that turns the writing direction", func(c *Client) { c.Name = "Ap\u202ep" }, "name"},
		{"no name but blanks", func(c *Client) { c.Name = "  " }, "name"},
		{"no name but a Hangul filler", func(c *Client) { c.Name = "\u3164" }, "name"},
		{"no name but an empty Braille pattern", func(c *Client) { c.Name = "\u2800" }, "name"},
		{"no name but marks", func(c *Client) { c.Name = "\u0301\u0308" }, "name"},
		{"no name but punctuation", func(c *Client) { c.Name = "– ." }, "name"},
		{"a filler in the name", func(c *Client) { c.Name = "Si\u3164gnet" }, "name"},
		{"a half-width filler in the name", func(c *Client) { c.Name = "Signet\uffa0" }, "name"},
		{"a Hangul initial's filler in the name", func(c *Client) { c.Name = "Signet\u115f" }, "name"},
		{"zero width in the name", func(c *Client) { c.Name = "Si\u200bgnet" }, "name"},
		{"a joiner in the name", func(c *Client) { c.Name = "Si\u200dgnet" }, "name"},
		{"a grapheme joiner in the name", func(c *Client) { c.Name = "Si\u034fgnet" }, "name"},
		{"a byte order mark in the name", func(c *Client) { c.Name = "\ufeffSignet" }, "name"},
		{"a soft hyphen in the name", func(c *Client) { c.Name = "Sig\u00adnet" }, "name"},
		{"a mark that chooses no form", func(c *Client) { c.Name = "Signet\ufe0f" }, "name"},
		{"a mark of form without a base", func(c *Client) { c.Name = "\ufe0fSignet" }, "name"},
		{"tag characters in the name", func(c *Client) { c.Name = "Signet\U000e0041" }, "name"},
		{"an empty note in the name", func(c *Client) { c.Name = "Signet\U0001d159" }, "name"},
		{"a blank that doesn't break", func(c *Client) { c.Name = "Sig\u00a0net" }, "name"},
		{"an isolate in the name", func(c *Client) { c.Name = "A\u2067pp\u2069" }, "name"},
		{"a mark of direction in the name", func(c *Client) { c.Name = "App\u200f" }, "name"},
		{"an Arabic mark of direction in the name", func(c *Client) { c.Name = "App\u061c" }, "name"},
		{"emoji in the name", func(c *Client) { c.Name = "\u2764\ufe0f Shop \U0001f6d2" }, ""},
		{"an ideograph's form in the name", func(c *Client) { c.Name = "葛\U000e0100城" }, ""},
		{"marks in the name", func(c *Client) { c.Name = "Cafe\u0301 ก็ हिन्दी" }, ""},
		{"Arabic in the name", func(c *Client) { c.Name = "متجر" }, ""},
		{"a digit for a name", func(c *Client) { c.Name = "4" }, ""},
		{"a contact that can't be seen", func(c *Client) { c.Contacts = []string{"a\u3164"} }, "contacts"},
		{"a redirect to a host in disguise", func(c *Client) { c.RedirectURIs = []string{"https://%D0%B0pple.example/cb"} }, "redirect_uris"},
		{"an audience at a host in disguise", func(c *Client) { c.Audiences = []string{"https://%E2%80%AEapi.example"} }, "audiences"},
		{"an international host", func(c *Client) { c.RedirectURIs = []string{"https://xn--bcher-kva.example/b%C3%BCcher"} }, ""},
		{"name with a line end", func(c *Client) { c.Name = "App\nSignet" }, "name"},
		{"name of bad UTF-8", func(c *Client) { c.Name = "App\xff" }, "name"},
		{"public with a secret", func(c *Client) { c.Public = true }, "secrets"},
		{"too many secrets", func(c *Client) { c.Secrets = make([]Secret, 9) }, "secrets"},
		{"unknown grant", func(c *Client) { c.Grants = []string{"implicit"} }, "grants"},
		{"a grant that isn't on", func(c *Client) { c.Grants = []string{GrantDeviceCode} }, "grants"},
		{"a grant twice", func(c *Client) { c.Grants = []string{GrantPassword, GrantPassword} }, "grants"},
		{"public with client_credentials", func(c *Client) {
			c.Public, c.Secrets, c.Grants = true, nil, []string{GrantClientCredentials}
		}, "grants"},
		{"two scopes in one", func(c *Client) { c.Scopes = []string{"read write"} }, "scopes"},
		{"empty scope", func(c *Client) { c.Scopes = []string{""} }, "scopes"},
		{"quote in a scope", func(c *Client) { c.Scopes = []string{`a"b`} }, "scopes"},
		{"backslash in a scope", func(c *Client) { c.Scopes = []string{`a\b`} }, "scopes"},
		{"other letters in a scope", func(c *Client) { c.Scopes = []string{"lésen"} }, "scopes"},
		{"long scope", func(c *Client) { c.Scopes = []string{strings.Repeat("x", 129)} }, "scopes"},
		{"scope twice", func(c *Client) { c.Scopes = []string{"read", "read"} }, "scopes"},
		{"too many scopes", func(c *Client) { c.Scopes = many(65, "s%d") }, "scopes"},
		{"relative audience", func(c *Client) { c.Audiences = []string{"api"} }, "audiences"},
		{"audience with a fragment", func(c *Client) { c.Audiences = []string{"https://api.example#x"} }, "audiences"},
		{"audience with user information", func(c *Client) { c.Audiences = []string{"https://u@api.example"} }, "audiences"},
		{"audience of a scheme alone", func(c *Client) { c.Audiences = []string{"https://"} }, "audiences"},
		{"space in a role", func(c *Client) { c.Roles = []string{"an admin"} }, "roles"},
		{"code without a redirect", func(c *Client) { c.RedirectURIs = nil }, "redirect_uris"},
		{"javascript", func(c *Client) { c.RedirectURIs = []string{"javascript:alert(1)"} }, "redirect_uris"},
		{"too many redirects", func(c *Client) { c.RedirectURIs = many(65, "https://app.example/%d") }, "redirect_uris"},
		{"an algorithm that is none", func(c *Client) { c.TokenAlg = "ES 256" }, "token_alg"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Client{
				ID: "app", Name: "An App – 应用", Secrets: make([]Secret, 2),
				Grants: []string{GrantAuthorizationCode, GrantClientCredentials, GrantRefreshToken},
				Scopes: []string{"read", "https://api.example/write"}, Audiences: []string{"https://api.example"},
				Roles: []string{"robot"}, RedirectURIs: []string{"https://app.example/cb"}, TokenAlg: "ES256",
			}
			tt.edit(&c)
			err := Validate(c, known)
			invalid, _ := errors.AsType[*InvalidError](err)
			switch {
			case tt.field == "" && err != nil:
				t.Errorf("Validate = %v", err)
			case tt.field != "" && (invalid == nil || invalid.Field != tt.field || invalid.Reason == ""):
				t.Errorf("Validate = %v, want an error of %s", err, tt.field)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	for name, want := range map[string]string{"": "app", "An App": "An App", "\u3164": "app", "A\u202epp": "app"} {
		if got := (Client{ID: "app", Name: name}).Title(); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// What is taken for a name can be seen, and reads in the order that it is written in.
func FuzzName(f *testing.F) {
	for _, s := range []string{"An App", "\u3164", "\u2800", "A\u202e", "\u2764\ufe0f", "\ufe0f", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || badName(name) != "" {
			return
		}
		seen := false
		for _, r := range name {
			if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
				t.Errorf("%q has %U", name, r)
			}
			seen = seen || unicode.In(r, unicode.L, unicode.N, unicode.S) && r != 0x2800 && r != 0x3164
		}
		if !seen {
			t.Errorf("%q shows nothing", name)
		}
	})
}

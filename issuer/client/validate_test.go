package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"

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

package client

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAllowsScope(t *testing.T) {
	c := Client{Scopes: []string{"read", "write", "admin:read"}}
	tests := []struct {
		name   string
		client Client
		asked  []string
		want   []string
		err    error
	}{
		{"none asked", c, nil, []string{"read", "write", "admin:read"}, nil},
		{"none asked, none registered", Client{}, nil, []string{}, nil},
		{"one", c, []string{"write"}, []string{"write"}, nil},
		{"in the order asked", c, []string{"write", "read"}, []string{"write", "read"}, nil},
		{"twice", c, []string{"read", "read"}, []string{"read"}, nil},
		{"unknown", c, []string{"delete"}, nil, ErrScope},
		{"known and unknown", c, []string{"read", "delete"}, nil, ErrScope},
		{"another case", c, []string{"READ"}, nil, ErrScope},
		{"the beginning of one", c, []string{"admin"}, nil, ErrScope},
		{"empty text", c, []string{""}, nil, ErrScope},
		{"two in one", c, []string{"read write"}, nil, ErrScope},
		{"none registered", Client{}, []string{"read"}, nil, ErrScope},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.client.AllowsScope(tt.asked)
			if !errors.Is(err, tt.err) || !cmp.Equal(got, tt.want) {
				t.Errorf("AllowsScope(%q) = %#v, %v; want %#v, %v", tt.asked, got, err, tt.want, tt.err)
			}
		})
	}
}

func TestGrantedScopesAreTheCallers(t *testing.T) {
	c := Client{Scopes: []string{"read", "write"}}
	granted, _ := c.AllowsScope(nil)
	granted[0] = "changed"
	if c.Scopes[0] != "read" {
		t.Error("the caller changed the client")
	}
}

func TestAllowsAudience(t *testing.T) {
	const def = "https://default.example"
	two := Client{Audiences: []string{"https://a.example", "https://b.example/"}}
	tests := []struct {
		name   string
		client Client
		asked  []string
		want   []string
		err    error
	}{
		{"none asked", two, nil, []string{"https://a.example"}, nil},
		{"none asked, none registered", Client{}, nil, []string{def}, nil},
		{"the default, none registered", Client{}, []string{def}, []string{def}, nil},
		{"both", two, []string{"https://b.example/", "https://a.example"}, []string{"https://b.example/", "https://a.example"}, nil},
		{"the default where others are registered", two, []string{def}, nil, ErrAudience},
		{"without the slash", two, []string{"https://b.example"}, nil, ErrAudience},
		{"with a slash", two, []string{"https://a.example/"}, nil, ErrAudience},
		{"in capitals", two, []string{"https://A.example"}, nil, ErrAudience},
		{"another", Client{}, []string{"https://a.example"}, nil, ErrAudience},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.client.AllowsAudience(tt.asked, def)
			if !errors.Is(err, tt.err) || !cmp.Equal(got, tt.want) {
				t.Errorf("AllowsAudience(%q) = %q, %v; want %q, %v", tt.asked, got, err, tt.want, tt.err)
			}
		})
	}
}

func TestDefaultGrants(t *testing.T) {
	tests := map[string]struct {
		of   Client
		want []string
	}{
		"returned to":             {Client{RedirectURIs: []string{"https://app.example"}}, []string{"authorization_code", "refresh_token"}},
		"public and returned to":  {Client{Public: true, RedirectURIs: []string{"https://app.example"}}, []string{"authorization_code", "refresh_token"}},
		"with a secret":           {Client{}, []string{"client_credentials"}},
		"public and not returned": {Client{Public: true}, []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := DefaultGrants(tt.of); !slices.Equal(got, tt.want) {
				t.Errorf("DefaultGrants = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBuiltin(t *testing.T) {
	audiences := []string{"https://a.example"}
	c := Builtin(audiences)
	audiences[0] = "changed"
	if c.ID != "signet" || !c.Public || len(c.Grants) != 0 || len(c.Secrets) != 0 || !slices.Equal(c.Audiences, []string{"https://a.example"}) {
		t.Errorf("Builtin = %+v", c)
	}
	for _, grant := range []string{GrantPassword, GrantRefreshToken, GrantAuthorizationCode, GrantClientCredentials, ""} {
		if c.AllowsGrant(grant) {
			t.Errorf("the built-in client may use %q at the token endpoint", grant)
		}
	}
}

package discovery

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden pins the names and the order of all members: every field is filled with its own name.
func TestGolden(t *testing.T) {
	for _, tc := range []struct {
		file string
		m    Metadata
	}{
		{"empty.json", Metadata{Issuer: "https://auth.example.com"}},
		{"full.json", full()},
	} {
		got, err := json.MarshalIndent(tc.m, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", tc.file)
		if *update {
			if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.TrimSpace(want), got) {
			t.Errorf("%s: got\n%s", tc.file, got)
		}
		var back Metadata
		if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, tc.m) {
			t.Errorf("%s: doesn't survive a round trip: %v", tc.file, err)
		}
	}
}

func full() (m Metadata) {
	v := reflect.ValueOf(&m).Elem()
	yes := true
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch f := v.Field(i); f.Interface().(type) {
		case string:
			f.SetString("a " + name)
		case []string:
			f.Set(reflect.ValueOf([]string{name}))
		case bool:
			f.SetBool(true)
		case *bool:
			f.Set(reflect.ValueOf(&yes))
		}
	}
	return m
}

// TestMembers: every member but issuer is left out when empty, and no two share a name.
func TestMembers(t *testing.T) {
	seen := map[string]bool{}
	typ := reflect.TypeFor[Metadata]()
	for i := range typ.NumField() {
		name, rest, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name == "" || seen[name] {
			t.Errorf("%s has the name %q", typ.Field(i).Name, name)
		}
		seen[name] = true
		if (rest == "omitempty") == (name == "issuer") {
			t.Errorf("%s: %q", name, rest)
		}
	}
	// What the RFCs call them, apart from the struct.
	for _, name := range []string{
		"jwks_uri", "token_endpoint", "revocation_endpoint", "introspection_endpoint", "code_challenge_methods_supported",
		"pushed_authorization_request_endpoint", "require_pushed_authorization_requests", "dpop_signing_alg_values_supported",
		"authorization_response_iss_parameter_supported", "id_token_signing_alg_values_supported", "subject_types_supported",
		"end_session_endpoint", "backchannel_logout_supported", "backchannel_logout_session_supported", "device_authorization_endpoint",
		"request_uri_parameter_supported", "token_endpoint_auth_signing_alg_values_supported", "status_list_endpoint",
	} {
		if !seen[name] {
			t.Errorf("no member %s", name)
		}
	}
}

func TestURLs(t *testing.T) {
	for _, tc := range []struct{ issuer, openid, oauth string }{
		{"https://auth.example.com", "https://auth.example.com/.well-known/openid-configuration", "https://auth.example.com/.well-known/oauth-authorization-server"},
		{"https://auth.example.com/", "https://auth.example.com/.well-known/openid-configuration", "https://auth.example.com/.well-known/oauth-authorization-server"},
		{"https://example.com/tenant/a", "https://example.com/tenant/a/.well-known/openid-configuration", "https://example.com/.well-known/oauth-authorization-server/tenant/a"},
		{"http://localhost:8080", "http://localhost:8080/.well-known/openid-configuration", "http://localhost:8080/.well-known/oauth-authorization-server"},
	} {
		if got := OpenIDConfigurationURL(tc.issuer); got != tc.openid {
			t.Errorf("%s: %s", tc.issuer, got)
		}
		if got := AuthorizationServerURL(tc.issuer); got != tc.oauth {
			t.Errorf("%s: %s", tc.issuer, got)
		}
	}
}

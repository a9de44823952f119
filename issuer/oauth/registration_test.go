package oauth

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// FuzzRegistration: whatever is sent, it is an error for clients, or a client that is
// what the members of exactly these names say, and has nothing that it may not give itself.
func FuzzRegistration(f *testing.F) {
	for _, s := range []string{
		`{"redirect_uris":["https://a.example/"]}`, `{"Redirect_URIs":["https://a.example/"]}`, `{"trusted":true,"client_name":"a","jwks":{"keys":[]}}`,
		`{"grant_types":[],"response_types":["code"],"scope":"openid email"}`, `{"default_max_age":1e3}`, `{"contacts":null,"x":{"y":[]}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", PathRegister, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		d, err := readDescription(httptest.NewRecorder(), r)
		if err != nil {
			_, ours := errors.AsType[*httpx.Error](err)
			if _, invalid := errors.AsType[*client.InvalidError](err); !ours && !invalid {
				t.Fatalf("%q: not an error for clients: %v", body, err)
			}
			return
		}
		c := d.client()
		var sent map[string]any
		if err := json.Unmarshal([]byte(body), &sent); err != nil {
			t.Fatalf("%q: encoding/json says %v", body, err)
		}
		if name, _ := sent["client_name"].(string); name != c.Name {
			t.Fatalf("%q: the name is %q", body, c.Name)
		}
		if uris, _ := sent["redirect_uris"].([]any); len(uris) != len(c.RedirectURIs) {
			t.Fatalf("%q: redirects %q", body, c.RedirectURIs)
		}
		if c.Trusted || c.ID != "" || len(c.Roles)+len(c.Audiences)+len(c.Secrets) > 0 || c.TokenAlg != "" || c.Registration != nil {
			t.Fatalf("%q: taken from the client: %+v", body, c)
		}
	})
}

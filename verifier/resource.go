package verifier

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// resourcePath is where RFC 9728 §3 has a protected resource's metadata stand.
const resourcePath = "/.well-known/oauth-protected-resource"

// ProtectedResource is a resource server's metadata (RFC 9728 §2). What is empty
// is left out, or filled in from the Verifier.
type ProtectedResource struct {
	Resource             string   `json:"resource"`                           // empty: Config.Audience
	AuthorizationServers []string `json:"authorization_servers,omitempty"`    // empty: Config.Issuer
	Scopes               []string `json:"scopes_supported,omitempty"`         // those worth asking for
	BearerMethods        []string `json:"bearer_methods_supported,omitempty"` // empty: header
	Name                 string   `json:"resource_name,omitempty"`            // for people
	Documentation        string   `json:"resource_documentation,omitempty"`   // a URL
	Policy               string   `json:"resource_policy_uri,omitempty"`      // a URL
	Terms                string   `json:"resource_tos_uri,omitempty"`         // a URL
	ProofAlgorithms      []string `json:"dpop_signing_alg_values_supported"`  // empty: those of Config.Proofs
	ProofRequired        bool     `json:"dpop_bound_access_tokens_required,omitempty"`
}

// MetadataPath is the path at which the metadata of resource belongs: a path of the
// resource's own comes after the well-known part (RFC 9728 §3.1).
func MetadataPath(resource string) (string, error) {
	u, err := url.Parse(resource)
	if err != nil || u.Host == "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("resource %q isn't a URL without fragment (RFC 9728 §1.2)", resource)
	}
	return resourcePath + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

// MetadataHandler serves m as JSON, for everybody. Mount it at MetadataPath, and
// set Config.ResourceMetadata to its URL, so that challenges name it.
func (v *Verifier) MetadataHandler(m ProtectedResource) (http.Handler, error) {
	if m.Resource == "" {
		m.Resource = v.cfg.Audience
	}
	if _, err := MetadataPath(m.Resource); err != nil {
		return nil, err
	}
	m.AuthorizationServers = orList(m.AuthorizationServers, v.cfg.Issuer)
	m.BearerMethods = orList(m.BearerMethods, "header")
	m.ProofAlgorithms = orList(m.ProofAlgorithms, v.proofs.Algorithms()...)
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("resource metadata: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveMetadata(w, r, body) }), nil
}

func orList(list []string, otherwise ...string) []string {
	if len(list) == 0 {
		return otherwise
	}
	return list
}

func serveMetadata(w http.ResponseWriter, r *http.Request, body []byte) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Access-Control-Allow-Origin", "*") // public, and browsers' clients read it
	h.Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(body) // a client that hung up needs no telling
}

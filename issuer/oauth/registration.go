package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// registration is what a client says of itself, and is told that it is: the members of
// RFC 7591 §2, OpenID Connect Dynamic Client Registration §2 and of what builds on them
// that mean something here. Others are passed over, which the answer shows by leaving
// them out: translations of names (client_name#de), request_uris and request_object_…
// (all request objects are refused), frontchannel_logout_….
type registration struct {
	client.Metadata
	Trusted json.RawMessage `json:"trusted,omitempty"` // in the place of Metadata's: no client says so of itself

	RedirectURIs  []string `json:"redirect_uris,omitempty"`
	ResponseTypes []string `json:"response_types,omitempty"`
	GrantTypes    []string `json:"grant_types"`
	Name          string   `json:"client_name,omitempty"`
	Scope         string   `json:"scope,omitempty"`
	SubjectType   string   `json:"subject_type,omitempty"`
}

// description is a registration as a client sends it.
type description struct {
	registration
	// By PUT alone (RFC 7592 §2.2); a registration is given its own.
	ID     id.Client `json:"client_id"`
	Secret string    `json:"client_secret"`
}

// refused are members that a client which sends them relies on, and would rely on in
// vain: it learns that before somebody reads what it believes to be encrypted or bound.
var refused = []string{
	"id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
	"userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
	"authorization_signed_response_alg", "authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
	"introspection_signed_response_alg", "introspection_encrypted_response_alg", "introspection_encrypted_response_enc",
	"tls_client_certificate_bound_access_tokens", // RFC 8705 §3.4
	"require_signed_request_object",              // RFC 9101 §10.5
	"software_statement",                         // RFC 7591 §2.3: nobody's are known here
}

// readDescription reads and checks what concerns the protocol; whether a client can be
// so is flow's and client's to say. Defaults are those of RFC 7591 §2.
func readDescription(w http.ResponseWriter, r *http.Request) (d description, err error) {
	members, err := httpx.Members(w, r, maxRegistration)
	if e, ok := errors.AsType[*httpx.Error](err); ok && e.Status == http.StatusBadRequest {
		e.Code = "invalid_client_metadata"
	}
	if err != nil {
		return d, err
	}
	if err := unoffered(members); err != nil {
		return d, err
	}
	if err := d.decode(members); err != nil {
		return d, err
	}
	d.fill()
	return d, d.check()
}

func unoffered(members map[string]json.RawMessage) error {
	for _, name := range refused {
		if raw, there := members[name]; there && string(raw) != "false" && string(raw) != `""` {
			return &client.InvalidError{Field: name, Reason: "is not offered here"}
		}
	}
	return nil
}

// known are the members that are read, by their names as they are: encoding/json alone
// would also take them in another case.
var known = func() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[description]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "trusted" {
			names = append(names, name)
		}
	}
	return names
}()

func (d *description) decode(members map[string]json.RawMessage) error {
	for name := range members {
		if !slices.Contains(known, name) {
			delete(members, name)
		}
	}
	b, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("encode what was read: %w", err)
	}
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](json.Unmarshal(b, d))
	if ok {
		return &client.InvalidError{Field: wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:], Reason: "has the wrong type"}
	}
	return nil
}

// fill puts what is registered in the place of what was left out.
func (d *description) fill() {
	if len(d.GrantTypes) == 0 {
		d.GrantTypes = []string{client.GrantAuthorizationCode}
	}
	if len(d.ResponseTypes) == 0 && slices.Contains(d.GrantTypes, client.GrantAuthorizationCode) {
		d.ResponseTypes = []string{"code"}
	}
	if d.AuthMethod == "" {
		d.AuthMethod = client.MethodBasic
	}
	if d.ApplicationType == "" {
		d.ApplicationType = client.ApplicationWeb
		if slices.ContainsFunc(d.RedirectURIs, func(uri string) bool { return !strings.HasPrefix(uri, "http") }) {
			d.ApplicationType = client.ApplicationNative
		}
	}
	if d.Scope == "" {
		d.Scope = strings.Join(grant.Scopes(), " ")
	}
	if d.SubjectType == "" {
		d.SubjectType = "public"
	}
}

func (d *description) check() error {
	for _, t := range d.ResponseTypes {
		if t != "code" {
			return &client.InvalidError{Field: "response_types", Reason: fmt.Sprintf("%.40q is not offered here: code", t)}
		}
	}
	// RFC 7591 §2.1: the two have to fit.
	if code := slices.Contains(d.GrantTypes, client.GrantAuthorizationCode); code != (len(d.ResponseTypes) > 0) {
		return &client.InvalidError{Field: "grant_types", Reason: "the response type code goes with the grant authorization_code"}
	}
	if d.SubjectType != "public" {
		return &client.InvalidError{Field: "subject_type", Reason: fmt.Sprintf("%.40q is not offered here: public", d.SubjectType)}
	}
	if _, err := scopes(d.Scope); err != nil {
		return &client.InvalidError{Field: "scope", Reason: "scopes are separated by one space"}
	}
	return nil
}

// client is who describes itself so.
func (d *description) client() client.Client {
	scope, _ := scopes(d.Scope) // check has looked
	return client.Client{
		Name: d.Name, Public: d.AuthMethod == client.MethodNone, Grants: d.GrantTypes, Scopes: scope, RedirectURIs: d.RedirectURIs, Metadata: d.Metadata,
	}
}

// information is the answer (RFC 7591 §3.2.1, RFC 7592 §3): all that is registered.
type information struct {
	ID      id.Client `json:"client_id"`
	Issued  int64     `json:"client_id_issued_at"`
	Secret  string    `json:"client_secret,omitempty"`
	Expires *int64    `json:"client_secret_expires_at,omitempty"` // 0, never, for who has a secret
	Token   string    `json:"registration_access_token"`
	URI     string    `json:"registration_client_uri"`
	registration
}

func (o *OAuth) information(r flow.Registered) information {
	c := r.Client
	info := information{
		ID: c.ID, Issued: c.Created.Unix(), Secret: r.Secret, Token: r.Token, URI: o.configuration(c.ID),
		registration: registration{
			Metadata: c.Metadata, RedirectURIs: c.RedirectURIs, GrantTypes: c.Grants, Name: c.Name,
			Scope: strings.Join(c.Scopes, " "), SubjectType: "public",
		},
	}
	if c.AllowsGrant(client.GrantAuthorizationCode) {
		info.ResponseTypes = []string{"code"}
	}
	if len(c.Secrets) > 0 {
		info.Expires = new(int64)
	}
	return info
}

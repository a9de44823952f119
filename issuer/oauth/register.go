package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
	"github.com/signet-oidc/signet/verifier"
)

// PathRegister is the registration endpoint (RFC 7591 §3). Below it, by its id, a client
// has its configuration endpoint (RFC 7592 §2).
const PathRegister = "/oauth/register"

// maxRegistration is the most bytes of a registration: a client stays in the store and
// in memory, and where registration is open anybody may make some.
const maxRegistration = 16 << 10

// Registrar lets clients register and manage themselves.
type Registrar interface {
	Enabled() bool
	Register(ctx context.Context, by flow.Bearer, describe func() (client.Client, error)) (flow.Registered, error)
	Find(ctx context.Context, name id.Client, by flow.Bearer) (client.Client, error)
	Replace(ctx context.Context, name id.Client, by flow.Bearer, describe func(old client.Client) (client.Client, error)) (flow.Registered, error)
	Remove(ctx context.Context, name id.Client, by flow.Bearer) error
}

// RegistrationErrors is the table of the registration endpoints.
var RegistrationErrors = append(httpx.Table{
	{Is: flow.ErrRegistrationClosed, Answer: httpx.Error{Status: http.StatusForbidden, Code: "registration_closed", Description: "clients are registered by the operator here"}},
	{Is: verifier.ErrRequest, Answer: *httpx.BadRequest("one bearer token is expected, in the Authorization header")},
	{Is: client.ErrConflict, Answer: httpx.Error{Status: http.StatusConflict, Code: "conflict", Description: "another changed the client at the same time; read it again"}},
	{Is: client.ErrNotFound, Answer: registrationToken}, // deleted meanwhile
	{Is: flow.ErrRegistrationToken, Answer: registrationToken},
	{Is: flow.ErrInitialToken, Answer: httpx.Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "an initial access token is needed to register a client", Challenge: `Bearer error="invalid_token"`}},
}, Errors...)

// registrationToken doesn't tell whether there is such a client (RFC 7592 §2: 401).
var registrationToken = httpx.Error{
	Status: http.StatusUnauthorized, Code: "invalid_token", Description: "not the registration access token of this client", Challenge: `Bearer error="invalid_token"`,
}

// Register is POST /oauth/register: 201 with what the client is registered as.
func (o *OAuth) Register(w http.ResponseWriter, r *http.Request) error {
	by, err := registrant(r)
	if err != nil {
		return err
	}
	made, err := o.Registrar.Register(r.Context(), by, func() (client.Client, error) {
		d, err := readDescription(w, r)
		return d.client(), err
	})
	if err != nil {
		return unregistrable(err, by)
	}
	httpx.Note(r.Context(), "client", string(made.Client.ID))
	httpx.JSON(w, http.StatusCreated, o.information(made))
	return nil
}

// ReadRegistration is GET /oauth/register/{client}. The secret isn't in the answer: it
// is kept nowhere.
func (o *OAuth) ReadRegistration(w http.ResponseWriter, r *http.Request) error {
	by, err := registrant(r)
	if err != nil {
		return err
	}
	c, err := o.Registrar.Find(r.Context(), registered(r), by)
	if err != nil {
		return unregistrable(err, by)
	}
	httpx.JSON(w, http.StatusOK, o.information(flow.Registered{Client: c, Token: by.Token}))
	return nil
}

// ReplaceRegistration is PUT /oauth/register/{client} (RFC 7592 §2.2). The registration
// access token stays the same: a client that lost the answer could else never return.
func (o *OAuth) ReplaceRegistration(w http.ResponseWriter, r *http.Request) error {
	by, err := registrant(r)
	if err != nil {
		return err
	}
	made, err := o.Registrar.Replace(r.Context(), registered(r), by, func(old client.Client) (client.Client, error) {
		d, err := readDescription(w, r)
		if err == nil {
			err = o.same(d, old)
		}
		return d.client(), err
	})
	if err != nil {
		return unregistrable(err, by)
	}
	httpx.JSON(w, http.StatusOK, o.information(made))
	return nil
}

// same checks the two members by which a client says who it is: it must send its id, and
// if it sends its secret that must be one of its own (RFC 7592 §2.2).
func (o *OAuth) same(d description, old client.Client) error {
	if d.ID != old.ID {
		return &client.InvalidError{Field: "client_id", Reason: "must be the client's own"}
	}
	if d.Secret != "" && !old.Matches(d.Secret, o.Now()) {
		return &client.InvalidError{Field: "client_secret", Reason: "must be the client's own, or left out"}
	}
	return nil
}

// RemoveRegistration is DELETE /oauth/register/{client}: 204; its sessions end with it.
func (o *OAuth) RemoveRegistration(w http.ResponseWriter, r *http.Request) error {
	by, err := registrant(r)
	if err != nil {
		return err
	}
	if err := o.Registrar.Remove(r.Context(), registered(r), by); err != nil {
		return unregistrable(err, by)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func registered(r *http.Request) id.Client { return id.Client(r.PathValue("client")) }

// registrant is who asks. A token in the URL or the body is none (RFC 7592 §2).
func registrant(r *http.Request) (flow.Bearer, error) {
	token, err := verifier.Bearer(r)
	if errors.Is(err, verifier.ErrNoToken) {
		err = nil
	}
	return flow.Bearer{Token: token, From: httpx.Address(r.Context())}, err
}

// unregistrable says what can't be registered, by RFC 7591 §3.2.2.
func unregistrable(err error, by flow.Bearer) error {
	e, ok := errors.AsType[*client.InvalidError](err)
	if !ok {
		return tokenless(err, by)
	}
	code := "invalid_client_metadata"
	switch e.Field {
	case "redirect_uris":
		code = "invalid_redirect_uri"
	case "software_statement":
		code = "unapproved_software_statement"
	}
	field := e.Field
	if name, ok := wireNames[field]; ok {
		field = name
	}
	return errors.Join(&httpx.Error{Status: http.StatusBadRequest, Code: code, Description: described(field + ": " + e.Reason)}, err)
}

// wireNames are the names that registration has for what operators call otherwise.
var wireNames = map[string]string{"name": "client_name", "grants": "grant_types", "scopes": "scope"}

// tokenless leaves the error out of the challenge where no token was presented (RFC 6750
// §3.1).
func tokenless(err error, by flow.Bearer) error {
	e := RegistrationErrors.Lookup(err)
	if by.Token != "" || e.Status != http.StatusUnauthorized {
		return err
	}
	e.Challenge = "Bearer"
	return e
}

// described keeps to the characters of an error_description (RFC 6749 §5.2).
func described(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r < ' ' || r > '~' || r == '\\':
			return '?'
		}
		return r
	}, s)
}

// configuration is where a client manages itself (RFC 7592 §3).
func (o *OAuth) configuration(c id.Client) string {
	return o.Issuer + PathRegister + "/" + url.PathEscape(string(c))
}

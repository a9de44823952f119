package grant

import (
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// Mode is how an answer comes to the client: OAuth 2.0 Multiple Response Types
// §2.1, OAuth 2.0 Form Post Response Mode §2.
type Mode string

// Modes of an answer.
const (
	ModeQuery    Mode = "query"
	ModeFragment Mode = "fragment"
	ModeFormPost Mode = "form_post"
)

// Modes are all that there are.
func Modes() []Mode { return []Mode{ModeQuery, ModeFragment, ModeFormPost} }

// Prompts (OpenID Connect Core §3.1.2.1).
const (
	PromptNone    = "none"
	PromptLogin   = "login"
	PromptConsent = "consent"
	PromptSelect  = "select_account"
)

// Request is an authorization request that has been checked: its client is known, its
// redirect URI is one of the client's, and all it asks for may be had (RFC 6749
// §4.1.1, OpenID Connect Core §3.1.2.1).
type Request struct {
	Client    id.Client `json:"client"`
	Redirect  string    `json:"redirect"`
	State     string    `json:"state,omitempty"`
	Mode      Mode      `json:"mode"`
	Nonce     string    `json:"nonce,omitempty"`
	Scope     []string  `json:"scope"`
	Audience  []string  `json:"audience"`            // granted of RFC 8707's resource
	Challenge string    `json:"challenge,omitempty"` // RFC 7636, S256
	BoundKey  string    `json:"bound_key,omitempty"` // RFC 9449 §10's dpop_jkt

	Prompt    []string       `json:"prompt,omitempty"`
	MaxAge    *time.Duration `json:"max_age,omitempty"` // whole seconds; nil: any
	ACR       []string       `json:"acr,omitempty"`     // asked for, voluntary
	LoginHint string         `json:"login_hint,omitempty"`
	Hint      id.User        `json:"hint,omitempty"` // sub of the id_token_hint
	Locales   []string       `json:"locales,omitempty"`
	Claims    Claims         `json:"claims,omitzero"`
}

// Prompts tells whether the request asks for a prompt.
func (r Request) Prompts(p string) bool { return slices.Contains(r.Prompt, p) }

// Wants tells whether a scope is granted, should the person agree.
func (r Request) Wants(scope string) bool { return slices.Contains(r.Scope, scope) }

// Claims are single claims that a client asks for beside scopes (OpenID Connect Core
// §5.5), by name. None can be essential to a person who hasn't got it; a claim that
// has a value asked for is given whatever the value, but for sub.
type Claims struct {
	UserInfo []string `json:"userinfo,omitempty"`
	IDToken  []string `json:"id_token,omitempty"`
	Subject  id.User  `json:"sub,omitempty"` // the one value asked for; else the request fails
}

// Pending is a request that waits for a person, and what they have done so far.
type Pending struct {
	Request  Request    `json:"request"`
	Begun    time.Time  `json:"begun"`
	LoggedIn id.Login   `json:"logged_in,omitempty"` // who proved who they are since Begun
	Chosen   id.Login   `json:"chosen,omitempty"`    // who chose to go on as who they are
	From     netip.Addr `json:"-"`                   // who asks, until it is kept
	Pushed   string     `json:"pushed,omitempty"`    // the pushed request that this came from, to be used up
}

// Code is what a client gets for its authorization code.
type Code struct {
	Session  id.Session `json:"session"` // to be opened; its id is taken once
	Request  Request    `json:"request"`
	Login    id.Login   `json:"login"`
	User     id.User    `json:"user"`
	AuthTime time.Time  `json:"auth_time"`
	AMR      []string   `json:"amr"`
	Expires  time.Time  `json:"expires"` // the login's
	// Account is the person as of when the code was given, as flow writes it: what the
	// exchange needn't read again where nothing has changed since.
	Account json.RawMessage `json:"account"`
}

// Pushed is a request that a client has pushed (RFC 9126): the parameters as they
// came, checked, and to be checked again when they are used.
type Pushed struct {
	Client     id.Client           `json:"client"`
	Parameters map[string][]string `json:"parameters"`
}

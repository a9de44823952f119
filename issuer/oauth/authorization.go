package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// Bounds of single parameters: what is kept, and what comes back in a URL.
const (
	maxState = 2048
	maxNonce = 512
	maxHint  = 320 // an address
)

// authorization is a request as it was read. Where refused is set, that is all that
// may be done with it: telling the client.
type authorization struct {
	request grant.Request
	pushed  string // the request_uri it came from; empty: none
	refused *flow.Refusal
}

// asked reads an authorization request. An error is one that must not be told to the
// client by redirect (RFC 6749 §4.1.2.1).
func (o *OAuth) asked(ctx context.Context, v url.Values) (authorization, error) {
	c, err := o.clientOf(ctx, v)
	if err != nil {
		return authorization{}, err
	}
	v, pushed, err := o.resolve(ctx, c, v)
	if err != nil {
		return authorization{}, err
	}
	a, err := o.readAuthorization(ctx, c, v)
	a.pushed = pushed
	return a, err
}

// clientOf is the client that a request names, once.
func (o *OAuth) clientOf(ctx context.Context, v url.Values) (client.Client, error) {
	if len(v["client_id"]) != 1 {
		return client.Client{}, httpx.BadRequest("client_id is missing, or there are two")
	}
	c, err := o.Clients.Get(ctx, id.Client(v.Get("client_id")))
	if errors.Is(err, client.ErrNotFound) {
		err = &httpx.Error{Status: 400, Code: "invalid_client", Description: "there is no client with this client_id"}
	}
	return c, err
}

// readAuthorization reads and checks the parameters of a request of a client. It is
// also what a pushed request is checked by.
func (o *OAuth) readAuthorization(ctx context.Context, c client.Client, v url.Values) (authorization, error) {
	redirect := v["redirect_uri"]
	switch {
	case len(redirect) != 1:
		return authorization{}, httpx.BadRequest("redirect_uri is missing, or there are two")
	case !c.AllowsRedirect(redirect[0]):
		return authorization{}, httpx.BadRequest("redirect_uri is not one that the client is registered with; they are compared letter by letter")
	}
	a := authorization{request: grant.Request{Client: c.ID, Redirect: redirect[0], Mode: grant.ModeQuery}}
	if s := v["state"]; len(s) == 1 && len(s[0]) <= maxState {
		a.request.State = s[0]
	}
	p := parameters{v: v, oauth: o, client: c, r: &a.request}
	for _, read := range readers {
		if why := read(ctx, &p); why != nil {
			if p.err != nil {
				return authorization{}, p.err
			}
			a.refused = why
			break
		}
	}
	return a, nil
}

// parameters are read one after the other; err is set where the server can't tell.
type parameters struct {
	v      url.Values
	oauth  *OAuth
	client client.Client
	r      *grant.Request
	err    error
}

// readers each read some parameters, in this order: the mode first, as it says how
// what is wrong with the others is told.
var readers = []func(context.Context, *parameters) *flow.Refusal{
	readMode, readOnce, readType, readScope, readTarget, readChallenge, readPrompt, readAge, readHints, readClaims,
}

func refuse(code, description string) *flow.Refusal {
	return &flow.Refusal{Code: code, Description: description}
}

func invalid(description string) *flow.Refusal { return refuse("invalid_request", description) }

func readMode(_ context.Context, p *parameters) *flow.Refusal {
	mode := grant.Mode(p.v.Get("response_mode"))
	switch {
	case mode == "":
		return nil
	case len(p.v["response_mode"]) > 1 || !slices.Contains(grant.Modes(), mode):
		return invalid("response_mode is one of query, fragment and form_post")
	}
	p.r.Mode = mode
	return nil
}

// readOnce refuses what comes twice (RFC 6749 §3.1) and what isn't supported at all.
func readOnce(_ context.Context, p *parameters) *flow.Refusal {
	for name, values := range p.v {
		if len(values) > 1 && name != "resource" { // RFC 8707 §2 allows several
			return invalid("a parameter occurs twice")
		}
	}
	switch {
	case p.v.Get("request") != "":
		return refuse("request_not_supported", "request objects are not supported")
	case p.v.Get("request_uri") != "":
		return refuse("request_uri_not_supported", "a request_uri has to be one that was given here for a pushed request")
	case p.v.Get("registration") != "":
		return refuse("registration_not_supported", "clients register at the registration endpoint")
	case len(p.v.Get("state")) > maxState || len(p.v.Get("nonce")) > maxNonce:
		return invalid("state or nonce is too long")
	}
	p.r.Nonce = p.v.Get("nonce")
	return nil
}

func readType(_ context.Context, p *parameters) *flow.Refusal {
	switch {
	case p.v.Get("response_type") == "":
		return invalid("response_type is missing")
	case p.v.Get("response_type") != "code":
		return refuse("unsupported_response_type", "response_type can only be code")
	case !p.client.AllowsGrant(client.GrantAuthorizationCode):
		return refuse("unauthorized_client", "the client is not registered for the authorization code")
	}
	return nil
}

// readScope leaves out what the client isn't registered for, as OpenID Connect Core
// §3.1.2.1 asks; the token response says what was granted. offline_access means
// something only to a client that may refresh (§11).
func readScope(_ context.Context, p *parameters) *flow.Refusal {
	asked, err := scopes(p.v.Get("scope"))
	if err != nil {
		return refuse("invalid_scope", "scopes are separated by one space")
	}
	if asked == nil {
		asked = p.client.Scopes
	}
	for _, s := range asked {
		offline := s == grant.ScopeOffline && !p.client.AllowsGrant(client.GrantRefreshToken)
		if slices.Contains(p.client.Scopes, s) && !offline && !slices.Contains(p.r.Scope, s) {
			p.r.Scope = append(p.r.Scope, s)
		}
	}
	if len(p.r.Scope) == 0 {
		return refuse("invalid_scope", "the client is registered for none of these scopes")
	}
	return nil
}

func readTarget(_ context.Context, p *parameters) *flow.Refusal {
	audience, err := p.oauth.Flow.Target(p.client, p.v["resource"])
	if err != nil {
		return refuse("invalid_target", "this resource is not to be had") // RFC 8707 §2
	}
	p.r.Audience = audience
	return nil
}

// readChallenge is RFC 7636 §4.3: S256 alone, since plain shows the verifier to whoever
// sees the request.
func readChallenge(_ context.Context, p *parameters) *flow.Refusal {
	challenge, method := p.v.Get("code_challenge"), p.v.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return invalid("code_challenge is missing")
	case challenge == "" && (p.client.Public || p.oauth.RequirePKCE):
		return invalid("code_challenge is required (PKCE, RFC 7636)")
	case challenge != "" && method != "S256":
		return invalid("code_challenge_method has to be S256")
	case challenge != "" && !isHash(challenge):
		return invalid("code_challenge is not the base64url of a SHA-256 hash")
	}
	p.r.Challenge = challenge
	if key := p.v.Get("dpop_jkt"); key != "" { // RFC 9449 §10
		if !isHash(key) {
			return invalid("dpop_jkt is not a thumbprint")
		}
		p.r.BoundKey = key
	}
	return nil
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" // RFC 4648 §5

// isHash tells whether a text can be the base64url of a SHA-256 hash.
func isHash(s string) bool {
	return len(s) == 43 && strings.Trim(s, base64url) == ""
}

func readPrompt(_ context.Context, p *parameters) *flow.Refusal {
	known := Prompts()
	for _, prompt := range strings.Fields(p.v.Get("prompt")) {
		if !slices.Contains(known, prompt) {
			return invalid("prompt is of none, login, consent and select_account")
		}
		p.r.Prompt = append(p.r.Prompt, prompt)
	}
	if p.r.Prompts(grant.PromptNone) && len(p.r.Prompt) > 1 { // OpenID Connect Core §3.1.2.1
		return invalid("prompt=none stands alone")
	}
	return nil
}

// Prompts are the values of prompt that there are, for discovery.
func Prompts() []string {
	return []string{grant.PromptNone, grant.PromptLogin, grant.PromptConsent, grant.PromptSelect}
}

func readAge(_ context.Context, p *parameters) *flow.Refusal {
	seconds := p.client.DefaultMaxAge
	if asked := p.v.Get("max_age"); asked != "" {
		n, err := strconv.ParseUint(asked, 10, 31)
		if err != nil {
			return invalid("max_age is a number of seconds")
		}
		s := int64(n)
		seconds = &s
	}
	if seconds != nil {
		age := time.Duration(*seconds) * time.Second
		p.r.MaxAge = &age
	}
	return nil
}

// readHints reads what helps and decides nothing, and the id_token_hint, which does.
func readHints(ctx context.Context, p *parameters) *flow.Refusal {
	if hint := p.v.Get("login_hint"); len(hint) <= maxHint {
		p.r.LoginHint = hint
	}
	p.r.Locales = few(p.v.Get("ui_locales"))
	p.r.ACR = few(p.v.Get("acr_values"))
	raw := p.v.Get("id_token_hint")
	if raw == "" {
		return nil
	}
	hint, err := p.oauth.Flow.Hint(ctx, raw)
	switch {
	case errors.Is(err, flow.ErrHint) || err == nil && hint.Client != p.client.ID:
		return invalid("id_token_hint is no ID token that was given to this client")
	case err != nil:
		p.err = err
		return invalid("")
	}
	p.r.Hint = hint.Subject
	return nil
}

// few are the first of a list of words.
func few(list string) []string {
	words := strings.Fields(list)
	return words[:min(len(words), 16)]
}

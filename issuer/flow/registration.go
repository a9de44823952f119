package flow

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier/jws"
)

// Errors of clients that register themselves. What can't be taken of what they say is a
// *client.InvalidError.
var (
	// ErrRegistrationClosed means that the operator registers clients.
	ErrRegistrationClosed = errors.New("clients are registered by the operator here")
	// ErrInitialToken means that an initial access token is needed (RFC 7591 §1.2),
	// or that this is none.
	ErrInitialToken = errors.New("an initial access token is needed")
	// ErrRegistrationToken means that a token isn't the client's registration access
	// token (RFC 7592 §2), or that there is no such client: it doesn't say which.
	ErrRegistrationToken = errors.New("not the registration access token of this client")
)

// Getter reads a document that a client names.
type Getter interface {
	Get(ctx context.Context, url, accept string) ([]byte, error)
}

// RegistrarConfig is what a Registrar is made of; all but Open and Tokens is required.
type RegistrarConfig struct {
	Open   bool     // anybody may register a client
	Tokens []string // initial access tokens; without Open and without any, nobody may

	Clients    client.Store
	Registry   *client.Registry
	Sessions   *session.Sessions
	Limits     *limit.Limiter
	Sectors    Getter                  // of sector_identifier_uri
	GrantTypes []string                // that there are
	Algorithms func() []keys.Algorithm // that sign now
	Now        func() time.Time
}

// Registrar lets clients register and manage themselves: RFC 7591, RFC 7592 and OpenID
// Connect Dynamic Client Registration 1.0. What gives power here is never taken from
// what they say: roles, audiences, consent left out, the password grant, and
// (but for who has an initial access token) a client's own tokens.
type Registrar struct {
	RegistrarConfig
	tokens [][sha256.Size]byte
}

// NewRegistrar returns a Registrar.
func NewRegistrar(c RegistrarConfig) *Registrar {
	r := &Registrar{RegistrarConfig: c}
	for _, token := range c.Tokens {
		r.tokens = append(r.tokens, sha256.Sum256([]byte(token)))
	}
	return r
}

// Bearer is who asks: with a token (empty: none), and from where.
type Bearer struct {
	Token string
	From  netip.Addr
}

// Registered is a client with what it is told this once.
type Registered struct {
	Client client.Client
	Secret string // empty: it has got no new one
	Token  string // the registration access token
}

// Enabled tells whether a client can register itself at all.
func (r *Registrar) Enabled() bool { return r.Open || len(r.tokens) > 0 }

// selfGrants are those that a client may give itself.
var selfGrants = []string{client.GrantAuthorizationCode, client.GrantRefreshToken}

// Register makes a client as it describes itself; describe is asked once it is known
// that it may. Its errors come back as they are.
func (r *Registrar) Register(ctx context.Context, by Bearer, describe func() (client.Client, error)) (Registered, error) {
	known, err := r.admit(ctx, by)
	if err != nil {
		return Registered{}, err
	}
	c, err := describe()
	if err != nil {
		return Registered{}, err
	}
	c.ID, c.Version, c.Created = id.NewClient(), 1, r.now()
	keep(&c, client.Client{Audiences: []string{}, Roles: []string{}})
	may := selfGrants
	if known {
		may = append([]string{client.GrantClientCredentials}, may...)
	}
	out := Registered{}
	var token client.Secret
	out.Token, token = client.NewRegistration(c.Created)
	c.Registration = &token
	out.Client, out.Secret, err = r.complete(ctx, c, may, grant.Scopes())
	if err != nil {
		return Registered{}, err
	}
	if err := r.Clients.Create(ctx, out.Client, r.event(ctx, audit.ClientCreated, c.ID)); err != nil {
		return Registered{}, err
	}
	return out, r.Registry.Refresh(ctx, c.ID)
}

// admit lets in who has an initial access token, and others where anybody may come.
func (r *Registrar) admit(ctx context.Context, by Bearer) (known bool, err error) {
	switch {
	case !r.Enabled():
		return false, ErrRegistrationClosed
	case by.Token != "" && r.knows(by.Token):
		return true, nil
	}
	if err := r.Limits.RegisterClient(ctx, by.From, r.now()); err != nil {
		return false, err
	}
	if by.Token != "" || !r.Open {
		return false, ErrInitialToken
	}
	return false, nil
}

// knows compares with every token to the end, so that time tells nothing.
func (r *Registrar) knows(token string) bool {
	presented, found := sha256.Sum256([]byte(token)), 0
	for i := range r.tokens {
		found |= subtle.ConstantTimeCompare(presented[:], r.tokens[i][:])
	}
	return found == 1
}

// Find returns the client that a registration access token manages, as it is stored.
func (r *Registrar) Find(ctx context.Context, name id.Client, by Bearer) (client.Client, error) {
	if !r.Enabled() {
		return client.Client{}, ErrRegistrationClosed
	}
	c, err := r.Registry.Get(ctx, name) // from memory: who only guesses doesn't reach the store
	if err == nil && c.Manages(by.Token, r.now()) {
		c, err = r.Clients.ByID(ctx, name)
	}
	switch {
	case err == nil && c.Manages(by.Token, r.now()):
		return c, nil
	case err != nil && !errors.Is(err, client.ErrNotFound):
		return client.Client{}, err
	}
	if err := r.Limits.ClientFailed(ctx, by.From, name, r.now()); err != nil {
		return client.Client{}, err
	}
	return client.Client{}, ErrRegistrationToken
}

// Replace makes a client what it describes itself to be from now on (RFC 7592 §2.2):
// what it leaves out it no longer is. What an operator gave it stays.
func (r *Registrar) Replace(ctx context.Context, name id.Client, by Bearer, describe func(old client.Client) (client.Client, error)) (Registered, error) {
	old, err := r.Find(ctx, name, by)
	if err != nil {
		return Registered{}, err
	}
	c, err := describe(old)
	if err != nil {
		return Registered{}, err
	}
	if c.Public != old.Public {
		return Registered{}, &client.InvalidError{Field: "token_endpoint_auth_method", Reason: "a client with a secret or keys stays one, and one without stays without; register another"}
	}
	c.ID, c.Version, c.Created, c.Secrets, c.Registration = old.ID, old.Version, old.Created, old.Secrets, old.Registration
	keep(&c, old)
	out := Registered{Token: by.Token}
	out.Client, out.Secret, err = r.complete(ctx, c, slices.Concat(selfGrants, old.Grants), slices.Concat(grant.Scopes(), old.Scopes))
	if err != nil {
		return Registered{}, err
	}
	if err := r.Clients.Save(ctx, out.Client, r.event(ctx, audit.ClientChanged, c.ID)); err != nil {
		return Registered{}, err
	}
	return out, r.Registry.Refresh(ctx, c.ID)
}

// Remove deletes a client at its own wish (RFC 7592 §2.3); its sessions end.
func (r *Registrar) Remove(ctx context.Context, name id.Client, by Bearer) error {
	c, err := r.Find(ctx, name, by)
	if err != nil {
		return err
	}
	ended, err := r.Clients.Delete(ctx, c.ID, r.event(ctx, audit.ClientDeleted, c.ID))
	if err != nil {
		return err
	}
	if err := r.Registry.Refresh(ctx, c.ID); err != nil {
		return err
	}
	return r.Sessions.Mark(ctx, ended)
}

// keep puts in the place of whatever c says of itself what only an operator gives.
func keep(c *client.Client, of client.Client) {
	c.Audiences, c.Roles, c.TokenAlg, c.Trusted = of.Audiences, of.Roles, of.TokenAlg, of.Trusted
}

// complete gives a client the secret that it needs and the algorithm that OpenID
// Connect says it has, and checks all of it.
func (r *Registrar) complete(ctx context.Context, c client.Client, grants, scopes []string) (client.Client, string, error) {
	secret := r.secret(&c)
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = r.algorithm()
	}
	if err := within("grant_types", c.Grants, grants); err != nil {
		return c, "", err
	}
	if err := within("scope", c.Scopes, scopes); err != nil {
		return c, "", err
	}
	if err := client.Validate(c, r.GrantTypes); err != nil {
		return c, "", err
	}
	if err := client.ValidateAlgorithms(c, r.algorithms()); err != nil {
		return c, "", err
	}
	return c, secret, r.sector(ctx, c)
}

// secret leaves a client the secrets that its method needs: none, or one that lives.
func (r *Registrar) secret(c *client.Client) (plain string) {
	if c.Public || c.AuthMethod == client.MethodPrivateKeyJWT {
		c.Secrets = nil
		return ""
	}
	if slices.ContainsFunc(c.Secrets, func(s client.Secret) bool { return s.Live(r.now()) }) {
		return ""
	}
	plain, fresh := client.NewSecret(r.now())
	c.Secrets = []client.Secret{fresh}
	return plain
}

// algorithm is the default of id_token_signed_response_alg (OpenID Connect Dynamic
// Client Registration §2), or the first there is, which the answer says (§3.2).
func (r *Registrar) algorithm() string {
	have := r.algorithms()
	if slices.Contains(have, string(keys.RS256)) || len(have) == 0 {
		return string(keys.RS256)
	}
	return have[0]
}

func (r *Registrar) algorithms() (names []string) {
	for _, alg := range r.Algorithms() {
		names = append(names, string(alg))
	}
	return names
}

func within(field string, asked, may []string) error {
	for _, s := range asked {
		if !slices.Contains(may, s) {
			return &client.InvalidError{Field: field, Reason: fmt.Sprintf("%.100q is not one of %s", s, strings.Join(slices.Compact(slices.Sorted(slices.Values(may))), " "))}
		}
	}
	return nil
}

// sector reads the document of a sector_identifier_uri, which must name every redirect
// (OpenID Connect Dynamic Client Registration §5). Nothing else comes of it: all
// subjects are public. What was wrong with the document isn't told to who named it.
func (r *Registrar) sector(ctx context.Context, c client.Client) error {
	if c.SectorIdentifierURI == "" {
		return nil
	}
	body, err := r.Sectors.Get(ctx, c.SectorIdentifierURI, "application/json")
	if err != nil {
		return errors.Join(badSector("can't be read"), err)
	}
	named, err := readSector(string(body))
	if err != nil {
		return errors.Join(badSector("is no JSON array of URLs"), err)
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(named, uri) {
			return badSector("doesn't name all redirect_uris")
		}
	}
	return nil
}

func readSector(body string) ([]string, error) {
	r := jws.NewReader(body)
	named := r.Strings(nil)
	return named, r.End()
}

func badSector(reason string) error {
	return &client.InvalidError{Field: "sector_identifier_uri", Reason: reason}
}

// event says that the client did it itself.
func (r *Registrar) event(ctx context.Context, kind audit.Kind, c id.Client) audit.Event {
	e := audit.New(ctx, kind, r.now())
	e.Actor, e.Client, e.Reason = string(c), c, "registration"
	return e
}

// now is in whole milliseconds, as engines keep it.
func (r *Registrar) now() time.Time { return r.Now().UTC().Truncate(time.Millisecond) }

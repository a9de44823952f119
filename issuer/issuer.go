package issuer

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/admin"
	"github.com/signet-oidc/signet/issuer/api"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/internal/metrics"
	"github.com/signet-oidc/signet/issuer/internal/outbound"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/issuer/token"
	"github.com/signet-oidc/signet/issuer/web"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

// AdminPath ends the audience of the admin face: <issuer>/admin.
const AdminPath = "/admin"

// Config is what an Issuer is made of.
type Config struct {
	Settings Settings         // validated (Settings.Validate)
	Backend  store.Backend    // migrated, every required member set
	Keeper   *keys.Keeper     // open
	Log      zerolog.Logger   // the zero value logs nothing
	Version  string           // as shown by signet version
	Now      func() time.Time // nil: time.Now
}

// Issuer is a token issuer: two handlers, and the loops behind them.
type Issuer struct {
	settings Settings
	backend  store.Backend
	keeper   *keys.Keeper
	log      zerolog.Logger
	now      func() time.Time
	metrics  *metrics.Metrics

	hasher   *account.Hasher
	people   *account.Service
	clients  *client.Registry
	sessions *session.Sessions
	bits     *session.Bits
	verifier *verifier.Verifier
	outside  outside // for every call to others
	follow   *follower
	healing  healing
	notifier *flow.Notifier
	ended    nudge // sessions have, so that there may be notices

	api   *api.API
	oauth *oauth.OAuth
	admin *admin.Admin
	web   *web.Web

	public, operations http.Handler
}

// New wires an issuer, and reads what every request will need: clients, status
// bits and the place in the changes feed. Nothing runs behind it before Run.
func New(ctx context.Context, c Config) (*Issuer, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	i := &Issuer{
		settings: c.Settings, backend: c.Backend, keeper: c.Keeper, log: c.Log, now: c.Now,
		metrics: metrics.New(c.Version), bits: session.NewBits(), ended: make(nudge, 1),
	}
	if err := i.nouns(); err != nil {
		return nil, err
	}
	if err := i.faces(); err != nil {
		return nil, err
	}
	if err := i.route(); err != nil {
		return nil, err
	}
	i.measure()
	i.follow = &follower{issuer: i}
	if err := i.follow.begin(ctx); err != nil {
		return nil, fmt.Errorf("read what is: %w", err)
	}
	return i, nil
}

// Public is the handler of the public address.
func (i *Issuer) Public() http.Handler { return i.public }

// Operations is the handler of the second address: admin, health, metrics. Only
// health and metrics are open.
func (i *Issuer) Operations() http.Handler { return i.operations }

// audiences are what first-party logins may ask for; the first is the default.
func (i *Issuer) audiences() []string {
	if len(i.settings.Audience) > 0 {
		return i.settings.Audience
	}
	return []string{i.settings.Issuer}
}

// nouns makes what holds the rules.
func (i *Issuer) nouns() (err error) {
	s := i.settings
	if i.outside, err = i.newOutside(); err != nil {
		return err
	}
	i.hasher, err = account.NewHasher(account.HasherConfig{
		Cost: s.BcryptCost, Workers: s.HashWorkers, Queue: s.HashQueue, Deadline: s.HashDeadline, Waited: i.metrics.HashWait,
	})
	if err != nil {
		return err
	}
	i.people, err = account.New(account.Config{
		Store: i.backend.Accounts, Hasher: i.hasher, Policy: s.PasswordPolicy(), Rehasher: i.backend.Accounts, Now: i.now,
	})
	if err != nil {
		return err
	}
	i.clients = client.NewRegistry(i.backend.Clients, client.Builtin(i.audiences()))
	i.sessions = session.New(session.Config{
		Issuer: s.Issuer, Keys: refreshKeys{i.keeper, i.now}, Ledger: heard(i.backend.Ledger, i.ended), Logins: i.backend.Logins, Indices: i.backend.Indices,
		Generations: i.backend.Generations, Settler: i.backend.Settler, Audit: i.backend.Audit, Bits: i.bits,
		Idle: s.RefreshTTL, Absolute: s.SessionTTL, Window: s.RefreshRetryWindow, Now: i.now,
	})
	return nil
}

// algorithm signs where a client has no other: the first of the settings that may sign.
// One that was just added may not until every verifier can know its keys; where all are,
// the one that was dropped goes on until then.
func (i *Issuer) algorithm() keys.Algorithm {
	ring, now := i.keeper.Ring(), i.now()
	for _, alg := range i.settings.KeyAlgs {
		if _, err := ring.Signer(keys.Algorithm(alg), now); err == nil {
			return keys.Algorithm(alg)
		}
	}
	if left := ring.Algorithms(now); len(left) > 0 {
		return left[0]
	}
	return keys.Algorithm(i.settings.KeyAlgs[0])
}

// faces makes what is seen over HTTP, and the flow they share.
func (i *Issuer) faces() (err error) {
	s := i.settings
	i.verifier, err = i.newVerifier()
	if err != nil {
		return err
	}
	minter := token.NewMinter(s.Issuer, func() token.Ring { return i.keeper.Ring() })
	limits := limit.New(i.backend.Limits, limit.Config{LoginPerAddress: s.LoginRate, LoginPerAccount: s.LoginRateAccount})
	f := flow.New(flow.Config{
		Accounts: i.people, Users: i.backend.Accounts, Clients: i.clients, Limits: limits, Sessions: i.sessions,
		Grants: grant.Waiting{Store: i.backend.Waiting, Recent: grant.NewRecent()}, Consents: i.backend.Consents,
		Devices: limit.Devices{Issuer: s.Issuer, Keys: refreshKeys{i.keeper, i.now}},
		Minter:  minter, Audit: i.backend.Audit, Tokens: i.verifier, HintKeys: hintKeys{i.keeper, i.now},
		ClientKeys: i.clientKeys(), Issuer: s.Issuer, Audiences: i.audiences(),
		AdminAudience: s.AdminAudience(), Algorithm: i.algorithm, AccessTTL: s.AccessTTL, Registration: s.Registration == "open", Now: i.now,
	})
	i.notifier = &flow.Notifier{
		Flow: f, Notices: i.backend.Notices, Report: i.told,
		Poster: i.outside.operators.For(outbound.ForLogout), Registered: i.outside.registered.For(outbound.ForLogout),
	}
	lists := &flow.StatusLists{Bits: i.bits, Minter: minter, Algorithm: i.algorithm, Life: s.AccessTTL, Now: i.now}
	i.api = api.New(f, client.Builtin(i.audiences()))
	proofs, err := oauth.NewProofs(oauth.ProofConfig{Issuer: s.Issuer, Keys: refreshKeys{i.keeper, i.now}, Once: grant.Waiting{Store: i.backend.Waiting}, Now: i.now})
	if err != nil {
		return err
	}
	i.web = web.New(web.Config{
		Issuer: s.Issuer, Flow: f, Registration: s.Registration == "open", PasswordMin: s.PasswordMin,
		Brand: web.Brand{Name: s.BrandName, Logo: s.BrandLogo, Color: s.BrandColor}, Now: i.now,
	})
	i.oauth = oauth.New(oauth.Config{
		Pages: i.web, Locales: web.Locales(),
		Proofs: proofs, Waiting: grant.Waiting{Store: i.backend.Waiting},
		Issuer: s.Issuer, Flow: f, Clients: i.clients, Throttle: limits, Lists: lists, Registrar: i.registrar(limits), Ring: i.keeper.Ring, Now: i.now,
		RequirePKCE: s.RequirePKCE,
	})
	i.admin = admin.New(admin.Config{
		Verifier: i.verifier, Door: f, Keys: i.keeper, People: i.people, Users: i.backend.Accounts,
		Clients: i.backend.Clients, Registry: i.clients, Grants: oauth.Grants(), Sessions: i.sessions,
		Ledger: i.backend.Ledger, Events: i.backend.Audit, Now: i.now,
	})
	return nil
}

// registrar lets clients register themselves, as far as the settings do.
func (i *Issuer) registrar(limits *limit.Limiter) *flow.Registrar {
	c := flow.RegistrarConfig{
		Open: i.settings.ClientRegistration == "open", Tokens: i.settings.InitialAccessToken, Clients: i.backend.Clients, Registry: i.clients,
		Sessions: i.sessions, Limits: limits, Sectors: i.outside.registered.For(outbound.ForSector), GrantTypes: oauth.Grants(), Now: i.now,
		Algorithms: func() []keys.Algorithm { return i.keeper.Ring().Algorithms(i.now()) },
	}
	if mode := i.settings.ClientRegistration; mode != "open" && mode != "token" {
		c.Tokens = nil
	}
	return flow.NewRegistrar(c)
}

// newVerifier is our own verifier for the admin face, fed in process: its keys are
// the ring and its status the bits, not a poll. It takes tokens of every algorithm: a
// key that is published is trusted, also if the settings no longer name its algorithm.
func (i *Issuer) newVerifier() (*verifier.Verifier, error) {
	return verifier.New(context.Background(), verifier.Config{ // it starts nothing that a context would end
		Issuer: i.settings.Issuer, Audience: i.settings.AdminAudience(), Algorithms: everyAlgorithm(),
		Keys: ringKeys{i.keeper, i.now}, Status: ownStatus{i.bits, i.settings.Issuer}, Now: i.now,
	})
}

// everyAlgorithm names all that keys can sign with, whatever the settings name.
func everyAlgorithm() (names []string) {
	for _, alg := range keys.Algorithms() {
		names = append(names, string(alg))
	}
	return names
}

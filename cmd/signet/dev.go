package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/keys/secret"
)

// Who is there in `signet dev`. The passwords are public, which is one reason why dev listens on loopback alone.
const (
	demoUser      = "demo@example.com"
	demoAdmin     = "admin@example.com"
	demoPassword  = "password123"
	demoClient    = id.Client("demo")
	demoScope     = "read"
	demoState     = "dev.json" // in the data directory: the demo client's secret
	devBcryptCost = 10         // half a tenth of a second: fast enough to play with, and the least that Signet takes
)

type devCmd struct {
	settingsFlags
	DemoAddr string `default:"127.0.0.1:8082" help:"Address of the demo API."`
}

// Run serves with everything that a first look needs, until a signal.
func (c *devCmd) Run(a *app) (err error) {
	if err := c.onlyLoopback(); err != nil {
		return err
	}
	if c.Settings.TLSCert != "" || c.Settings.TLSKey != "" {
		return errors.New("dev speaks plain HTTP on loopback: leave out SIGNET_TLS_CERT and SIGNET_TLS_KEY, or use signet serve")
	}
	demo, err := listen(a.ctx, "demo-addr", c.DemoAddr)
	if err != nil {
		return err
	}
	defer closeAll(demo)
	if a.sources.origin["log_level"] == "" {
		c.Settings.LogLevel = "warn" // the demo API's polls would push the commands out of sight
	}
	s := &server{log: newLogger(a.stderr, c.Settings.LogLevel), settings: c.Settings}
	if err := s.prepareDev(a, demo); err != nil {
		return s.abandon(err)
	}
	secret, err := s.furnish(a, localURL(demo))
	if err != nil {
		return s.abandon(err)
	}
	api, err := newDemo(a.ctx, s.settings.Issuer, s.settings.Audience[0], localURL(demo))
	if err != nil {
		return s.abandon(err)
	}
	defer api.close()
	t := tour{Issuer: s.settings.Issuer, Operations: endpoint{listener: s.admin}.url(), Demo: localURL(demo), ClientSecret: secret}
	if err := t.write(a.stdout); err != nil {
		return s.abandon(err)
	}
	return s.run(a.ctx, endpoint{name: "demo", listener: demo, handler: api.handler()})
}

// onlyLoopback refuses what others could reach: everybody knows the demo passwords.
func (c *devCmd) onlyLoopback() error {
	for flag, addr := range map[string]string{"addr": c.Settings.Addr, "admin-addr": c.Settings.AdminAddr, "demo-addr": c.DemoAddr} {
		host, _, err := net.SplitHostPort(addr)
		if ip, parseErr := netip.ParseAddr(host); err != nil || (host != "localhost" && (parseErr != nil || !ip.IsLoopback())) {
			return fmt.Errorf("--%s %q: dev listens on loopback alone, because its passwords are public; write 127.0.0.1:PORT, or use signet serve", flag, addr)
		}
	}
	return nil
}

// prepareDev opens the addresses, settles the settings by them, and opens the rest.
func (s *server) prepareDev(a *app, demo net.Listener) error {
	if err := s.listen(a.ctx); err != nil {
		return err
	}
	s.settle(a.sources, demo)
	if err := s.settings.Validate(); err != nil {
		return err
	}
	if err := s.devSealKey(); err != nil {
		return err
	}
	return s.open(a.ctx)
}

// settle gives settings that nobody gave the value that dev wants.
func (s *server) settle(given *sources, demo net.Listener) {
	free := func(key string) bool { return given.origin[key] == "" }
	if free("issuer") {
		s.settings.Issuer = localURL(s.public)
	}
	if free("audience") {
		s.settings.Audience = []string{localURL(demo)}
	}
	if free("password_blocklist") {
		s.settings.PasswordBlocklist = false // password123 is on it
	}
	if free("bcrypt_cost") {
		s.settings.BcryptCost = devBcryptCost
	}
}

// localURL names localhost: browsers and curl treat it as secure, so that cookies work without TLS.
func localURL(l net.Listener) string {
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "http://" + l.Addr().String()
	}
	return "http://localhost:" + port
}

// devSealKey makes a seal key at the first start.
func (s *server) devSealKey() error {
	if len(s.settings.SealKey) > 0 {
		return nil
	}
	if err := makeDataDir(s.settings.DataDir); err != nil {
		return err
	}
	key := secret.GenerateKey().Base64().Reveal()
	if err := writeOnce(filepath.Join(s.settings.DataDir, sealFile), key+"\n"); err != nil {
		return fmt.Errorf("keep the seal key: %w", err)
	}
	s.settings = withDevSealKey(s.settings)
	return nil
}

// writeOnce makes a file, whole, unless it is there: a seal key must never be replaced, nor cut off half-way.
func writeOnce(path, text string) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // its other name stays
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w; choose another with --data-dir (SIGNET_DATA_DIR)", err)
	}
	return nil
}

// furnish makes the demo people and the demo client where they aren't there yet, and returns the client's secret.
func (s *server) furnish(a *app, demo string) (string, error) {
	ctx := asOperator(a.ctx)
	hasher, err := account.NewHasher(account.HasherConfig{Cost: s.settings.BcryptCost, Deadline: time.Minute})
	if err != nil {
		return "", err
	}
	service, err := account.New(account.Config{Store: s.engines.backend.Accounts, Hasher: hasher, Policy: s.settings.PasswordPolicy()})
	if err != nil {
		return "", err
	}
	for email, roles := range map[string][]string{demoUser: nil, demoAdmin: {"admin"}} {
		_, err := service.CreateWithRoles(ctx, email, demoPassword, roles)
		if err != nil && !errors.Is(err, account.ErrExists) {
			return "", fmt.Errorf("make %s: %w", email, err)
		}
	}
	if err := s.furnishApp(ctx, demo, a.now()); err != nil {
		return "", err
	}
	return s.furnishClient(ctx, a.now())
}

// furnishApp makes the client of the demo app, or gives it the address that the app has this time.
func (s *server) furnishApp(ctx context.Context, demo string, now time.Time) error {
	store := s.engines.backend.Clients
	c := client.Client{
		ID: demoAppClient, Name: "Demo app", Public: true, Grants: []string{client.GrantAuthorizationCode, client.GrantRefreshToken},
		Scopes: []string{"openid", "profile", "email", "roles"}, Audiences: s.settings.Audience, Roles: []string{}, RedirectURIs: []string{demo + "/callback"},
		Metadata: client.Metadata{PostLogoutRedirectURIs: []string{demo + "/"}}, Created: now.UTC().Truncate(time.Millisecond),
	}
	if err := client.Validate(c, oauth.Grants()); err != nil {
		return err
	}
	found, err := store.ByID(ctx, c.ID)
	switch {
	case errors.Is(err, client.ErrNotFound):
		return store.Create(ctx, c, clientEvent(ctx, audit.ClientCreated, c.ID, now))
	case err != nil || slices.Equal(found.RedirectURIs, c.RedirectURIs) && slices.Equal(found.Audiences, c.Audiences):
		return err
	}
	c.Version, c.Created = found.Version, found.Created
	return store.Save(ctx, c, clientEvent(ctx, audit.ClientChanged, c.ID, now))
}

// furnishClient keeps the demo client's secret in the data directory, and gives it a new one where that was lost.
func (s *server) furnishClient(ctx context.Context, now time.Time) (string, error) {
	store, path := s.engines.backend.Clients, filepath.Join(s.settings.DataDir, demoState)
	found, err := store.ByID(ctx, demoClient)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return "", err
	}
	exists := err == nil
	if kept := keptSecret(path); exists && found.Matches(kept, now) {
		return kept, nil
	}
	plain, fresh := client.NewSecret(now.UTC().Truncate(time.Millisecond))
	if err := keepSecret(path, plain); err != nil {
		return "", err
	}
	if exists {
		found.Secrets = []client.Secret{fresh}
		return plain, store.Save(ctx, found, clientEvent(ctx, audit.ClientChanged, demoClient, now))
	}
	made := newDemoClient(s.settings, fresh)
	if err := client.Validate(made, oauth.Grants()); err != nil {
		return "", err
	}
	return plain, store.Create(ctx, made, clientEvent(ctx, audit.ClientCreated, demoClient, now))
}

func newDemoClient(s issuer.Settings, fresh client.Secret) client.Client {
	return client.Client{
		ID: demoClient, Name: "Demo", Secrets: []client.Secret{fresh}, Grants: []string{client.GrantClientCredentials},
		Scopes: []string{demoScope}, Audiences: s.Audience, Roles: []string{}, Created: fresh.Created,
	}
}

// kept is the form of dev.json.
type kept struct {
	ClientID     id.Client `json:"client_id"`
	ClientSecret string    `json:"client_secret"`
}

func keptSecret(path string) string {
	var k kept
	b, err := readBounded(path, maxSecret)
	if err != nil || json.Unmarshal(b, &k) != nil {
		return "" // a new one is made
	}
	return k.ClientSecret
}

func keepSecret(path, plain string) error {
	if err := makeDataDir(filepath.Dir(path)); err != nil { // it needn't exist with a database elsewhere
		return err
	}
	b, err := json.Marshal(kept{demoClient, plain})
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/keys"
)

type serveCmd struct{ settingsFlags }

// Run serves until a signal.
func (c *serveCmd) Run(a *app) error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	s, err := prepare(a, c.Settings)
	if err != nil {
		return err
	}
	return s.run(a.ctx)
}

// server is all that `serve` and `dev` run.
type server struct {
	settings      issuer.Settings
	log           zerolog.Logger
	public, admin net.Listener
	tls           *tls.Config // of the public address; nil: plain HTTP
	engines       *engines
	issuer        *issuer.Issuer
}

// prepare opens the addresses and the engines and makes the issuer.
func prepare(a *app, settings issuer.Settings) (*server, error) {
	s := &server{settings: settings, log: newLogger(a.stderr, settings.LogLevel)}
	var err error
	if s.tls, err = openTLS(settings, s.log); err != nil {
		return nil, err
	}
	if err := s.listen(a.ctx); err != nil {
		return nil, s.abandon(err)
	}
	if err := s.open(a.ctx); err != nil {
		return nil, s.abandon(err)
	}
	return s, nil
}

func (s *server) listen(ctx context.Context) (err error) {
	if s.public, err = listen(ctx, "addr", s.settings.Addr); err != nil {
		return err
	}
	s.admin, err = listen(ctx, "admin-addr", s.settings.AdminAddr)
	return err
}

// open opens the engines and the key ring, and makes the issuer. The seal key is asked for first: without it nothing is
// touched.
func (s *server) open(ctx context.Context) (err error) {
	seal, err := sealKeys(s.settings)
	if err != nil {
		return err
	}
	if s.engines, err = openEngines(ctx, s.settings, s.log); err != nil {
		return err
	}
	keeper, err := keys.Open(ctx, keys.Config{
		Store: s.engines.backend.Keys, SealKeys: seal, Policy: s.settings.KeyPolicy(), Hooks: s.keyHooks(),
	})
	if err != nil {
		return err
	}
	s.issuer, err = issuer.New(ctx, issuer.Config{
		Settings: s.settings, Backend: s.engines.backend, Keeper: keeper, Log: s.log, Version: version(),
	})
	return err
}

// keyHooks put every change of the ring into the log.
func (s *server) keyHooks() keys.Hooks {
	return keys.Hooks{
		Changed: func(c keys.Change) {
			s.log.Info().Str("kind", c.Kind).Str("actor", c.Actor).Str("reason", c.Reason).Strs("keys", c.KIDs).Msg("the key ring was changed")
		},
		Failed: s.keyFailure(),
	}
}

// keyFailure logs one failure in ten seconds: the ring is looked at every second, and readiness says it too.
func (s *server) keyFailure() func(string, error) {
	const every = 10 * time.Second
	var last time.Time // used by the keeper's one loop
	return func(op string, err error) {
		if now := time.Now(); now.Sub(last) >= every {
			last = now
			s.log.Error().Err(err).Str("op", op).Msg("the key ring can't be followed; it is tried again")
		}
	}
}

// run serves until ctx ends, with further endpoints beside the issuer's.
func (s *server) run(ctx context.Context, more ...endpoint) error {
	public := endpoint{name: "public", listener: s.public, handler: s.issuer.Public(), tls: s.tls}
	if s.tls != nil {
		public.handler = withHSTS(s.settings.Issuer, public.handler)
	}
	endpoints := append([]endpoint{public, {name: "operations", listener: s.admin, handler: s.issuer.Operations()}}, more...)
	s.log.Info().Str("version", version()).Str("issuer", s.settings.Issuer).Str("public", endpoints[0].url()).
		Str("operations", endpoints[1].url()).Msg("serving")
	err := serveUntil(ctx, s.log, endpoints, s.issuer.Run)
	if err == nil {
		s.log.Info().Msg("stopped")
	}
	return s.abandon(err)
}

// abandon closes everything that is open.
func (s *server) abandon(err error) error {
	closeAll(s.public, s.admin)
	if s.engines == nil {
		return err
	}
	return errors.Join(err, s.engines.close())
}

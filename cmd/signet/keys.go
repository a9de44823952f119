package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer"
	"github.com/signet-oidc/signet/issuer/store/sql"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

type keysCmd struct {
	List    keysList    `cmd:"" help:"List every key, its state and its next step."`
	Rotate  keysRotate  `cmd:"" help:"Let the standby sign, and make the next standby."`
	Revoke  keysRevoke  `cmd:"" help:"Take a key out of the JWKS at once; it is trusted for nothing from then on."`
	Import  keysImport  `cmd:"" help:"Take in a key that was made elsewhere, from standard input."`
	Export  keysExport  `cmd:"" help:"Print the published public keys."`
	Reseal  keysReseal  `cmd:"" help:"Seal every private key with the first seal key."`
	SealKey keysSealKey `cmd:"" help:"Print a fresh seal key."`
}

// sealFile holds the seal key that `signet dev` made, in the data directory.
const sealFile = "seal.key"

// errNoSealKey says how to get one.
var errNoSealKey = errors.New("SIGNET_SEAL_KEY is not set: private keys are kept sealed with it. Make one with `openssl rand -base64 32` or `signet keys seal-key`, keep it apart from the database and its backups, and give it as SIGNET_SEAL_KEY or in a file as SIGNET_SEAL_KEY_FILE")

// sealKeys are those of the settings.
func sealKeys(s issuer.Settings) ([]secret.Key, error) {
	if len(s.SealKey) == 0 {
		return nil, noSealKey(s)
	}
	return secret.ParseSealKeys(strings.Join(s.SealKey, ","))
}

func noSealKey(s issuer.Settings) error {
	made := filepath.Join(s.DataDir, sealFile)
	if _, err := os.Stat(made); err != nil {
		return errNoSealKey
	}
	return fmt.Errorf("%w (`signet dev` has made one for this data directory: SIGNET_SEAL_KEY_FILE=%s)", errNoSealKey, made)
}

// withDevSealKey falls back on the seal key that `signet dev` made; the commands that look after its keys work
// without further ado, and a server doesn't.
func withDevSealKey(s issuer.Settings) issuer.Settings {
	if len(s.SealKey) > 0 {
		return s
	}
	if b, err := readBounded(filepath.Join(s.DataDir, sealFile), maxSecret); err == nil {
		s.SealKey = []string{dropLineEnd(string(b))}
	}
	return s
}

// withKeeper runs f on the ring of the settings' database. The ring isn't fitted to these settings, which may not be
// the servers'; where there is none yet, it is made.
func withKeeper(a *app, s issuer.Settings, f func(context.Context, *keys.Keeper) error) error {
	s = withDevSealKey(s)
	seal, err := sealKeys(s)
	if err != nil {
		return err
	}
	return withDatabase(a, s, func(ctx context.Context, db *sql.DB) error {
		config := keys.Config{Store: db.Backend().Keys, SealKeys: seal, Policy: s.KeyPolicy(), Now: a.now, Visit: true}
		keeper, err := keys.Open(ctx, config)
		if errors.Is(err, keys.ErrNoRing) {
			config.Visit = false
			keeper, err = keys.Open(ctx, config)
		}
		if err != nil {
			return err
		}
		return f(ctx, keeper)
	})
}

// actor is who the audit says it was.
const actor = "cli"

type keysList struct {
	settingsFlags
	JSON bool `name:"json" help:"Print JSON."`
}

// keyList is what keys list --json prints.
type keyList struct {
	Keys    []keys.Info        `json:"keys"`
	Refresh []keys.RefreshInfo `json:"refresh_keys"`
}

// Run lists the ring.
func (c *keysList) Run(a *app) error {
	return withKeeper(a, c.Settings, func(_ context.Context, k *keys.Keeper) error {
		list := keyList{k.Ring().List(a.now()), k.Ring().RefreshKeys()}
		if c.JSON {
			return writeJSON(a.stdout, list)
		}
		return list.print(a)
	})
}

func (l keyList) print(a *app) error {
	t := newTable(a.stdout, "KEY", "ALG", "STATE", "CREATED", "NEXT STEP", "AT")
	for _, k := range l.Keys {
		t.row(k.KID, k.Alg, k.State, instant(k.Created), orDash(k.Next), instant(k.NextAt))
	}
	for _, r := range l.Refresh {
		next := ""
		if !r.Forget.IsZero() {
			next = "forget"
		}
		t.row(refreshName(r.ID), "refresh", r.State, instant(r.Created), orDash(next), instant(r.Forget))
	}
	return t.Flush()
}

// refreshPrefix tells a refresh key from a kid.
const refreshPrefix = "refresh:"

func refreshName(n uint32) string { return refreshPrefix + strconv.FormatUint(uint64(n), 10) }

type keysRotate struct {
	settingsFlags
	Alg     string `placeholder:"ALG" help:"Only the ring of this algorithm. Default: all."`
	Refresh bool   `help:"Rotate the key that authenticates refresh tokens instead; tokens that are out stay good."`
	Force   bool   `help:"Also if some verifier can't know the next key yet, and will refuse its tokens."`
	DryRun  bool   `help:"Print the timeline and change nothing."`
	Reason  string `help:"Why, for the audit."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Run rotates.
func (c *keysRotate) Run(a *app) error {
	if c.Refresh && (c.DryRun || c.Alg != "") {
		return usageError("--refresh goes with neither --alg nor --dry-run")
	}
	return withKeeper(a, c.Settings, func(ctx context.Context, k *keys.Keeper) error {
		if c.Refresh {
			return c.refresh(ctx, a, k)
		}
		t, err := k.Rotate(ctx, keys.RotateRequest{
			Alg: keys.Algorithm(c.Alg), Force: c.Force, DryRun: c.DryRun, Reason: c.Reason, Actor: actor,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, t)
		}
		return c.print(a, t)
	})
}

func (c *keysRotate) refresh(ctx context.Context, a *app, k *keys.Keeper) error {
	res, err := k.RotateRefreshKey(ctx, c.Force, c.Reason, actor)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(a.stdout, res)
	}
	_, err = fmt.Fprintf(a.stdout, "%s authenticates new refresh tokens\n", refreshName(res.Minting))
	return err
}

func (c *keysRotate) print(a *app, t keys.Timeline) error {
	if t.DryRun {
		_, _ = fmt.Fprintln(a.stdout, "Dry run: nothing was changed.")
	}
	w := newTable(a.stdout, "ALG", "KEY", "SIGNS FROM", "RETIRES", "PUBLISHED UNTIL", "NEXT STANDBY", "NEXT ROTATION SAFE")
	for _, s := range t.Steps {
		w.row(s.Alg, s.KID, instant(s.Activate), orDash(s.Old), instant(s.Remove), orDash(s.Standby), instant(s.NextSafe))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, s := range t.Steps {
		if s.Forced {
			_, _ = fmt.Fprintf(a.stderr, "%s was forced: verifiers that don't know key %s may refuse what it signs until %s.\n", s.Alg, s.KID, instant(s.Known))
		}
	}
	return nil
}

type keysRevoke struct {
	settingsFlags
	Key    string `arg:"" name:"kid" help:"The key (behind -- if it begins with a dash); refresh:ID, or refresh:all, which ends every session of the issuer."`
	Reason string `help:"Why, for the audit."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run revokes a key. It is always obeyed.
func (c *keysRevoke) Run(a *app) error {
	return withKeeper(a, c.Settings, func(ctx context.Context, k *keys.Keeper) error {
		if which, ok := strings.CutPrefix(c.Key, refreshPrefix); ok {
			return c.refresh(ctx, a, k, which)
		}
		res, err := k.Revoke(ctx, c.Key, c.Reason, actor)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, res)
		}
		return printRevoked(a, res)
	})
}

func (c *keysRevoke) refresh(ctx context.Context, a *app, k *keys.Keeper, which string) error {
	res, err := revokeRefresh(ctx, k, which, c.Reason)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(a.stdout, res)
	}
	_, err = fmt.Fprintf(a.stdout, "revoked: %d; %s authenticates new refresh tokens\n", len(res.Revoked), refreshName(res.Minting))
	return err
}

func revokeRefresh(ctx context.Context, k *keys.Keeper, which, reason string) (keys.RefreshResult, error) {
	if which == "all" {
		return k.RevokeAllRefreshKeys(ctx, reason, actor)
	}
	n, err := strconv.ParseUint(which, 10, 32)
	if err != nil {
		return keys.RefreshResult{}, usageError("write refresh:ID, with an ID that keys list prints, or refresh:all")
	}
	return k.RevokeRefreshKey(ctx, uint32(n), reason, actor)
}

func printRevoked(a *app, res keys.RevokeResult) error {
	t := newTable(a.stdout, "revoked", res.KID)
	t.row("was", res.Was)
	t.row("verifiers may trust it until", instant(res.TrustedUntil))
	t.row("signs in its stead", cmp.Or(res.Successor, "-"))
	if res.SuccessorKnown.After(time.Time{}) {
		t.row("verifiers may not know that until", instant(res.SuccessorKnown))
	}
	return t.Flush()
}

type keysSealKey struct{}

// Run prints a key and nothing else.
func (keysSealKey) Run(a *app) error {
	_, err := fmt.Fprintln(a.stdout, secret.GenerateKey().Base64().Reveal())
	return err
}

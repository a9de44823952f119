package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/signet-oidc/signet/keys"
)

type keysImport struct {
	settingsFlags
	As        string        `enum:"retired,standby,active" default:"retired" help:"What it becomes: retired (it only verifies), standby (it signs next) or active (it signs as soon as every verifier can know it)."`
	Alg       string        `placeholder:"ALG" help:"Its algorithm. Default: what the key says, or what goes with it."`
	KID       string        `name:"kid" help:"What tokens call it. Default: the JWK's kid, else its thumbprint."`
	TokenLife time.Duration `help:"How long tokens that it signed elsewhere may still live, if longer than ours."`
	Force     bool          `help:"Let an active key sign at once: for one whose public part was published elsewhere before."`
	Reason    string        `help:"Why, for the audit."`
	JSON      bool          `name:"json" help:"Print JSON."`
}

// Run reads a PEM block or a JWK from standard input: a private key must not stand in an argument.
func (c *keysImport) Run(a *app) error {
	text, err := readInput(a.stdin)
	if err != nil {
		return err
	}
	return withKeeper(a, c.Settings, func(ctx context.Context, k *keys.Keeper) error {
		res, err := k.Import(ctx, keys.ImportRequest{
			Key: []byte(text), Alg: keys.Algorithm(c.Alg), KID: c.KID, As: keys.State(c.As), TokenLife: c.TokenLife,
			Force: c.Force, Reason: c.Reason, Actor: actor,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, res)
		}
		return printImported(a, res)
	})
}

func printImported(a *app, res keys.ImportResult) error {
	t := newTable(a.stdout, "imported", res.KID)
	t.row("alg", res.Alg)
	t.row("state", res.As)
	t.row("signs from", instant(res.Activate))
	t.row("published until", instant(res.Remove))
	t.row("takes the place of", orDash(res.Replaced))
	return t.Flush()
}

type keysExport struct {
	settingsFlags
	KID string `arg:"" optional:"" name:"kid" help:"Only this key."`
	PEM bool   `name:"pem" help:"Print PEM instead of a JWK set."`
}

// Run prints public keys. Private ones never leave the ring.
func (c *keysExport) Run(a *app) error {
	return withKeeper(a, c.Settings, func(_ context.Context, k *keys.Keeper) error {
		all, err := k.Ring().Export(c.KID, a.now())
		if err != nil {
			return err
		}
		if c.PEM {
			return writePEM(a.stdout, all)
		}
		set := struct {
			Keys []json.RawMessage `json:"keys"` // RFC 7517 §5
		}{Keys: []json.RawMessage{}}
		for _, x := range all {
			set.Keys = append(set.Keys, x.JWK)
		}
		return writeJSON(a.stdout, set)
	})
}

// writePEM names each key before its block; what stands outside the blocks is no part of PEM (RFC 7468 §2).
func writePEM(w io.Writer, all []keys.Exported) error {
	for _, x := range all {
		if _, err := fmt.Fprintf(w, "%s %s\n%s", x.Alg, x.KID, x.PEM); err != nil {
			return err
		}
	}
	return nil
}

type keysReseal struct {
	settingsFlags
	Reason string `help:"Why, for the audit."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run seals anew. The old seal key stands behind the new one in SIGNET_SEAL_KEY until it is done everywhere.
func (c *keysReseal) Run(a *app) error {
	return withKeeper(a, c.Settings, func(ctx context.Context, k *keys.Keeper) error {
		res, err := k.Reseal(ctx, c.Reason, actor)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(a.stdout, res)
		}
		_, err = fmt.Fprintf(a.stdout, "sealed with %s: %d now, %d before; other keys may leave SIGNET_SEAL_KEY\n", res.SealedWith, len(res.Resealed), res.Already)
		return err
	})
}

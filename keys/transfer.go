package keys

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"
)

// Exported is the public part of a key.
type Exported struct {
	KID string          `json:"kid"`
	Alg Algorithm       `json:"alg"`
	JWK json.RawMessage `json:"jwk"`
	PEM string          `json:"pem"` // PKIX
}

// Export returns the public parts of the published keys at now, in the order of the JWKS; of one kid where that isn't
// empty. ErrUnknownKey.
func (r *Ring) Export(kid string, now time.Time) ([]Exported, error) {
	var out []Exported
	for _, e := range r.published(now) {
		if kid != "" && e.record.KID != kid {
			continue
		}
		x, err := e.export()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	if kid != "" && len(out) == 0 {
		return nil, fmt.Errorf("export: %w: %.128q", ErrUnknownKey, kid)
	}
	return out, nil
}

func (e publicEntry) export() (Exported, error) {
	jwk, err := json.Marshal(e.jwk)
	if err != nil {
		return Exported{}, fmt.Errorf("export %s: %w", e.record.KID, err)
	}
	der, err := x509.MarshalPKIXPublicKey(e.key)
	if err != nil {
		return Exported{}, fmt.Errorf("export %s: %w", e.record.KID, err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return Exported{KID: e.record.KID, Alg: e.record.Alg, JWK: jwk, PEM: string(text)}, nil
}

// ResealResult says what Reseal did.
type ResealResult struct {
	SealedWith string   `json:"sealed_with"`        // fingerprint of the first seal key
	Resealed   []string `json:"resealed,omitempty"` // kids, and refresh keys as "refresh:" and their id
	Already    int      `json:"already"`            // sealed with it before
}

// Reseal seals every private part with the first seal key. It is one write: replicas that still have the old key first
// open both. Once it is done everywhere, the old key may leave SIGNET_SEAL_KEY. A second time there is nothing to do.
//
// In order: put the new key first in SIGNET_SEAL_KEY and the old one after it, on every replica; reseal; take the old one
// out.
func (k *Keeper) Reseal(ctx context.Context, reason, actor string) (ResealResult, error) {
	var res ResealResult
	err := k.change(ctx, func(d *document, _ time.Time, _ *maker) (c *Change, err error) {
		if res, err = d.reseal(k.seal); err != nil || len(res.Resealed) == 0 {
			return nil, err
		}
		return &Change{
			Kind: Resealed, Actor: actor, Reason: reason, KIDs: res.Resealed,
			Detail: map[string]string{"sealed_with": res.SealedWith},
		}, nil
	})
	if err != nil {
		return ResealResult{}, fmt.Errorf("reseal: %w", err)
	}
	return res, nil
}

func (d *document) reseal(s *sealer) (ResealResult, error) {
	res := ResealResult{SealedWith: s.first}
	one := func(kind, kid, name string, part *string) (err error) {
		if *part == "" {
			return nil
		}
		if s.current(*part) {
			res.Already++
			return nil
		}
		res.Resealed = append(res.Resealed, name)
		*part, err = s.reseal(kind, kid, *part)
		return err
	}
	for i := range d.Keys {
		if err := one(sealedSigning, d.Keys[i].KID, d.Keys[i].KID, &d.Keys[i].Private); err != nil {
			return res, err
		}
	}
	for i := range d.Refresh {
		r := &d.Refresh[i]
		if err := one(sealedRefresh, refreshKID(r.ID), refreshName(r.ID), &r.Private); err != nil {
			return res, err
		}
	}
	return res, nil
}

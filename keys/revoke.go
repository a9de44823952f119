package keys

import (
	"context"
	"fmt"
	"time"
)

// RevokeResult says what a revocation means for verifiers.
type RevokeResult struct {
	KID string    `json:"kid"`
	Alg Algorithm `json:"alg"`
	Was State     `json:"was"`
	At  time.Time `json:"revoked"`
	// TrustedUntil: a verifier that holds the key set for its whole max-age may still trust the key until then.
	TrustedUntil time.Time `json:"trusted_until"`
	// Successor signs in its stead; empty where nothing changed for signing.
	Successor string `json:"successor,omitempty"`
	// SuccessorKnown: a verifier may not know the successor until then. Zero where all know it.
	SuccessorKnown time.Time `json:"successor_known,omitzero"`
	Standby        string    `json:"standby,omitempty"` // made by the same write
}

// Revoke takes a key out of the JWKS before it returns; it is trusted for nothing from then on. If it was the active one,
// the standby signs at once and a new standby is made by the same write. It is always obeyed, and a second time it
// answers as the first. ErrUnknownKey.
func (k *Keeper) Revoke(ctx context.Context, kid, reason, actor string) (RevokeResult, error) {
	var res RevokeResult
	err := k.change(ctx, func(d *document, now time.Time, m *maker) (c *Change, err error) {
		res, c, err = d.revokeKey(kid, now, m)
		if c != nil {
			c.Reason, c.Actor = reason, actor
		}
		return c, err
	})
	if err != nil {
		return RevokeResult{}, fmt.Errorf("revoke: %w", err)
	}
	return res, k.seen(ctx, kid)
}

// seen makes sure that this replica's ring shows the revocation, also where another one made it.
func (k *Keeper) seen(ctx context.Context, kid string) error {
	if r := k.Ring(); r != nil {
		if e, ok := r.public[kid]; !ok || !e.record.Revoked.IsZero() {
			return nil
		}
	}
	return k.Reload(ctx)
}

// revokeKey is Revoke's plan.
func (d *document) revokeKey(kid string, now time.Time, m *maker) (RevokeResult, *Change, error) {
	r := d.find(kid)
	if r == nil {
		return RevokeResult{}, nil, fmt.Errorf("%w: %.128q", ErrUnknownKey, kid)
	}
	res := RevokeResult{KID: kid, Alg: r.Alg, Was: r.state(now), At: now}
	if res.Was == Revoked {
		res.At = r.Revoked
		res.TrustedUntil = res.At.Add(d.Marks.publishWait())
		return res, nil, nil
	}
	res.TrustedUntil = now.Add(d.Marks.publishWait())
	s := d.revoke(r, now)
	if s.next != nil {
		res.Successor = s.next.KID
		if known := s.next.knownAt(d.Marks); !s.restored && known.After(now) {
			res.SuccessorKnown = known
		}
	}
	if s.supply {
		standby := m.take(r.Alg, now)
		res.Standby = standby.KID
		d.Keys = append(d.Keys, standby)
	}
	return res, res.change(), nil
}

func (res RevokeResult) change() *Change {
	c := &Change{Kind: RevokedKey, KIDs: []string{res.KID}, Detail: map[string]string{"alg": string(res.Alg), "was": string(res.Was)}}
	for _, kid := range []string{res.Successor, res.Standby} {
		if kid != "" {
			c.KIDs = append(c.KIDs, kid)
		}
	}
	return c
}

// RefreshResult says what became of the refresh keys.
type RefreshResult struct {
	At      time.Time `json:"at"`
	Minting uint32    `json:"minting"`           // authenticates new refresh tokens
	Revoked []uint32  `json:"revoked,omitempty"` // check nothing any more
}

// RotateRefreshKey lets the waiting refresh key mint. Tokens of the earlier ones stay good. A *TooEarlyError tells from
// when on every replica knows the waiting one; force doesn't ask.
func (k *Keeper) RotateRefreshKey(ctx context.Context, force bool, reason, actor string) (RefreshResult, error) {
	var res RefreshResult
	err := k.change(ctx, func(d *document, now time.Time, _ *maker) (*Change, error) {
		if _, w := d.refreshLine(); w != nil && now.Before(w.knownAt()) && !force {
			return nil, &TooEarlyError{KID: refreshName(w.ID), Safe: w.knownAt()}
		}
		d.advanceRefresh(k.seal, now)
		res = d.refreshResult(now)
		return &Change{Kind: RefreshRotated, Reason: reason, Actor: actor, KIDs: []string{refreshName(res.Minting)}}, nil
	})
	if err != nil {
		return RefreshResult{}, fmt.Errorf("rotate refresh key: %w", err)
	}
	return res, nil
}

// RevokeRefreshKey ends every session whose refresh token is of that key. ErrUnknownKey. A second time it answers as the
// first.
func (k *Keeper) RevokeRefreshKey(ctx context.Context, id uint32, reason, actor string) (RefreshResult, error) {
	return k.revokeRefresh(ctx, reason, actor, func(d *document) ([]*refreshRecord, error) {
		r := d.findRefresh(id)
		if r == nil {
			return nil, fmt.Errorf("%w: %s", ErrUnknownKey, refreshName(id))
		}
		return []*refreshRecord{r}, nil
	})
}

// RevokeAllRefreshKeys is the issuer-wide logout: no refresh token that is out works any more. The key that waited, which
// every replica knows and which has minted nothing, mints from now on.
func (k *Keeper) RevokeAllRefreshKeys(ctx context.Context, reason, actor string) (RefreshResult, error) {
	return k.revokeRefresh(ctx, reason, actor, func(d *document) (out []*refreshRecord, err error) {
		for i := range d.Refresh {
			if !d.Refresh[i].waits() {
				out = append(out, &d.Refresh[i])
			}
		}
		return out, nil
	})
}

func (k *Keeper) revokeRefresh(ctx context.Context, reason, actor string, which func(*document) ([]*refreshRecord, error)) (RefreshResult, error) {
	var res RefreshResult
	err := k.change(ctx, func(d *document, now time.Time, _ *maker) (*Change, error) {
		records, err := which(d)
		if err != nil {
			return nil, err
		}
		c := &Change{Kind: RefreshRevoked, Reason: reason, Actor: actor}
		var revoked []uint32
		for _, r := range records {
			if r.Revoked.IsZero() {
				r.revoke(now)
				revoked, c.KIDs = append(revoked, r.ID), append(c.KIDs, refreshName(r.ID))
			}
		}
		d.mendRefresh(k.seal, now)
		res = d.refreshResult(now)
		res.Revoked = revoked
		if len(revoked) == 0 {
			return nil, nil
		}
		return c, nil
	})
	if err != nil {
		return RefreshResult{}, fmt.Errorf("revoke refresh key: %w", err)
	}
	return res, nil
}

func (d *document) refreshResult(now time.Time) RefreshResult {
	minting, _ := d.refreshLine()
	return RefreshResult{At: now, Minting: minting.ID}
}

package keys

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// maxImport bounds what parseKey reads: an RSA key of 4096 bits in PEM has 3.2 KiB.
const maxImport = 32 << 10

// ImportRequest asks for a key that was made elsewhere to be taken in, so that tokens that it signed stay valid, or so
// that Signet signs with it.
type ImportRequest struct {
	// Key is a PEM block (PKCS #8, PKCS #1, SEC 1, or a public key in PKIX) or a JWK (RFC 7517).
	Key []byte
	// Alg is the algorithm. Default: the JWK's alg, else what goes with the key (RS256 for RSA).
	Alg Algorithm
	// KID is what tokens that are out call the key. Default: the JWK's kid, else the RFC 7638 thumbprint.
	KID string
	// As is Retired (it verifies; the private part isn't needed and not kept), Standby (it takes the place of the
	// standby, and is next) or Active (it signs as soon as every verifier can know it, or at once with Force).
	As State
	// TokenLife is how long the longest token that a retired key signed may still live, where that is longer than ours.
	TokenLife time.Duration
	// Force lets an Active key sign before every verifier can know it: for keys that were published elsewhere before.
	Force  bool
	Reason string
	Actor  string
}

// ImportResult says what became of an imported key.
type ImportResult struct {
	KID      string    `json:"kid"`
	Alg      Algorithm `json:"alg"`
	As       State     `json:"state"`
	Activate time.Time `json:"activate,omitzero"`  // signs from
	Remove   time.Time `json:"remove,omitzero"`    // published until
	Replaced string    `json:"replaced,omitempty"` // a standby that gave its place up, or the key that ends at Activate
}

// Import takes a key in by the same gates as any other: it is published at once, and signs when every verifier can know
// it. ErrImport, ErrAlgorithm.
func (k *Keeper) Import(ctx context.Context, q ImportRequest) (ImportResult, error) {
	r, err := k.importRecord(ctx, q)
	if err != nil {
		return ImportResult{}, fmt.Errorf("import: %w", err)
	}
	var res ImportResult
	err = k.change(ctx, func(d *document, now time.Time, _ *maker) (*Change, error) {
		if d.find(r.KID) != nil || d.hasPublic(r.Public) {
			return nil, fmt.Errorf("%w: key %s is in the ring already", ErrImport, r.KID)
		}
		next := r
		next.Created = now
		if res, err = d.place(next, q, now); err != nil {
			return nil, err
		}
		return res.change(q), nil
	})
	if err != nil {
		return ImportResult{}, fmt.Errorf("import: %w", err)
	}
	return res, nil
}

func (res ImportResult) change(q ImportRequest) *Change {
	c := &Change{Kind: Imported, Actor: q.Actor, Reason: q.Reason, KIDs: []string{res.KID}}
	c.Detail = map[string]string{"alg": string(res.Alg), "as": string(res.As), "forced": strconv.FormatBool(q.Force)}
	if res.Replaced != "" {
		c.KIDs = append(c.KIDs, res.Replaced)
	}
	return c
}

// importRecord makes the record, with the private part sealed where it is needed.
func (k *Keeper) importRecord(ctx context.Context, q ImportRequest) (record, error) {
	given, err := parseKey(q.Key)
	if err != nil {
		return record{}, err
	}
	if err := given.settle(q); err != nil {
		return record{}, err
	}
	r := record{KID: given.kid, Alg: given.alg, Imported: true}
	if r.Public, err = json.Marshal(publicJWK(r.KID, r.Alg, given.public)); err != nil {
		return record{}, fmt.Errorf("%w: %w", ErrImport, err)
	}
	switch {
	case q.As == Retired:
		return r, nil
	case q.As != Standby && q.As != Active:
		return record{}, fmt.Errorf("%w: as %.20q: choose retired, standby or active", ErrImport, q.As)
	case given.private == nil:
		return record{}, fmt.Errorf("%w: a public key can't sign: give the private key, or import it as retired", ErrImport)
	}
	return r, k.sealImported(ctx, &r, given.private())
}

func (k *Keeper) sealImported(ctx context.Context, r *record, private crypto.Signer) error {
	p, ok := k.providers[0].(Importer)
	if !ok {
		return fmt.Errorf("%w: the key provider %s takes no keys in", ErrImport, k.providers[0].Name())
	}
	_, state, err := p.Import(ctx, r.Alg, private)
	if err != nil {
		return err
	}
	defer clear(state)
	r.Provider, r.Private = k.providers[0].Name(), k.seal.seal(sealedSigning, r.KID, state)
	return nil
}

// hasPublic reports whether a key is there under whatever kid.
func (d *document) hasPublic(jwk json.RawMessage) bool {
	want, err := printOf(jwk)
	if err != nil {
		return false
	}
	for i := range d.Keys {
		if got, err := printOf(d.Keys[i].Public); err == nil && got == want {
			return true
		}
	}
	return false
}

// place puts an imported record into its line.
func (d *document) place(r record, q ImportRequest, now time.Time) (ImportResult, error) {
	res := ImportResult{KID: r.KID, Alg: r.Alg, As: q.As}
	l := d.lane(r.Alg)
	if q.As != Retired && (l.current == nil || l.standby == nil) {
		return res, fmt.Errorf("%w: %s isn't among SIGNET_KEY_ALGS; add it first, or import the key as retired", ErrAlgorithm, r.Alg)
	}
	switch q.As {
	case Retired:
		d.placeRetired(&r, q.TokenLife, now)
	case Standby:
		// The one that stood by never signed: nothing is lost when it goes at once.
		l.standby.Retire, l.standby.Remove, l.standby.Private = now, now, ""
		res.Replaced = l.standby.KID
	case Active:
		if l.current.state(now) == Pending {
			return res, &TooEarlyError{Alg: r.Alg, KID: l.current.KID, Safe: l.current.Activate}
		}
		r.Activate = r.knownAt(d.Marks)
		if q.Force {
			r.Activate = now.Add(ActivateAhead)
		}
		r.Activate = later(r.Activate, l.current.Activate)
		l.current.end(r.Activate, d.Marks)
		res.Replaced = l.current.KID
	}
	res.Activate, res.Remove = r.Activate, r.Remove
	d.Keys = append(d.Keys, r)
	return res, nil
}

// placeRetired ends the key as if it had just signed last, and for a life that may be longer than that of our tokens.
func (d *document) placeRetired(r *record, life time.Duration, now time.Time) {
	m := d.Marks
	m.Token = max(m.Token, span(min(life, maxToken)))
	r.Activate = now
	r.end(now, m)
}

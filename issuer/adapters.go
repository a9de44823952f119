package issuer

import (
	"context"
	"crypto"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

// refreshKeys gives sessions the refresh keys of the ring as it is now.
type refreshKeys struct {
	keeper *keys.Keeper
	now    func() time.Time
}

var _ session.RefreshKeys = refreshKeys{}

// Newest is asked before any token is read: a ring that is too old may not know a
// newer key, whose tokens would look forged.
func (k refreshKeys) Newest() (uint32, error) {
	ring := k.keeper.Ring()
	if err := ring.Stale(k.now()); err != nil {
		return 0, err
	}
	return ring.Newest()
}

func (k refreshKeys) MAC(key uint32, message []byte) ([32]byte, bool) {
	return k.keeper.Ring().MAC(key, message)
}

// ringKeys feeds our own verifier with the ring as it is now: a revoked key is
// refused at once.
type ringKeys struct {
	keeper *keys.Keeper
	now    func() time.Time
}

var _ verifier.KeySet = ringKeys{}

func (k ringKeys) Key(_ context.Context, kid string) (verifier.Key, error) {
	ring, now := k.keeper.Ring(), k.now()
	public, alg, ok := ring.PublicKey(kid, now)
	if !ok && now.Sub(ring.Loaded()) > keys.FreshFor { // a newer ring may have it
		return verifier.Key{}, fmt.Errorf("%w: the ring has not been confirmed of late", verifier.ErrKeysUnavailable)
	}
	if !ok {
		return verifier.Key{}, fmt.Errorf("%w: it is not in the ring", verifier.ErrUnknownKey)
	}
	return verifier.Key{ID: kid, Algorithm: string(alg), Public: public}, nil
}

// hintKeys gives id_token_hint the ring as it is now.
type hintKeys struct {
	keeper *keys.Keeper
	now    func() time.Time
}

var _ flow.HintKeys = hintKeys{}

// HintKey asks a ring that is too old nothing: it may not know that a key was revoked.
func (k hintKeys) HintKey(kid string) (crypto.PublicKey, keys.Algorithm, error) {
	ring, now := k.keeper.Ring(), k.now()
	if err := ring.Stale(now); err != nil {
		return nil, "", err
	}
	public, alg, ok := ring.HintKey(kid)
	if !ok && now.Sub(ring.Loaded()) > keys.FreshFor { // a newer ring may have it
		return nil, "", fmt.Errorf("%w: the ring has not been confirmed of late", verifier.ErrKeysUnavailable)
	}
	if !ok {
		return nil, "", fmt.Errorf("%w: no key that is trusted has signed it", flow.ErrHint)
	}
	return public, alg, nil
}

// ownStatus feeds our own verifier with the status bits.
type ownStatus struct {
	bits   *session.Bits
	issuer string
}

var _ verifier.StatusSource = ownStatus{}

func (s ownStatus) Revoked(_ context.Context, uri string, index uint64) (bool, error) {
	list, ok := strings.CutPrefix(uri, s.issuer+oauth.PathStatus)
	number, err := strconv.ParseInt(list, 10, 64)
	if !ok || err != nil || index >= session.ListSize {
		return false, fmt.Errorf("%w: no list of ours", verifier.ErrStatusUnavailable)
	}
	return s.bits.Has(number*session.ListSize + int64(index)), nil
}

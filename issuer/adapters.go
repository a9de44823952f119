package issuer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/oauth"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/verifier"
)

// refreshKeys gives sessions the refresh keys of the ring as it is now.
type refreshKeys struct{ keeper *keys.Keeper }

var _ session.RefreshKeys = refreshKeys{}

func (k refreshKeys) Newest() (uint32, error) { return k.keeper.Ring().Newest() }

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
	public, alg, ok := k.keeper.Ring().PublicKey(kid, k.now())
	if !ok {
		return verifier.Key{}, fmt.Errorf("%w: it is not in the ring", verifier.ErrUnknownKey)
	}
	return verifier.Key{ID: kid, Algorithm: string(alg), Public: public}, nil
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

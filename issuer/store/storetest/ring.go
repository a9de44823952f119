package storetest

import (
	"testing"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/store"
	"github.com/signet-oidc/signet/keys"
)

func testRing(t *testing.T, h Harness) {
	b := h.Backend
	_, err := b.Keys.LoadRing(t.Context())
	is(t, "LoadRing of none", err, keys.ErrNoRing)
	c := keys.Change{Kind: "rotated", Actor: "ops", Reason: "due", KIDs: []string{"k1", "k2"}, At: now(), Detail: map[string]string{"alg": "ES256"}}
	e := audit.Event{At: c.At, Kind: audit.KeysChanged, Actor: "ops", Reason: "due", Detail: map[string]string{"change": "rotated", "kids": "k1 k2", "alg": "ES256"}}
	swap := func(version int64) func() error {
		return func() error {
			return b.Keys.SwapRing(t.Context(), keys.Sealed{Version: version, Document: []byte(name(`{"n":"\u0000"}`, int(version)))}, c)
		}
	}
	changes(t, b, "swap to 2 of none", swap(2), keys.ErrConflict, e)
	winners(t, "first swaps at once", atOnce(8, func(int) error { return swap(1)() }), keys.ErrConflict)
	changes(t, b, "swap to 2", swap(2), nil, e, store.Change{Kind: store.Ring, Version: 2})
	for _, version := range []int64{1, 2, 4, 0, -1} {
		changes(t, b, "swap out of order", swap(version), keys.ErrConflict, e)
	}
	winners(t, "swaps at once", atOnce(8, func(int) error { return swap(3)() }), keys.ErrConflict)
	got, err := b.Keys.LoadRing(t.Context())
	ok(t, err)
	same(t, "LoadRing", got, keys.Sealed{Version: 3, Document: []byte(`{"n":"\u0000"}0003`)})
}

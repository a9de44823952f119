package keys_test

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
)

func TestRevokeActive(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k, other := d.open(), d.open()
	first, standby := d.signer(k, keys.ES256), d.kidOf(k, keys.ES256, keys.Standby)
	d.pass(time.Minute, k, other)
	res, err := k.Revoke(t.Context(), first, "laptop stolen", "cli:root")
	if err != nil {
		t.Fatal(err)
	}
	wait := k.Policy().PublishWait()
	want := keys.RevokeResult{
		KID: first, Alg: keys.ES256, Was: keys.Active, At: d.clock.Now(), TrustedUntil: d.clock.Now().Add(wait),
		Successor: standby, SuccessorKnown: start.Add(wait), Standby: d.kidOf(k, keys.ES256, keys.Standby),
	}
	if res != want {
		t.Errorf("result %+v\nwant   %+v", res, want)
	}
	if got := d.signer(k, keys.ES256); got != standby {
		t.Errorf("%s signs, want the standby %s at once", got, standby)
	}
	if slices.Contains(published(t, k.Ring().JWKS(d.clock.Now())), first) {
		t.Error("the revoked key is published after the answer")
	}
	if _, _, ok := k.Ring().PublicKey(first, d.clock.Now()); ok {
		t.Error("the revoked key verifies")
	}
	if _, _, ok := k.Ring().HintKey(first); ok {
		t.Error("the revoked key is good for id_token_hint")
	}
	d.pass(0, other)
	if got := d.signer(other, keys.ES256); got != standby {
		t.Errorf("on the other replica %s signs", got)
	}
	c := d.store.Changes()[1]
	if c.Kind != keys.RevokedKey || c.Actor != "cli:root" || c.Reason != "laptop stolen" || c.KIDs[0] != first || c.Detail["was"] != "active" {
		t.Errorf("audit %+v", c)
	}

	again, err := other.Revoke(t.Context(), first, "once more", "cli:root")
	if err != nil || !again.At.Equal(res.At) || again.Was != keys.Revoked || len(d.store.Changes()) != 2 {
		t.Errorf("a second time: %+v %v, %d changes", again, err, len(d.store.Changes()))
	}
	if _, err := k.Revoke(t.Context(), "nobody", "", ""); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("unknown kid: %v", err)
	}
}

// TestRevokeElsewhere: another replica revoked it, and this one hasn't polled yet. Its answer still means what it says.
func TestRevokeElsewhere(t *testing.T) {
	d := deploy(t, keys.Policy{})
	a, b := d.open(), d.open()
	kid := d.signer(a, keys.ES256)
	for _, k := range []*keys.Keeper{a, b} {
		if _, err := k.Revoke(t.Context(), kid, "", ""); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(published(t, k.Ring().JWKS(d.clock.Now())), kid) {
			t.Error("the answer came while the key was still published")
		}
	}
}

func TestRevokeKnownSuccessor(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	d.pass(k.Policy().PublishWait(), k)
	res, err := k.Revoke(t.Context(), d.signer(k, keys.ES256), "", "")
	if err != nil || !res.SuccessorKnown.IsZero() {
		t.Errorf("a standby that all know: %+v %v", res, err)
	}
}

// TestRevokeEverything in turn: the ring always has a signer and a standby.
func TestRevokeEverything(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	for range 5 {
		d.pass(time.Second, k)
		for _, s := range []keys.State{keys.Standby, keys.Active} {
			if _, err := k.Revoke(t.Context(), d.kidOf(k, keys.ES256, s), "", ""); err != nil {
				t.Fatal(err)
			}
			d.signer(k, keys.ES256)
			d.kidOf(k, keys.ES256, keys.Standby)
		}
	}
}

func TestRefreshKeys(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	first, err := k.Ring().Newest()
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Ring().MintingRefreshKey().ID(); got != first || first == 0 {
		t.Fatalf("minting %d, newest %d", got, first)
	}
	mac, ok := k.Ring().MAC(first, []byte("token"))
	if !ok || mac != k.Ring().MintingRefreshKey().MAC([]byte("token")) {
		t.Fatal("MAC differs")
	}
	// Rotating signing keys and resealing touch no refresh token.
	d.rotate(k, keys.RotateRequest{Force: true})
	if again, _ := d.open().Ring().MAC(first, []byte("token")); again != mac {
		t.Error("another replica's MAC differs")
	}

	_, err = k.RotateRefreshKey(t.Context(), false, "", "")
	early, isEarly := errors.AsType[*keys.TooEarlyError](err)
	if !isEarly {
		t.Fatalf("rotated at once: %v", err)
	}
	d.pass(early.Safe.Sub(d.clock.Now()), k)
	res, err := k.RotateRefreshKey(t.Context(), false, "yearly", "cli:root")
	if err != nil || res.Minting == first {
		t.Fatalf("rotated: %+v %v", res, err)
	}
	if got, _ := k.Ring().Newest(); got != res.Minting {
		t.Errorf("newest %d, want %d", got, res.Minting)
	}
	if again, ok := k.Ring().MAC(first, []byte("token")); !ok || again != mac {
		t.Error("a token of the first key doesn't check any more")
	}

	// It checks until the longest session that it minted for is over, and then it is forgotten.
	d.pass(k.Policy().SessionTTL, k)
	if _, err := k.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Ring().MAC(first, nil); !ok {
		t.Error("gone too early")
	}
	d.pass(keys.StaleFor+2*keys.Leeway, k)
	if done, err := k.Step(t.Context()); !done || err != nil {
		t.Fatal(done, err)
	}
	if _, ok := k.Ring().RefreshKey(first); ok {
		t.Error("still there after SESSION_TTL")
	}
}

func TestRevokeRefreshKeys(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k, other := d.open(), d.open()
	first, _ := k.Ring().Newest()
	rotated, err := k.RotateRefreshKey(t.Context(), true, "", "")
	if err != nil {
		t.Fatal(err)
	}
	waiting := k.Ring().RefreshKeys()[2]
	if waiting.State != "standby" {
		t.Fatalf("refresh keys %+v", k.Ring().RefreshKeys())
	}
	res, err := k.RevokeAllRefreshKeys(t.Context(), "breach", "cli:root")
	if err != nil || !slices.Equal(res.Revoked, []uint32{first, rotated.Minting}) || res.Minting != waiting.ID {
		t.Fatalf("revoke all: %+v %v", res, err)
	}
	d.pass(time.Second, other)
	for _, id := range res.Revoked {
		if _, ok := other.Ring().MAC(id, nil); ok {
			t.Errorf("refresh key %d still checks on the other replica", id)
		}
	}
	again, err := k.RevokeRefreshKey(t.Context(), first, "", "")
	if err != nil || again.Minting != res.Minting || again.Revoked != nil {
		t.Errorf("a second time: %+v %v", again, err)
	}
	if _, err := k.RevokeRefreshKey(t.Context(), 1, "", ""); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("unknown: %v", err)
	}
	one, err := k.RevokeRefreshKey(t.Context(), res.Minting, "", "")
	if err != nil || one.Minting == res.Minting {
		t.Errorf("revoke the minting one: %+v %v", one, err)
	}
	if got := d.changeKinds(); got != "created refresh_rotated refresh_revoked refresh_revoked" {
		t.Errorf("changes %q", got)
	}
}

// TestMACOfManyAtOnce holds MACs made with used HMACs to fresh ones.
func TestMACOfManyAtOnce(t *testing.T) {
	k := keystest.Open(t, keys.Config{}).Ring().MintingRefreshKey()
	var zero keys.RefreshKey
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 200 {
				message := bytes.Repeat([]byte{byte(worker)}, i)
				for _, k := range []keys.RefreshKey{k, zero} {
					fresh := k.HMAC()
					fresh.Write(message)
					if mac := k.MAC(message); !bytes.Equal(mac[:], fresh.Sum(nil)) {
						t.Errorf("%v: the MAC of %d bytes differs", k, i)
					}
				}
			}
		})
	}
	all.Wait()
}

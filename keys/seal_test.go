package keys_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

func TestWrongSealKey(t *testing.T) {
	d := deploy(t, keys.Policy{})
	k := d.open()
	kid := d.signer(k, keys.ES256)
	before, _ := d.store.LoadRing(t.Context())
	wrong := secret.GenerateKey()
	d.config.SealKeys = []secret.Key{wrong}
	_, err := keys.Open(t.Context(), d.config)
	sealErr, ok := errors.AsType[*keys.SealError](err)
	if !ok || !errors.Is(err, keys.ErrSealed) {
		t.Fatalf("opened with a wrong seal key: %v", err)
	}
	if sealErr.Sealed != seal.Fingerprint() || !slices.Equal(sealErr.Have, []string{wrong.Fingerprint()}) {
		t.Errorf("error %+v", sealErr)
	}
	standby := d.kidOf(k, keys.ES256, keys.Standby)
	if sealErr.KID != kid && sealErr.KID != standby || !strings.Contains(err.Error(), sealErr.KID) || !strings.Contains(err.Error(), "SIGNET_SEAL_KEY") {
		t.Errorf("the error doesn't name the key, or how to mend it: %v", err)
	}
	after, _ := d.store.LoadRing(t.Context())
	if after.Version != before.Version || !bytes.Equal(after.Document, before.Document) || d.changeKinds() != "created" {
		t.Error("it touched the ring")
	}
	if _, err := keys.Open(t.Context(), keys.Config{Store: d.store}); !errors.Is(err, keys.ErrPolicy) {
		t.Errorf("no seal key at all: %v", err)
	}
	if _, err := keys.Open(t.Context(), keys.Config{Store: d.store, SealKeys: []secret.Key{{}}}); !errors.Is(err, keys.ErrPolicy) {
		t.Errorf("an empty seal key: %v", err)
	}
}

func TestReseal(t *testing.T) {
	d := deploy(t, keys.Policy{})
	old := d.open()
	kid, mac := d.signer(old, keys.ES256), func(k *keys.Keeper) [32]byte { return k.Ring().MintingRefreshKey().MAC(nil) }
	next := secret.GenerateKey()
	d.config.SealKeys = []secret.Key{next, seal}
	both := d.open()
	if got := d.signer(both, keys.ES256); got != kid {
		t.Fatalf("%s signs", got)
	}
	res, err := both.Reseal(t.Context(), "yearly", "cli:root")
	if err != nil || len(res.Resealed) != 4 || res.Already != 0 || res.SealedWith != next.Fingerprint() {
		t.Fatalf("reseal: %+v %v", res, err)
	}
	again, err := both.Reseal(t.Context(), "", "")
	if err != nil || len(again.Resealed) != 0 || again.Already != 4 || d.changeKinds() != "created resealed" {
		t.Errorf("a second time: %+v %v, changes %q", again, err, d.changeKinds())
	}
	d.config.SealKeys = []secret.Key{next}
	only := d.open()
	if got := d.signer(only, keys.ES256); got != kid || mac(only) != mac(old) {
		t.Error("resealing changed a key")
	}
	stored, _ := d.store.LoadRing(t.Context())
	if strings.Contains(string(stored.Document), seal.Fingerprint()) {
		t.Error("something is still sealed with the old key")
	}
	// A replica that has the old key alone keeps its snapshot and says which key it can't open.
	if err := old.Reload(t.Context()); !errors.Is(err, keys.ErrSealed) || d.signer(old, keys.ES256) != kid {
		t.Errorf("the replica with the old key: %v", err)
	}
}

// TestTampering: a sealed part is bound to its record, its kind and its format.
func TestTampering(t *testing.T) {
	type record = map[string]any
	for _, tc := range []struct {
		name   string
		change func(ring map[string]any, signing, refresh []record)
		want   error
	}{
		{"a bit of a private part", func(_ map[string]any, s, _ []record) {
			b := []byte(as[string](t, s[0]["private"]))
			b[30] ^= 1
			s[0]["private"] = string(b)
		}, keys.ErrSealed},
		{"private parts swapped", func(_ map[string]any, s, _ []record) {
			s[0]["private"], s[1]["private"] = s[1]["private"], s[0]["private"]
		}, keys.ErrSealed},
		{"refresh keys swapped", func(_ map[string]any, _, r []record) {
			r[0]["private"], r[1]["private"] = r[1]["private"], r[0]["private"]
		}, keys.ErrSealed},
		{"a refresh key as a signing key", func(_ map[string]any, s, r []record) { s[0]["private"] = r[0]["private"] }, keys.ErrSealed},
		{"another seal format", func(_ map[string]any, s, _ []record) { s[0]["private"] = "2" + as[string](t, s[0]["private"])[1:] }, keys.ErrSealed},
		{"cut", func(_ map[string]any, s, _ []record) { s[0]["private"] = "1." + seal.Fingerprint() + ".AAAA" }, keys.ErrSealed},
		{"public parts swapped", func(_ map[string]any, s, _ []record) { s[0]["public"], s[1]["public"] = s[1]["public"], s[0]["public"] }, keys.ErrDocument},
		{"another algorithm", func(_ map[string]any, s, _ []record) { s[0]["alg"] = "RS256" }, keys.ErrDocument},
		{"an unknown algorithm", func(_ map[string]any, s, _ []record) { s[0]["alg"] = "none" }, keys.ErrDocument},
		{"a kid twice", func(_ map[string]any, s, _ []record) { s[1]["kid"] = s[0]["kid"] }, keys.ErrDocument},
		{"two standbys", func(_ map[string]any, s, _ []record) { delete(s[0], "activate"); delete(s[0], "at_once") }, keys.ErrDocument},
		{"a newer format", func(ring map[string]any, _, _ []record) { ring["format"] = 2 }, keys.ErrDocument},
		{"a member from a later version", func(ring map[string]any, _, _ []record) { ring["quantum"] = true }, keys.ErrDocument},
		{"a provider that isn't here", func(_ map[string]any, s, _ []record) { s[0]["provider"] = "pkcs11" }, keys.ErrProvider},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := deploy(t, keys.Policy{})
			k := d.open()
			kid := d.signer(k, keys.ES256)
			stored, _ := d.store.LoadRing(t.Context())
			var ring map[string]any
			if err := json.Unmarshal(stored.Document, &ring); err != nil {
				t.Fatal(err)
			}
			tc.change(ring, records(t, ring["keys"]), records(t, ring["refresh"]))
			stored.Document, _ = json.Marshal(ring)
			stored.Version++
			d.store.Put(stored)
			if _, err := keys.Open(t.Context(), d.config); !errors.Is(err, tc.want) {
				t.Errorf("open: %v, want %v", err, tc.want)
			}
			d.clock.Advance(1)
			if err := k.Reload(t.Context()); err == nil && !errors.Is(tc.want, keys.ErrSealed) && !errors.Is(tc.want, keys.ErrProvider) {
				t.Error("a running replica took it")
			}
			if got := d.signer(k, keys.ES256); got != kid {
				t.Errorf("%s signs now", got)
			}
		})
	}
}

func records(t *testing.T, v any) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, r := range as[[]any](t, v) {
		out = append(out, as[map[string]any](t, r))
	}
	return out
}

// TestNothingIsShown prints whatever the package gives out, in every way, and looks for the secrets.
func TestNothingIsShown(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.EdDSA, keys.RS256}})
	spy := newSpy()
	d.config.Providers = []keys.Provider{spy}
	k := d.open()
	key, err := k.Ring().Signer(keys.EdDSA, start)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := k.Ring().Signer(keys.RS256, start)
	if err != nil {
		t.Fatal(err)
	}
	res, err := k.Revoke(t.Context(), key.ID(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	stored, _ := d.store.LoadRing(t.Context())
	export, err := k.Ring().Export("", start)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		key     *keys.Key
		refresh keys.RefreshKey
		config  keys.Config
		keeper  *keys.Keeper
		ring    *keys.Ring
	}
	values := []any{
		k, k.Ring(), key, rs, k.Ring().MintingRefreshKey(), d.config, &d.config, res, stored, string(stored.Document), export,
		k.Ring().List(start), k.Ring().RefreshKeys(), k.Ring().Status(start), k.Ring().JWKS(start), string(k.Ring().JWKS(start).Body), d.store.Changes(),
		holder{key, k.Ring().MintingRefreshKey(), d.config, k, k.Ring()}, &holder{key, k.Ring().MintingRefreshKey(), d.config, k, k.Ring()},
	}
	var out bytes.Buffer
	log := zerolog.New(&out)
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		log.Info().Interface("v", v).Send()
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
	}
	forms := slices.Concat(spy.forms(), formsOf(seal.Reveal()))
	if len(forms) < 6*10 {
		t.Fatalf("only %d forms of secrets are looked for", len(forms))
	}
	for _, form := range forms {
		if strings.Contains(out.String(), form) {
			t.Errorf("the output shows a secret: %.16s…", form)
		}
	}
	for _, want := range []string{"key ring version", "EdDSA key", "refresh key", `"kid"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q: is the test blind?", want)
		}
	}
}

package keys_test

import (
	"slices"
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
)

// Settings that name none of the algorithms that sign now: the old one goes on until the first new one may, so that at
// every moment something signs.
func TestReplaceAllAlgorithms(t *testing.T) {
	for name, c := range map[string]struct{ from, to []keys.Algorithm }{
		"one by another": {[]keys.Algorithm{keys.ES256}, []keys.Algorithm{keys.EdDSA}},
		"two by two":     {[]keys.Algorithm{keys.ES256, keys.RS256}, []keys.Algorithm{keys.ES384, keys.EdDSA}},
		"one of two":     {[]keys.Algorithm{keys.ES256, keys.RS256}, []keys.Algorithm{keys.RS256}},
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t, keys.Policy{Algs: c.from})
			d.open()
			d.pass(time.Hour)
			d.config.Policy.Algs = c.to
			k := d.open()
			began, wait := d.clock.Now(), k.Policy().PublishWait()
			for d.clock.Now().Before(began.Add(wait + 5*time.Second)) {
				if err := k.Ring().Ready(d.clock.Now()); err != nil {
					t.Fatalf("not ready after %s: %v", d.clock.Now().Sub(began), err)
				}
				d.pass(time.Second, k)
			}
			if got := k.Ring().Algorithms(d.clock.Now()); !slices.Equal(got, c.to) {
				t.Errorf("%v sign in the end, want %v", got, c.to)
			}
		})
	}
}

// One that is dropped while another signs goes two polls later.
func TestDropOneOfTwo(t *testing.T) {
	d := deploy(t, keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.RS256}})
	d.open()
	d.config.Policy.Algs = []keys.Algorithm{keys.RS256, keys.EdDSA} // EdDSA has to wait, RS256 signs
	k := d.open()
	d.pass(keys.ActivateAhead, k)
	if got := k.Ring().Algorithms(d.clock.Now()); !slices.Equal(got, []keys.Algorithm{keys.RS256}) {
		t.Errorf("%v sign, want RS256 alone", got)
	}
}

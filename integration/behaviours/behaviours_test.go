package behaviours

import (
	"context"
	"errors"
	"testing"
)

// Our column holds in every row.
func TestSignet(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for polls: 20 seconds")
	}
	for _, r := range Run(t.Context(), []Library{Signet()}, All(), 16) {
		if r.NA || r.Err != nil {
			t.Errorf("%s: not applicable %v, %v", r.Behaviour, r.NA, r.Err)
		}
	}
}

// Who takes everything, refuses everything or can't be set up holds in no row.
func TestRowsCanFail(t *testing.T) {
	everything := Fetches | Discovers | Status | Introspects
	says := func(err error) func(context.Context, Setup) (Verify, error) {
		return func(context.Context, Setup) (Verify, error) {
			return func(context.Context, string) error { return err }, nil
		}
	}
	asked := func(active bool, err error) func(context.Context, Setup) (Introspect, error) {
		return func(context.Context, Setup) (Introspect, error) {
			return func(context.Context, string) (bool, error) { return active, err }, nil
		}
	}
	refused := errors.New("refused")
	libraries := []Library{
		{Name: "takes all", Has: everything, Open: says(nil), Introspect: asked(true, nil)},
		{Name: "refuses all", Has: everything, Open: says(refused), Introspect: asked(false, nil)},
	}
	rows := All()
	if testing.Short() {
		rows = tokens() // which don't wait
	}
	// What a library that trusts nobody does right: it refuses.
	right := map[string]bool{
		"plain http is refused, loopback apart":               true,
		"the discovery document of another issuer is refused": true,
	}
	for _, r := range Run(t.Context(), libraries, rows, 32) {
		if r.Err == nil && (r.Library != "refuses all" || !right[r.Behaviour]) {
			t.Errorf("%q: who %s holds", r.Behaviour, r.Library)
		}
	}
}

// What a library doesn't do is neither right nor wrong.
func TestNotApplicable(t *testing.T) {
	for _, r := range Run(t.Context(), []Library{{Name: "nothing"}}, revocation(), 1) {
		if !r.NA {
			t.Errorf("%q is applicable", r.Behaviour)
		}
	}
}

// The names are the table's keys.
func TestNamesAreUnique(t *testing.T) {
	seen := make(map[string]bool)
	for _, b := range All() {
		if seen[b.Name] || b.Point < 1 || b.Point > 3 {
			t.Errorf("%q of point %d", b.Name, b.Point)
		}
		seen[b.Name] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d behaviours", len(seen))
	}
}

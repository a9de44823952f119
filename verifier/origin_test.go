package verifier_test

import (
	"errors"
	"testing"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// Whoever signed is checked, each time, and nothing else; and what passed so passes
// for nothing more.
func TestUnsafeVerifyOriginOnly(t *testing.T) {
	iss := verifiertest.New(t)
	v := newVerifier(t, iss.Config(verifiertest.Audience))
	for name, raw := range map[string]string{"expired": iss.Expired(), "another audience": iss.WrongAudience()} {
		for range 2 { // the second time from memory
			if tok, err := v.UnsafeVerifyOriginOnly(t.Context(), raw); err != nil || tok.Subject == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := v.Verify(t.Context(), raw); err == nil {
			t.Errorf("%s: its origin made it good", name)
		}
	}
	if _, err := v.UnsafeVerifyOriginOnly(t.Context(), iss.OfUnknownKey()); !errors.Is(err, verifier.ErrUnknownKey) {
		t.Errorf("a key nobody knows: %v", err)
	}
	if _, err := v.UnsafeVerifyOriginOnly(t.Context(), "x.y.z"); !errors.Is(err, verifier.ErrMalformed) {
		t.Errorf("no token: %v", err)
	}
}

package verifiertest_test

import (
	"errors"
	"testing"

	"github.com/signet-oidc/signet/verifier"
	"github.com/signet-oidc/signet/verifier/verifiertest"
)

// The issuer that listens, reached by the verifier's own client.
func TestNewServer(t *testing.T) {
	iss := verifiertest.NewServer(t)
	v, err := verifier.New(t.Context(), verifier.Config{Issuer: iss.URL, Audience: verifiertest.Audience})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"good": {iss.Token(), nil}, "service": {iss.Service("client"), nil}, "revoked": {iss.Revoked(), verifier.ErrRevoked},
		"expired": {iss.Expired(), verifier.ErrExpired}, "rotated": {iss.OfRotatedKey(), nil}, "unknown": {iss.OfUnknownKey(), verifier.ErrUnknownKey},
	} {
		if _, err := v.Verify(t.Context(), c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	withdrawn := iss.OfWithdrawnKey()
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), withdrawn); !errors.Is(err, verifier.ErrUnknownKey) {
		t.Errorf("withdrawn: %v", err)
	}
	iss.Down(true)
	if err := v.Refresh(t.Context()); err == nil {
		t.Error("Refresh of an issuer that is down reports success")
	}
	if _, err := v.Verify(t.Context(), iss.Token()); err != nil {
		t.Errorf("in the outage: %v", err)
	}
}

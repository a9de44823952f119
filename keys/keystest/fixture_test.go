package keystest_test

import (
	"testing"
	"time"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/secret"
)

var testSeal = []secret.Key{secret.GenerateKey()}

func now() time.Time { return time.Now() }

// signer returns the kid that signs now.
func signer(t *testing.T, k *keys.Keeper) string {
	t.Helper()
	key, err := k.Ring().Signer(keys.ES256, now())
	if err != nil {
		t.Fatal(err)
	}
	return key.ID()
}

package issuer

import (
	"context"
	"crypto"
	"fmt"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/issuer/internal/outbound"
)

// registeredCalls are made at once for clients that registered themselves.
const registeredCalls = 32

// outside is what calls others, by the settings: once for the clients that operators made, and once for those that
// registered themselves. A stranger who registers clients with slow addresses, or with many, then takes turns and memory
// from other strangers alone.
type outside struct{ operators, registered *outbound.Client }

// newOutside makes both. The file of certificates is read here.
func (i *Issuer) newOutside() (o outside, err error) {
	roots, err := outbound.Roots(i.settings.OutboundCA)
	if err != nil {
		return o, &SettingError{"SIGNET_OUTBOUND_CA", err.Error() + "; name a file of PEM certificates"}
	}
	made := func(clients string, calls int) *outbound.Client {
		client, wrong := outbound.New(outbound.Config{
			CA: roots, Allow: i.settings.OutboundAllow, Calls: calls, Observe: func(c outbound.Call) {
				i.metrics.Outbound(string(c.Purpose), c.Outcome, clients, c.Took)
			},
		})
		if wrong != nil {
			err = &SettingError{"SIGNET_OUTBOUND_ALLOW", fmt.Sprint(wrong)}
		}
		return client
	}
	o = outside{made("operators", 0), made("registered", registeredCalls)}
	return o, err
}

// clientKeys finds clients' keys in two memories: that of strangers has no room of the other's, and a stranger who names
// an operator's client's jwks_uri uses up none of its fetches.
type clientKeys struct{ operators, registered *client.Keys }

var _ flow.ClientKeys = clientKeys{}

func (i *Issuer) clientKeys() clientKeys {
	return clientKeys{
		operators:  client.NewKeys(i.outside.operators.For(outbound.ForKeys), i.now),
		registered: client.NewKeys(i.outside.registered.For(outbound.ForKeys), i.now),
	}
}

func (k clientKeys) Find(ctx context.Context, c client.Client, kid, alg string) ([]crypto.PublicKey, error) {
	if c.Registration != nil {
		return k.registered.Find(ctx, c, kid, alg)
	}
	return k.operators.Find(ctx, c, kid, alg)
}

package issuer

import (
	"fmt"

	"github.com/signet-oidc/signet/issuer/internal/outbound"
)

// newOutbound makes the one client for calls to others, by the settings. The file of certificates is read here.
func newOutbound(s Settings) (*outbound.Client, error) {
	roots, err := outbound.Roots(s.OutboundCA)
	if err != nil {
		return nil, &SettingError{"SIGNET_OUTBOUND_CA", err.Error() + "; name a file of PEM certificates"}
	}
	client, err := outbound.New(outbound.Config{CA: roots, Allow: s.OutboundAllow})
	if err != nil {
		return nil, &SettingError{"SIGNET_OUTBOUND_ALLOW", fmt.Sprint(err)}
	}
	return client, nil
}

//go:build interop

package examples

import (
	"testing"

	"github.com/signet-oidc/signet/integration/servers"
)

// TestSpringBoot has Maven build the example.
func TestSpringBoot(t *testing.T) {
	checkRotation(t, startIssuer(t), "springboot", servers.MavenProgram(t, "springboot", "api.jar"))
}

package rotate

import (
	"context"
	"os"
	"testing"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/integration/servers"
)

// startNode runs the verifier with jose.
func startNode(t testing.TB, issuer string) *child {
	t.Helper()
	return start(t, issuer, servers.NodeProgram(t, "node", "verify.js"))
}

// startPython runs the verifier with PyJWT.
func startPython(t testing.TB, issuer string) *child {
	t.Helper()
	return start(t, issuer, servers.PythonProgram(t, "python", "verify.py"))
}

func start(t testing.TB, issuer string, command []string) *child {
	t.Helper()
	// The test's context ends before its clean-ups: the child ends by Close.
	c, err := startChild(context.WithoutCancel(t.Context()), os.Stderr, command[0], append(command[1:], issuer+discovery.PathJWKS, issuer, audience)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("%s: %v", command[0], err)
		}
	})
	return c
}

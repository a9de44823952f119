package redis

import (
	"testing"

	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/limit"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store/storetest"
)

// TestContract runs the engines' contract on one server; TestMarks runs it on a
// Cluster.
func TestContract(t *testing.T) {
	s, _ := single(t)
	testContract(t, s)
}

func testContract(t *testing.T, s *Store) {
	t.Run("generations", func(t *testing.T) {
		storetest.Generations(t, func(*testing.T) session.Generations { return s })
	})
	t.Run("limits", func(t *testing.T) {
		storetest.Limits(t, func(*testing.T) limit.Store { return s })
	})
	t.Run("waiting", func(t *testing.T) {
		storetest.Waiting(t, func(*testing.T) grant.Store { return s.Waiting() })
	})
}

package issuer

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/signet-oidc/signet/issuer/internal/httpx"
)

// checkTimeout bounds how long a store may take to show that it is there.
const checkTimeout = time.Second

// healthy says that the process serves.
func healthy(w http.ResponseWriter, _ *http.Request) error {
	httpx.JSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// readiness says whether requests should come here: stores reachable, a key that
// may sign, a fresh ring, a clock that is right.
func (i *Issuer) readiness(w http.ResponseWriter, r *http.Request) error {
	checks := i.check(r.Context())
	status, word := http.StatusOK, "ready"
	for _, c := range checks {
		if c != "ok" {
			status, word = http.StatusServiceUnavailable, "not ready"
		}
	}
	httpx.JSON(w, status, struct {
		Status string            `json:"status"`
		Checks map[string]string `json:"checks"`
	}{word, checks})
	return nil
}

// check makes all checks at once. An operator reads the answers on the second
// address, so they say what is wrong.
func (i *Issuer) check(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var mu sync.Mutex // guards checks
	checks := map[string]string{"keys": word(i.keeper.Ring().Ready(i.now()))}
	var all sync.WaitGroup
	for name, reach := range i.backend.Reachable {
		all.Go(func() {
			answer := word(reach(ctx))
			mu.Lock()
			defer mu.Unlock()
			checks[name] = answer
		})
	}
	all.Wait()
	return checks
}

func word(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

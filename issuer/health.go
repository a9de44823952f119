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

// measure registers the series that are read when asked for.
func (i *Issuer) measure() {
	i.metrics.Sampled("signet_hash_waiting", "Logins that wait for a hash worker.", "", func(set func(string, float64)) {
		set("", float64(i.hasher.Stats().Waiting))
	})
	i.metrics.Sampled("signet_hash_rejected", "Logins refused because the pool was full, since the start.", "", func(set func(string, float64)) {
		set("", float64(i.hasher.Stats().Rejected))
	})
	i.metrics.Sampled("signet_key_age_seconds", "Since when the signing key signs, by algorithm.", "alg", func(set func(string, float64)) {
		now := i.now()
		for _, s := range i.keeper.Ring().Status(now) {
			if s.KID != "" {
				set(string(s.Alg), now.Sub(s.Since).Seconds())
			}
		}
	})
	i.metrics.Sampled("signet_key_next_step_seconds", "Until the signing key changes by itself, by algorithm.", "alg", func(set func(string, float64)) {
		now := i.now()
		for _, s := range i.keeper.Ring().Status(now) {
			if !s.Next.IsZero() {
				set(string(s.Alg), s.Next.Sub(now).Seconds())
			}
		}
	})
	i.metrics.Sampled("signet_clock_offset_seconds", "By how much this machine's clock is ahead of the database's.", "", func(set func(string, float64)) {
		set("", i.keeper.Ring().ClockOffset().Seconds())
	})
	i.metrics.Sampled("signet_status_bits", "Ended sessions in the published status lists.", "", func(set func(string, float64)) {
		total := int64(0)
		for _, n := range i.bits.Numbers() {
			v, _ := i.bits.Version(n)
			total += v
		}
		set("", float64(total))
	})
}

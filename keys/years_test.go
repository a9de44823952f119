package keys_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signet-oidc/signet/keys"
	"github.com/signet-oidc/signet/keys/keystest"
)

// TestTwoYears lets three replicas rotate by themselves for two years, on a clock that jumps. Each hour every one
// signs with a key that all the others publish, and each month exactly one of them rotates.
func TestTwoYears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const years = 2 * 365 * 24 * time.Hour
		store := new(keystest.MemStore)
		config := keys.Config{Store: store, Policy: keys.Policy{Algs: []keys.Algorithm{keys.ES256, keys.EdDSA}}}
		config.SealKeys = append(config.SealKeys, seal)
		config.Hooks.Failed = func(op string, err error) { t.Errorf("%s: %v", op, err) }
		ctx, cancel := context.WithCancel(t.Context())
		var replicas []*keys.Keeper
		for range 3 {
			k := keystest.Open(t, config)
			k.SetPoll(10 * time.Minute)
			replicas = append(replicas, k)
			go func() {
				if err := k.Run(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("run ended: %v", err)
				}
			}()
		}
		begin := time.Now()
		used := map[string]bool{}
		for time.Since(begin) < years {
			time.Sleep(time.Hour)
			synctest.Wait()
			for _, alg := range config.Policy.Algs {
				used[agree(t, replicas, alg)] = true
			}
		}
		cancel()
		synctest.Wait()

		rotations := count(store.Changes(), keys.Rotated)
		want := 2 * int(years/(30*24*time.Hour))
		if rotations != want || len(used) != want+2 {
			t.Errorf("%d rotations and %d keys in two years, want %d and %d", rotations, len(used), want, want+2)
		}
		stored, err := store.LoadRing(t.Context())
		if err != nil || len(stored.Document) > 8<<10 {
			t.Errorf("the ring has grown to %d bytes, %v", len(stored.Document), err)
		}
	})
}

// agree checks that all replicas sign with one key, which all publish.
func agree(t *testing.T, replicas []*keys.Keeper, alg keys.Algorithm) string {
	now := time.Now()
	for _, k := range replicas { // Run's turns are ten minutes apart here, not a second
		if err := k.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first, err := replicas[0].Ring().Signer(alg, now)
	if err != nil {
		t.Fatalf("a gap at %s: %v", now, err)
	}
	body := string(replicas[0].Ring().JWKS(now).Body)
	for _, k := range replicas {
		key, err := k.Ring().Signer(alg, now)
		if err != nil || key.ID() != first.ID() {
			t.Fatalf("%s: replicas sign with %v and %v, %v", now, key, first, err)
		}
		if _, _, ok := k.Ring().PublicKey(first.ID(), now); !ok {
			t.Fatalf("%s: %v isn't published", now, first)
		}
		if string(k.Ring().JWKS(now).Body) != body {
			t.Fatalf("%s: replicas publish different sets", now)
		}
	}
	return first.ID()
}

func count(changes []keys.Change, kind string) int {
	return len(slices.DeleteFunc(changes, func(c keys.Change) bool { return c.Kind != kind }))
}

// TestRunStopsAndReports: Run ends with its context, and tells of a store that can't be reached.
func TestRunStopsAndReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, boom := new(keystest.MemStore), errors.New("boom")
		var failed, loaded, changed atomic.Int32
		config := keys.Config{Store: store, Hooks: keys.Hooks{
			Failed:  func(string, error) { failed.Add(1) },
			Loaded:  func(*keys.Ring) { loaded.Add(1) },
			Changed: func(keys.Change) { changed.Add(1) },
		}}
		k := keystest.Open(t, config)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.Run(ctx) }()
		time.Sleep(3500 * time.Millisecond)
		store.Fail(boom)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := failed.Load(); n != 5 {
			t.Errorf("%d failures reported in five seconds", n)
		}
		if err := k.Ring().Ready(time.Now()); err != nil {
			t.Errorf("after five seconds without the store: %v", err)
		}
		time.Sleep(6 * time.Second)
		if err := k.Ring().Ready(time.Now()); !errors.Is(err, keys.ErrNotFresh) {
			t.Errorf("after eleven: %v, want ErrNotFresh", err)
		}
		store.Fail(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := k.Ring().Ready(time.Now()); err != nil {
			t.Errorf("after it came back: %v", err)
		}
		if l, c := loaded.Load(), changed.Load(); l != 1 || c != 1 {
			t.Errorf("loaded %d changed %d, want one each", l, c)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run ended with %v", err)
		}
	})
}

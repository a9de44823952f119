package storetest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
)

// Waiting tests an engine that keeps what waits by itself.
func Waiting(t *testing.T, open func(t *testing.T) grant.Store) { waitingOf(t, open(t)) }

func waitingOf(t *testing.T, s grant.Store) {
	t.Run("put, get, take", func(t *testing.T) { testWaits(t, s) })
	t.Run("expiry", func(t *testing.T) { testWaitExpires(t, s) })
	t.Run("replaced", func(t *testing.T) { testReplaced(t, s) })
	t.Run("any bytes", func(t *testing.T) { testDocuments(t, s) })
	t.Run("once", func(t *testing.T) { testOnce(t, s) })
	t.Run("at once", func(t *testing.T) { testWaitAtOnce(t, s) })
}

// waitName is a name as long as any.
func waitName() string {
	n := "wait:aZ09-_:" + string(id.NewLogin())
	return n + strings.Repeat("x", 128-len(n))
}

func put(t *testing.T, s grant.Store, name, document string, at time.Time, life time.Duration) {
	t.Helper()
	ok(t, s.Put(t.Context(), name, []byte(document), at, at.Add(life)))
}

// waits checks that a document is there at a time; none is "-".
func waits(t *testing.T, s grant.Store, name, want string, at time.Time) {
	t.Helper()
	got, err := s.Get(t.Context(), name, at)
	if want == "-" {
		is(t, "Get of nothing", err, grant.ErrNotFound)
		return
	}
	ok(t, err)
	same(t, "document", string(got), want)
}

func testWaits(t *testing.T, s grant.Store) {
	name, other, at := waitName(), waitName(), now()
	waits(t, s, name, "-", at)
	_, err := s.Take(t.Context(), name, at)
	is(t, "Take of nothing", err, grant.ErrNotFound)
	put(t, s, name, "one", at, time.Hour)
	put(t, s, other, "another", at, time.Hour)
	waits(t, s, name, "one", at)
	waits(t, s, name, "one", at.Add(time.Minute)) // Get changes nothing
	got, err := s.Take(t.Context(), name, at)
	ok(t, err)
	same(t, "taken", string(got), "one")
	waits(t, s, name, "-", at)
	_, err = s.Take(t.Context(), name, at)
	is(t, "Take again", err, grant.ErrNotFound)
	waits(t, s, other, "another", at)
	put(t, s, name, "two", at, time.Hour)
	waits(t, s, name, "two", at)
}

// testWaitExpires: whether something is over is said by the caller's now alone.
func testWaitExpires(t *testing.T, s grant.Store) {
	name, at := waitName(), now()
	put(t, s, name, "one", at, time.Minute)
	waits(t, s, name, "one", at.Add(time.Minute-time.Millisecond))
	waits(t, s, name, "-", at.Add(time.Minute))
	waits(t, s, name, "-", at.Add(time.Hour))
	waits(t, s, name, "one", at.Add(-time.Hour)) // a clock behind
	_, err := s.Take(t.Context(), name, at.Add(time.Minute))
	is(t, "Take of what has expired", err, grant.ErrNotFound)

	put(t, s, name, "one", at, time.Minute)
	got, err := s.Take(t.Context(), name, at.Add(time.Minute-time.Millisecond))
	ok(t, err)
	same(t, "taken at the last moment", string(got), "one")
	put(t, s, name, "over before it began", at, -time.Millisecond)
	waits(t, s, name, "-", at)
}

func testReplaced(t *testing.T, s grant.Store) {
	name, at := waitName(), now()
	put(t, s, name, "a long one, for a short time", at, time.Minute)
	put(t, s, name, "one", at, time.Hour)
	waits(t, s, name, "one", at.Add(30*time.Minute))
	put(t, s, name, "two", at, time.Minute)
	waits(t, s, name, "two", at)
	waits(t, s, name, "-", at.Add(time.Minute))
}

// testDocuments: a document comes back as it went in, up to 64 KiB.
func testDocuments(t *testing.T, s grant.Store) {
	noise := make([]byte, 64<<10)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(noise) // never fails
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, document := range map[string][]byte{
		"none": nil, "empty": {}, "a space": {' '}, "digits": []byte("123 456"), "NUL": {0}, "no UTF-8": {0xff, 0xfe},
		"every byte": every, "64 KiB of noise": noise, "64 KiB of one": bytes.Repeat([]byte{'a'}, 64<<10),
	} {
		t.Run(name, func(t *testing.T) {
			key, at := waitName(), now()
			ok(t, s.Put(t.Context(), key, document, at, at.Add(time.Hour)))
			got, err := s.Get(t.Context(), key, at)
			ok(t, err)
			if !bytes.Equal(got, document) {
				t.Errorf("%d bytes that differ, want %d", len(got), len(document))
			}
			got, err = s.Take(t.Context(), key, at)
			ok(t, err)
			if !bytes.Equal(got, document) {
				t.Errorf("%d bytes taken that differ, want %d", len(got), len(document))
			}
		})
	}
}

func once(t *testing.T, s grant.Store, name string, at, until time.Time, want bool) {
	t.Helper()
	first, err := s.Once(t.Context(), name, at, until)
	ok(t, err)
	if first != want {
		t.Errorf("Once says %t, want %t", first, want)
	}
}

func testOnce(t *testing.T, s grant.Store) {
	name, at := waitName(), now()
	once(t, s, name, at, at.Add(time.Minute), true)
	once(t, s, name, at, at.Add(time.Minute), false)
	once(t, s, name, at.Add(59*time.Second), at.Add(time.Hour), false) // nor is it remembered for longer
	once(t, s, name, at.Add(time.Minute), at.Add(2*time.Minute), true)
	once(t, s, name, at.Add(2*time.Minute-time.Millisecond), at.Add(time.Hour), false)
	once(t, s, name, at.Add(3*time.Minute), at.Add(4*time.Minute), true)
	once(t, s, waitName(), at, at.Add(time.Minute), true)

	over := waitName()
	once(t, s, over, at, at.Add(-time.Second), true) // until a time that is past: not remembered
	once(t, s, over, at, at.Add(-time.Second), true)
}

// testWaitAtOnce: of many at once one gets it.
func testWaitAtOnce(t *testing.T, s grant.Store) {
	for range 4 {
		name, at := waitName(), now()
		put(t, s, name, "one", at, time.Hour)
		winners(t, "takes of one document", atOnce(rivals, func(int) error {
			got, err := s.Take(t.Context(), name, at)
			if err == nil && string(got) != "one" {
				t.Errorf("took %q", got)
			}
			return err
		}), grant.ErrNotFound)
		for _, again := range []time.Duration{0, time.Hour} { // new, and when it is over
			seen := errors.New("seen before")
			winners(t, "first times of one name", atOnce(rivals, func(int) error {
				first, err := s.Once(t.Context(), name, at.Add(again), at.Add(again+time.Hour))
				if err == nil && !first {
					err = seen
				}
				return err
			}), seen)
		}
	}
}

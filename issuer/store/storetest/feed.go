package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

func testFeed(t *testing.T, h Harness) {
	b := h.Backend
	head, err := b.Feed.Head(t.Context())
	ok(t, err)
	if head != 0 {
		t.Errorf("Head of an empty feed: %d", head)
	}
	var users []id.User
	for range 5 {
		users = append(users, addUser(t, b).ID)
	}
	since := func(after int64, recent time.Duration, limit int) (ids []id.User, last int64) {
		t.Helper()
		got, err := b.Feed.Since(t.Context(), after, recent, limit)
		ok(t, err)
		for _, c := range got {
			if c.Seq <= last {
				t.Errorf("Since isn't in order: %+v", got)
			}
			ids, last = append(ids, id.User(c.ID)), c.Seq
		}
		return ids, last
	}
	got, second := since(0, 0, 2)
	same(t, "the first two", got, users[:2])
	got, _ = since(second, 0, 2)
	same(t, "the next two", got, users[2:4])
	got, last := since(second, time.Hour, 2)
	same(t, "the next two and all recent", got, users[:4])
	head, err = b.Feed.Head(t.Context())
	ok(t, err)
	got, _ = since(last, 0, 10)
	same(t, "the last", got, users[4:])
	got, _ = since(head, 0, 10)
	same(t, "after the head", got, nil)
	got, _ = since(head, time.Hour, 1)
	same(t, "the recent alone", got, users)
	ok(t, b.Feed.Prune(t.Context(), time.Now().Add(-time.Hour)))
	got, _ = since(0, 0, 10)
	same(t, "after pruning what is older", got, users)
	ok(t, b.Feed.Prune(t.Context(), time.Now().Add(time.Hour)))
	got, _ = since(0, time.Hour, 10)
	same(t, "after pruning all", got, nil)
	u := addUser(t, b).ID
	got, _ = since(head, 0, 10)
	same(t, "a number comes once, pruned or not", got, []id.User{u})
}

func testClock(t *testing.T, h Harness) {
	at, err := h.Backend.Clock.DatabaseTime(t.Context())
	ok(t, err)
	if d := time.Since(at).Abs(); d > time.Minute {
		t.Errorf("the database's time %v is %v off", at, d)
	}
	for name, reachable := range h.Backend.Reachable {
		if err := reachable(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Backend.Clock.DatabaseTime(canceled)
	is(t, "with a context that is canceled", err, context.Canceled)
	if errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a canceled call says that the store is unavailable: %v", err)
	}
	_, err = h.Backend.Generations.Rotate(canceled, session.Rotation{Session: id.NewSession()})
	is(t, "a Rotate that is canceled", err, context.Canceled)
}

package issuer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/internal/metrics"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// script is a feed of given changes.
type script struct {
	store.Feed
	page []store.Change
}

func (s script) Since(_ context.Context, after int64, _ time.Duration, _ int) (page []store.Change, _ error) {
	for _, c := range s.page {
		if c.Seq > after {
			page = append(page, c)
		}
	}
	return page, nil
}

// oneClient has one client, until it is deleted.
type oneClient struct{ deleted bool }

func (o *oneClient) ByID(_ context.Context, c id.Client) (client.Client, error) {
	if o.deleted {
		return client.Client{}, client.ErrNotFound
	}
	return client.Client{ID: c}, nil
}

func (o *oneClient) List(context.Context, id.Client, int) ([]client.Client, error) { return nil, nil }

// A client whose secret leaked is deleted while the token store is away: its tokens
// need no token store, so that this replica must hear of it all the same.
func TestClientEndsWhileTheTokenStoreIsAway(t *testing.T) {
	d, clients := &deaf{away: true}, &oneClient{}
	i := &Issuer{
		backend: store.Backend{Generations: d, Healer: d, Feed: script{page: []store.Change{{Seq: 1, Kind: store.Session, ID: "s", Version: 1}, {Seq: 2, Kind: store.Client, ID: "leaked"}}}},
		clients: client.NewRegistry(clients), bits: session.NewBits(), now: time.Now, metrics: metrics.New("test"),
	}
	if _, err := i.clients.Get(t.Context(), "leaked"); err != nil {
		t.Fatal(err)
	}
	clients.deleted = true
	f := &follower{issuer: i, seen: map[int64]time.Time{}, last: time.Now()}
	if err := f.look(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("with the store away: %v, want ErrUnavailable", err)
	}
	if _, err := i.clients.Get(t.Context(), "leaked"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("the deleted client is still known: %v", err)
	}
}

package grant_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/grant"
)

// one is a store of one document.
type one struct {
	grant.Store
	document []byte
	asked    int
}

func (o *one) Put(_ context.Context, _ string, document []byte, _, _ time.Time) error {
	o.document = document
	return nil
}

func (o *one) Get(context.Context, string, time.Time) ([]byte, error) {
	if o.asked++; o.document == nil {
		return nil, grant.ErrNotFound
	}
	return o.document, nil
}

func TestRecent(t *testing.T) {
	now := time.Now().UTC()
	kept := new(one)
	gave, other := grant.Waiting{Store: kept, Recent: grant.NewRecent()}, grant.Waiting{Store: kept, Recent: grant.NewRecent()}
	want := grant.Code{Session: "s", User: "usr_a", Request: grant.Request{Client: "web", Scope: []string{"openid"}}, Expires: now.Add(time.Hour)}
	code, err := gave.Issue(t.Context(), want, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at    grant.Waiting
		now   time.Time
		asked int
	}{
		"where it was given":            {gave, now.Add(grant.CodeLife - time.Millisecond), 0},
		"at another replica":            {other, now, 1},
		"too late, the store must tell": {gave, now.Add(grant.CodeLife), 1},
	} {
		kept.asked = 0
		got, err := c.at.Code(t.Context(), code, c.now)
		if err != nil || kept.asked != c.asked {
			t.Errorf("%s: %v, the store was asked %d times, want %d", name, err, kept.asked, c.asked)
		}
		if diff := cmp.Diff(want.Request, got.Request); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	kept.document = nil
	if _, err := gave.Code(t.Context(), code[:len(code)-1]+"?", now); !errors.Is(err, grant.ErrNotFound) {
		t.Errorf("another code: %v, want ErrNotFound", err)
	}
}

// A store that failed to keep a code has given none.
func TestRecentKeepsNothingThatFailed(t *testing.T) {
	long := grant.Code{Request: grant.Request{State: string(make([]byte, grant.MaxDocument))}}
	w := grant.Waiting{Store: new(one), Recent: grant.NewRecent()}
	if code, err := w.Issue(t.Context(), long, time.Now()); !errors.Is(err, grant.ErrTooLong) || code != "" {
		t.Errorf("Issue = %q, %v; want ErrTooLong", code, err)
	}
}

package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// half is a store in which a family was ended for reuse, and a ledger that may not
// have heard of it.
type half struct {
	Ledger
	session Session
	ends    []audit.Event
	settled []id.Session
}

func (h *half) Find(context.Context, id.Session) (Session, Person, error) {
	return h.session, Person{User: h.session.User}, nil
}

func (h *half) End(_ context.Context, w Which, e audit.Event) ([]Ended, error) {
	h.ends = append(h.ends, e)
	h.session.Ended = e.At
	return []Ended{{ID: w.ID, Status: h.session.Status, Until: h.session.Expires}}, nil
}

func (h *half) Unsettled(context.Context, int) ([]id.Session, error) { return nil, nil }

func (h *half) Settle(_ context.Context, sids []id.Session) error {
	h.settled = append(h.settled, sids...)
	return nil
}

// marks are the generations of half.
type marks struct {
	Generations
	sid id.Session
}

func (m marks) Rotate(context.Context, Rotation) (Result, error) {
	return Result{Over, State{Session: m.sid, Ended: true}}, nil
}

func (marks) End(context.Context, []Ended) error { return nil }

// A process ended a family and stopped before the ledger heard of it; the next one
// who meets the mark tells it, once.
func TestWhoeverMeetsAReuseSettlesIt(t *testing.T) {
	now := time.Now()
	r := sample()
	h := &half{session: Session{ID: r.Session, User: "usr_1", Client: "app", Status: 7, Expires: now.Add(time.Hour)}}
	s := New(Config{
		Issuer: "https://auth.example.com", Keys: testKeys{7: true}, Ledger: h, Generations: marks{sid: r.Session}, Settler: h,
		Bits: NewBits(), Now: func() time.Time { return now },
	})
	token, err := s.codec.encode(r)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Rotate(t.Context(), token, Asked{Client: "app"}); !errors.Is(err, ErrOver) {
			t.Fatalf("Rotate: %v", err)
		}
	}
	if len(h.ends) != 1 || h.ends[0].Kind != audit.SessionReuse || len(h.settled) != 1 || !s.Bits.Has(7) {
		t.Errorf("ends %v, settled %v, bit %v", h.ends, h.settled, s.Bits.Has(7))
	}
}

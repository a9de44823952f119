package storetest

import (
	"context"
	"sync"
	"testing"

	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// reference is session.Decide behind a mutex: what every engine must be like.
type reference struct {
	mu     sync.Mutex
	states map[id.Session]session.State
	ended  map[id.Session]bool
}

var _ session.Generations = (*reference)(nil)

func (g *reference) Begin(_ context.Context, s session.State) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, has := g.states[s.Session]; !has {
		s.Ended = s.Ended || g.ended[s.Session]
		g.states[s.Session] = s
	}
	return nil
}

func (g *reference) Rotate(ctx context.Context, r session.Rotation) (session.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, has := g.states[r.Session]
	if !has {
		return session.Result{}, ctx.Err()
	}
	res := session.Decide(s, r)
	g.states[r.Session] = res.State
	return res, ctx.Err()
}

func (g *reference) Look(_ context.Context, sid id.Session) (session.State, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, has := g.states[sid]
	if !has {
		return session.State{}, session.ErrNotFound
	}
	return s, nil
}

func (g *reference) End(_ context.Context, ended []session.Ended) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range ended {
		g.ended[e.ID] = true
		if s, has := g.states[e.ID]; has {
			s.Ended = true
			g.states[e.ID] = s
		}
	}
	return nil
}

func (g *reference) Update(_ context.Context, sids []id.Session, p session.Person) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, sid := range sids {
		if s, has := g.states[sid]; has && p.Version > s.Person.Version {
			s.Person = p
			g.states[sid] = s
		}
	}
	return nil
}

// TestReference runs the suite on the reference: the table agrees with
// session.Decide.
func TestReference(t *testing.T) {
	Generations(t, func(*testing.T) session.Generations {
		return &reference{states: map[id.Session]session.State{}, ended: map[id.Session]bool{}}
	})
}

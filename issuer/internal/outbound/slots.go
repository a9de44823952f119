package outbound

import (
	"context"
	"sync"
)

// How many calls there are at once. A host that answers slowly keeps no more than its share of them.
const (
	maxCalls     = 64
	maxCallsHost = 4
)

// slots are the turns of calls: a host's, then everybody's.
type slots struct {
	all     chan struct{}
	perHost int

	mu    sync.Mutex // guards:
	hosts map[string]*hostSlots
}

type hostSlots struct {
	turns chan struct{}
	users int // who wait or have a turn; without any it is forgotten
}

func newSlots(all, perHost int) *slots {
	return &slots{all: make(chan struct{}, all), perHost: perHost, hosts: map[string]*hostSlots{}}
}

// take waits for a turn until ctx ends. free gives it back.
func (s *slots) take(ctx context.Context, host string) (free func(), err error) {
	h := s.enter(host)
	if err := acquire(ctx, h.turns); err != nil {
		s.leave(host, h)
		return nil, err
	}
	if err := acquire(ctx, s.all); err != nil {
		<-h.turns
		s.leave(host, h)
		return nil, err
	}
	return func() {
		<-s.all
		<-h.turns
		s.leave(host, h)
	}, nil
}

func acquire(ctx context.Context, turns chan struct{}) error {
	select {
	case turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *slots) enter(host string) *hostSlots {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[host]
	if h == nil {
		h = &hostSlots{turns: make(chan struct{}, s.perHost)}
		s.hosts[host] = h
	}
	h.users++
	return h
}

func (s *slots) leave(host string, h *hostSlots) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(s.hosts, host)
	}
}

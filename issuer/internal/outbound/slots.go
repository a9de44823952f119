package outbound

import (
	"context"
	"fmt"
	"sync"
)

// How many calls there are at once. A host that answers slowly keeps no more than its share of them.
const (
	DefaultCalls   = 64
	maxCallsHost   = 4
	maxCalling     = 1024 // with those that wait for a turn; of further ones none waits
	maxCallingHost = 256  // as many clients of one house, which are asked for their keys after a restart
)

// slots are the turns of calls: a host's, then everybody's.
type slots struct {
	all              chan struct{}
	perHost          int
	most, mostOfHost int // who wait or have a turn

	mu    sync.Mutex // guards:
	users int
	hosts map[string]*hostSlots
}

type hostSlots struct {
	turns chan struct{}
	users int // who wait or have a turn; without any it is forgotten
}

func newSlots(all, perHost, most, mostOfHost int) *slots {
	return &slots{all: make(chan struct{}, all), perHost: perHost, most: most, mostOfHost: mostOfHost, hosts: map[string]*hostSlots{}}
}

// take waits for a turn until ctx ends; that, or too many who wait, is ErrBusy. free gives it back.
func (s *slots) take(ctx context.Context, host string) (free func(), err error) {
	h, may := s.enter(host)
	if !may {
		return nil, fmt.Errorf("%w: too many wait", ErrBusy)
	}
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
		return fmt.Errorf("%w: %w", ErrBusy, context.Cause(ctx))
	}
}

func (s *slots) enter(host string) (h *hostSlots, may bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h = s.hosts[host]
	if s.users >= s.most || h != nil && h.users >= s.mostOfHost {
		return nil, false
	}
	if h == nil {
		h = &hostSlots{turns: make(chan struct{}, s.perHost)}
		s.hosts[host] = h
	}
	s.users++
	h.users++
	return h, true
}

func (s *slots) leave(host string, h *hostSlots) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	if h.users--; h.users == 0 {
		delete(s.hosts, host)
	}
}

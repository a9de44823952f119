package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// Ports are drawn from below Linux's ephemeral range (32768 and up), so that
// no outgoing connection of any test can sit on a port between its draw and
// its use, or while its server is down for a restart.
const (
	firstPort = 20_000
	lastPort  = 32_000
	portDraws = 100
)

// pollEvery is how often readiness is asked for.
const pollEvery = 10 * time.Millisecond

// FreeAddr returns an address on the loopback, "127.0.0.1:PORT", on which
// nobody listens now. Nothing reserves it: a caller binds it soon.
func FreeAddr() (string, error) {
	for range portDraws {
		port := firstPort + rand.IntN(lastPort-firstPort)
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		return addr, l.Close()
	}
	return "", fmt.Errorf("no free port in %d draws between %d and %d", portDraws, firstPort, lastPort)
}

// await asks ready until it returns nil. It gives up when the context ends or
// the process does, with the last answer.
func await(ctx context.Context, p *process, ready func(context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errors.Join(fmt.Errorf("%s ended before it was ready: %v", p.name, p.state()), err)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s isn't ready: %w", p.name, ctx.Err()), err)
		case <-tick.C:
		}
	}
}

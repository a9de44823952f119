package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/issuer/store"
)

// soon is how long a failing operation may take: the timeout, and what a busy
// test machine adds.
const soon = DefaultTimeout + time.Second

// mustBeUnavailable wants each kind of operation to fail soon, and as
// store.ErrUnavailable; Rotate of the live session given.
func mustBeUnavailable(t *testing.T, s *Store, live session.State) {
	t.Helper()
	for name, f := range map[string]func(context.Context) error{
		"Begin":    func(ctx context.Context) error { return s.Begin(ctx, newState(start)) },
		"Rotate":   func(ctx context.Context) error { _, err := s.Rotate(ctx, rotation(live, 1, start)); return err },
		"Take":     func(ctx context.Context) error { _, err := s.Take(ctx, "k", tenAMinute, 1, start); return err },
		"End":      func(ctx context.Context) error { return s.End(ctx, []session.Ended{{ID: live.Session}}) },
		"Put":      func(ctx context.Context) error { return s.Waiting().Put(ctx, "n", nil, start, start) },
		"Once":     func(ctx context.Context) error { _, err := s.Waiting().Once(ctx, "n", start, start); return err },
		"WentBack": func(ctx context.Context) error { _, err := s.WentBack(ctx); return err },
	} {
		began := time.Now()
		err := f(t.Context())
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
		if took := time.Since(began); took > soon {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func TestKilledAndBack(t *testing.T) {
	s, server := single(t)
	state := begun(t, s, start)
	server.Kill()
	mustBeUnavailable(t, s, state)
	if err := s.Reachable(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Reachable: %v, want ErrUnavailable", err)
	}
	server.Start()
	if err := s.Reachable(t.Context()); err != nil {
		t.Error(err)
	}
	state = begun(t, s, start) // the scripts are unknown there now
	mustRotate(t, s, rotation(state, 1, start), session.Rotated)
}

// TestRestartBetweenTwoRequests has pooled connections be dead without notice.
func TestRestartBetweenTwoRequests(t *testing.T) {
	s, server := single(t, "--appendonly", "yes", "--appendfsync", "always")
	state := begun(t, s, start)
	mustRotate(t, s, rotation(state, 1, start), session.Rotated)
	server.Kill()
	server.Start()
	mustRotate(t, s, rotation(state, 2, start), session.Rotated)
}

func TestFrozen(t *testing.T) {
	s, server := single(t)
	state := begun(t, s, start)
	server.Signal(syscall.SIGSTOP)
	defer server.Signal(syscall.SIGCONT)
	mustBeUnavailable(t, s, state)
	server.Signal(syscall.SIGCONT)
	if err := s.Reachable(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefusedWrites(t *testing.T) {
	for name, c := range map[string]struct{ on, off []string }{
		"out of memory": {[]string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
		"read-only":     {[]string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
		"disk broken":   {[]string{"CONFIG", "SET", "min-replicas-to-write", "1"}, []string{"CONFIG", "SET", "min-replicas-to-write", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, server := single(t)
			state := begun(t, s, start)
			server.CLI(c.on...)
			mustBeUnavailable(t, s, state)
			server.CLI(c.off...)
			mustRotate(t, s, rotation(state, 1, start), session.Rotated)
		})
	}
}

// TestReuseThatCouldNotBeWritten must not have happened by half.
func TestReuseThatCouldNotBeWritten(t *testing.T) {
	s, server := single(t)
	state := begun(t, s, start)
	mustRotate(t, s, rotation(state, 1, start), session.Rotated)
	mustRotate(t, s, rotation(state, 2, start), session.Rotated)
	server.CLI("CONFIG", "SET", "maxmemory", "1")
	if _, err := s.Rotate(t.Context(), rotation(state, 1, start)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Rotate: %v, want ErrUnavailable", err)
	}
	server.CLI("CONFIG", "SET", "maxmemory", "0")
	if got, err := s.Look(t.Context(), state.Session); err != nil || got.Ended {
		t.Errorf("%+v, %v; want it live", got, err)
	}
	mustRotate(t, s, rotation(state, 1, start), session.Reused)
}

func TestNobodyThere(t *testing.T) {
	mustBeUnavailable(t, open(t, "redis://127.0.0.1:1"), newState(start))
	mustBeUnavailable(t, open(t, "redis://127.0.0.1:1,127.0.0.1:2"), newState(start))
	mustBeUnavailable(t, open(t, "redis://127.0.0.1:1,127.0.0.1:2/?master=m"), newState(start))
}

// TestSilence has a listener that accepts and never answers.
func TestSilence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	mustBeUnavailable(t, open(t, "redis://"+l.Addr().String()), newState(start))
}

func TestCallerGaveUp(t *testing.T) {
	s, _ := single(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Rotate(ctx, rotation(newState(start), 1, start))
	if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want context.Canceled and nothing of the store", err)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err = s.Rotate(ctx, rotation(newState(start), 1, start))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want context.DeadlineExceeded and ErrUnavailable", err)
	}
}

// TestScriptsLost has the server forget the scripts while connections live.
func TestScriptsLost(t *testing.T) {
	s, server := single(t)
	state := begun(t, s, start)
	mustRotate(t, s, rotation(state, 1, start), session.Rotated)
	for range 2 {
		server.CLI("SCRIPT", "FLUSH")
		if err := s.End(t.Context(), []session.Ended{{ID: "one"}, {ID: "two"}, {ID: state.Session}}); err != nil {
			t.Fatal(err)
		}
		server.CLI("SCRIPT", "FLUSH")
		mustRotate(t, s, rotation(state, 2, start), session.Over)
	}
}

func TestFlushed(t *testing.T) {
	s, server := single(t)
	state := begun(t, s, start)
	state = mustRotate(t, s, rotation(state, 1, start), session.Rotated)
	server.CLI("FLUSHALL")
	if got, err := s.Rotate(t.Context(), rotation(state, 2, start)); err != nil || got.Outcome != session.Unknown || got.State.Session != "" {
		t.Errorf("%+v, %v; want Unknown and the zero state", got, err)
	}
	if _, err := s.Look(t.Context(), state.Session); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	if err := s.Begin(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	mustRotate(t, s, rotation(state, 9, start), session.Adopted)
}

// TestForeignKey has something else stand where a session should: waiting doesn't
// mend that, and nobody is told that the session is over.
func TestForeignKey(t *testing.T) {
	for name, c := range map[string]struct {
		command []string
		want    string
	}{
		"another type":  {[]string{"RPUSH"}, "WRONGTYPE"},
		"another value": {[]string{"SET"}, errState.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			s, server := single(t)
			state := newState(start)
			server.CLI(append(c.command, stateKey(state.Session), "something else")...)
			_, err := s.Rotate(t.Context(), rotation(state, 1, start))
			if err == nil || errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	_, server := single(t, "--requirepass", "right horse")
	s := open(t, fmt.Sprintf("redis://:wrong@%s", server.Addr))
	mustBeUnavailable(t, s, newState(start))
	if err := s.Reachable(t.Context()); err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "wrong@") {
		t.Errorf("%v, want WRONGPASS and no password", err)
	}
}

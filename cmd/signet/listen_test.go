package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func local(t *testing.T) net.Listener {
	t.Helper()
	l, err := listen(t.Context(), "addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A request that is under way when the signal comes is answered; the work behind it goes on until then; and nobody
// new is let in.
func TestServeUntilFinishesRequests(t *testing.T) {
	ctx, signal := context.WithCancel(t.Context())
	entered, leave := make(chan struct{}), make(chan struct{})
	workDone := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		if r.Context().Err() != nil {
			t.Error("the request's context ended with the signal")
		}
		select {
		case <-workDone:
			t.Error("the work ended before the request")
		default:
		}
		_, _ = io.WriteString(w, "done")
	})
	work := func(ctx context.Context) error { <-ctx.Done(); close(workDone); return nil }
	l := local(t)
	ended := make(chan error, 1)
	go func() {
		ended <- serveUntil(ctx, zerolog.Nop(), []endpoint{{name: "public", listener: l, handler: handler}}, work)
	}()
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		answer <- string(b)
	}()
	<-entered
	signal()
	untilRefused(t, l.Addr().String())
	close(leave)
	if got := <-answer; got != "done" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("serveUntil: %v", err)
	}
}

// untilRefused waits until the listener is closed.
func untilRefused(t *testing.T, addr string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_ = c.Close()
	}
	t.Fatal("the listener stays open")
}

func TestServeUntilEndsWithItsWork(t *testing.T) {
	broken := errors.New("broken")
	err := serveUntil(t.Context(), zerolog.Nop(), []endpoint{{name: "public", listener: local(t), handler: http.NotFoundHandler()}},
		func(context.Context) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("serveUntil: %v, want %v", err, broken)
	}
}

func TestServeUntilEndsWithAListener(t *testing.T) {
	l := local(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	err := serveUntil(t.Context(), zerolog.Nop(), []endpoint{{name: "public", listener: l, handler: http.NotFoundHandler()}},
		func(ctx context.Context) error { <-ctx.Done(); return nil })
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("serveUntil: %v, want %v", err, net.ErrClosed)
	}
}

func TestServerBounds(t *testing.T) {
	srv := newServer(t.Context(), zerolog.Nop(), endpoint{})
	if srv.ReadHeaderTimeout == 0 || srv.ReadTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 {
		t.Errorf("a timeout isn't set: %+v", srv)
	}
	if srv.MaxHeaderBytes != 16<<10 {
		t.Errorf("headers of %d bytes", srv.MaxHeaderBytes)
	}
}

func TestReachable(t *testing.T) {
	for given, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", ":8080": "localhost:8080", "0.0.0.0:80": "localhost:80",
		"[::]:80": "localhost:80", "[::1]:80": "[::1]:80", "example.com:80": "example.com:80", "frob": "frob",
	} {
		if got := reachable(given); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	log := newLogger(&b, "warn")
	log.Info().Msg("quiet")
	log.Warn().Msg("loud")
	if got := b.String(); strings.Contains(got, "quiet") || !strings.HasPrefix(got, `{"level":"warn"`) {
		t.Errorf("%s", got)
	}
}

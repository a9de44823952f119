package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
)

// Bounds of a connection. A request's body is at most 64 KiB and an answer waits for a password hash at most, so what takes
// longer is somebody who holds on to the connection.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 15 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
	// drain is how long requests may take to finish once the server is told to stop.
	drain = 10 * time.Second
)

// endpoint is a handler at an open address.
type endpoint struct {
	name     string // for the log
	listener net.Listener
	handler  http.Handler
	tls      *tls.Config // nil: plain HTTP
}

func (e endpoint) url() string {
	scheme := "http://"
	if e.tls != nil {
		scheme = "https://"
	}
	return scheme + reachable(e.listener.Addr().String())
}

// serve serves until the server is shut down. By TLS it speaks HTTP/2 too.
func (e endpoint) serve(srv *http.Server) error {
	if e.tls != nil {
		return srv.ServeTLS(e.listener, "", "") // the certificate is the config's
	}
	return srv.Serve(e.listener)
}

// listen opens an address; an error names the flag that changes it.
func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program: stop that, or choose another address with --%s%s", addr, flag, envOf(flag))
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s may not be used: a port below 1024 needs a privilege (CAP_NET_BIND_SERVICE); choose another address with --%s%s", addr, flag, envOf(flag))
	}
	return nil, fmt.Errorf("%w; choose another address with --%s%s", err, flag, envOf(flag))
}

// envOf is the variable beside a flag, in parentheses, where there is one.
func envOf(flag string) string {
	if st, ok := settingNamed(flag); ok {
		return " (" + st.env() + ")"
	}
	return ""
}

// serveUntil serves the endpoints, with work going on behind them, until ctx ends or one of them fails. Then it stops
// accepting, lets requests finish, and ends the work last.
func serveUntil(ctx context.Context, log zerolog.Logger, endpoints []endpoint, work func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	// Neither requests nor what they rely on end with the signal.
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var servers []*http.Server
	for _, e := range endpoints {
		srv := newServer(lasting, log, e)
		servers = append(servers, srv)
		g.Go(func() error { return notClosed(e.serve(srv)) })
	}
	g.Go(func() error { return work(lasting) })
	g.Go(func() error {
		<-ctx.Done()
		defer end()
		return shutdown(servers)
	})
	return g.Wait()
}

func newServer(ctx context.Context, log zerolog.Logger, e endpoint) *http.Server {
	return &http.Server{
		Handler:           e.handler,
		TLSConfig:         e.tls,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          stdLogger(log, e.name),
	}
}

func notClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutdown stops all at once and cuts off what isn't done in time.
func shutdown(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	var g errgroup.Group
	for _, srv := range servers {
		g.Go(func() error {
			err := srv.Shutdown(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				return srv.Close()
			}
			return err
		})
	}
	return g.Wait()
}

// closeAll closes listeners that nothing serves.
func closeAll(listeners ...net.Listener) {
	for _, l := range listeners {
		if l != nil {
			_ = l.Close() // already closed by its server
		}
	}
}

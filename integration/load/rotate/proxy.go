package rotate

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// failTimeout is how long the proxy leaves a replica alone that it couldn't
// reach: nginx's fail_timeout, by its default.
const failTimeout = 10 * time.Second

// Proxy hands requests to replicas in turn. It is plain: it repeats nothing, and
// whoever asked a replica that has just died gets a 502.
type Proxy struct {
	URL    string
	server *http.Server
	relay  *httputil.ReverseProxy

	mu       sync.Mutex // guards what follows
	replicas []*replica
	turn     int
}

type replica struct {
	url    *url.URL
	idleTo time.Time // it failed, and isn't asked before
}

// target carries the chosen replica from the handler to the relay.
type target struct{}

// NewProxy listens on a spare port. Close ends it.
func NewProxy(ctx context.Context) (*Proxy, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the proxy: %w", err)
	}
	p := &Proxy{URL: "http://" + l.Addr().String()}
	p.relay = &httputil.ReverseProxy{
		Rewrite:      rewrite,
		ErrorHandler: p.failed,
		Transport:    &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }() // it ends by Close
	return p, nil
}

// Close ends the proxy.
func (p *Proxy) Close() error { return p.server.Close() }

// Add lets a replica that is ready take part.
func (p *Proxy) Add(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replicas = append(p.replicas, &replica{url: u})
	return nil
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	chosen := p.next(time.Now())
	if chosen == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	p.relay.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), target{}, chosen)))
}

// next returns the replica whose turn it is, leaving out those that failed just
// now; one of these where there is no other.
func (p *Proxy) next(now time.Time) *replica {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.replicas {
		p.turn = (p.turn + 1) % len(p.replicas)
		if r := p.replicas[p.turn]; !now.Before(r.idleTo) {
			return r
		}
	}
	if len(p.replicas) == 0 {
		return nil
	}
	return p.replicas[p.turn]
}

func rewrite(r *httputil.ProxyRequest) {
	chosen, _ := r.In.Context().Value(target{}).(*replica)
	r.SetURL(chosen.url)
	r.Out.Host = r.In.Host
}

// failed answers where a replica didn't.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, _ error) {
	if chosen, ok := r.Context().Value(target{}).(*replica); ok && r.Context().Err() == nil {
		p.mu.Lock()
		chosen.idleTo = time.Now().Add(failTimeout)
		p.mu.Unlock()
	}
	w.WriteHeader(http.StatusBadGateway)
}

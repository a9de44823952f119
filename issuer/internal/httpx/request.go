package httpx

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// request is what is known of a request while it is served.
type request struct {
	id      string
	address netip.Addr
	event   *zerolog.Event // nil when the level is off; built by one goroutine
	failure string         // what Fail was told
}

type requestKey struct{}

func of(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		return &request{}
	}
	return r
}

// RequestID returns the id of the request; it is in the answer's header, in every
// error, in the log and in the audit.
func RequestID(ctx context.Context) string { return of(ctx).id }

// Address returns where the request came from, behind the trusted proxies.
func Address(ctx context.Context) netip.Addr { return of(ctx).address }

// Note adds a fact to the request's one log event. Never a secret, a token or a
// password. It must be called by the goroutine that serves the request.
func Note(ctx context.Context, name, value string) {
	if r := of(ctx); r.event != nil {
		r.event.Str(name, value)
	}
}

// Serve wraps the routes of one address: request id, address, panics, security
// headers, and one log event a request, written once at its end.
type Serve struct {
	Log     zerolog.Logger
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
	Next    http.Handler
	// Context adds to the request's context, in which RequestID and Address are
	// known already; nil: nothing. (A handler around Next would copy the request
	// once more.)
	Context func(context.Context) context.Context
	// Done is told of every request, for metrics; nil: nobody.
	Done func(pattern string, status int, took time.Duration)
}

// The same for every answer, so not made anew for each. (Who adds a value makes a new list.)
var (
	noSniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
)

func (s *Serve) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	q := &request{id: rand.Text()[:16], address: s.client(r), event: s.Log.Info()}
	ctx := context.WithValue(r.Context(), requestKey{}, q)
	if s.Context != nil {
		ctx = s.Context(ctx)
	}
	r = r.WithContext(ctx)
	out := &recorder{ResponseWriter: w}
	h := out.Header()
	h.Set("X-Request-Id", q.id)
	h["X-Content-Type-Options"], h["Referrer-Policy"] = noSniff, noReferrer
	defer s.finish(r, q, out, begun) // the mux writes the pattern that matched into this r
	s.Next.ServeHTTP(out, r)
}

// finish answers a panic with a fixed 500 and writes the event.
func (s *Serve) finish(r *http.Request, q *request, out *recorder, begun time.Time) {
	if p := recover(); p != nil {
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		s.Log.Error().Str("request_id", q.id).Interface("panic", p).Stack().Msg("panic")
		if out.status == 0 {
			Table(nil).Fail(out, r, errPanic)
		}
	}
	took := time.Since(begun)
	if q.event == nil && out.status == http.StatusInternalServerError { // the log knows it at every level
		q.event = s.Log.Error().Str("error", q.failure)
	}
	q.event.Str("request_id", q.id).Str("method", r.Method).Str("route", r.Pattern).Int("status", out.status).
		Stringer("address", q.address).Dur("took_ms", took).Msg("request")
	if s.Done != nil {
		s.Done(r.Pattern, out.status, took)
	}
}

var errPanic = &Error{Status: http.StatusInternalServerError, Code: "server_error", Description: "something went wrong here; the log knows it by the request id"}

// client is the address of whoever sent the request: the peer's, or where that is
// a trusted proxy, the last address of X-Forwarded-For that is none.
func (s *Serve) client(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	addr = addr.Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	return addr.WithZone("")
}

func (s *Serve) trusts(a netip.Addr) bool {
	for _, p := range s.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

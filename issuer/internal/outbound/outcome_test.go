package outbound

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// calls are what a client was observed to do.
type calls struct {
	mu  sync.Mutex
	all []Call
}

func (c *calls) add(one Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, one)
}

// TestOutcomes: every call is told of once, by its purpose and what came of it.
func TestOutcomes(t *testing.T) {
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		handler   http.HandlerFunc
		ctx       context.Context // nil: the test's
		config    Config
		address   string // empty: the server's
		get, post string
	}{
		"taken":           {handler: answer(200), get: "ok", post: "ok"},
		"no content":      {handler: answer(204), get: "status_2xx", post: "ok"},
		"a redirect":      {handler: answer(302), get: "status_3xx", post: "status_3xx"},
		"not there":       {handler: answer(404), get: "status_4xx", post: "status_4xx"},
		"broken":          {handler: answer(503), get: "status_5xx", post: "status_5xx"},
		"no known status": {handler: answer(999), get: "status_other", post: "status_other"},
		"slow":            {handler: hang, config: Config{Timeout: 50 * time.Millisecond}, get: "timeout", post: "timeout"},
		"large":           {handler: hello, config: Config{MaxBytes: 2}, get: "too_large", post: "ok"},
		"who asked left":  {handler: hello, ctx: canceled, get: "canceled", post: "canceled"},
		"no URL":          {address: "http://127.0.0.1/", get: "refused", post: "refused"},
		"not public":      {address: "https://10.1.2.3/", get: "refused", post: "refused"},
		"nobody there":    {address: "https://127.0.0.1:1/", get: "failed", post: "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOther(t, "", c.handler)
			seen := &calls{}
			c.config.CA, c.config.Allow, c.config.Observe = o.pool(), []string{"127.0.0.1"}, seen.add
			ctx, address := c.ctx, c.address
			if ctx == nil {
				ctx = t.Context()
			}
			if address == "" {
				address = o.URL
			}
			client := newClient(t, c.config)
			_, _ = client.For(ForKeys).Get(ctx, address, "*/*") // how it failed is what is observed
			_, _ = client.For(ForLogout).PostForm(ctx, address, url.Values{})
			if len(seen.all) != 2 || seen.all[0].Purpose != ForKeys || seen.all[0].Outcome != c.get || seen.all[1].Purpose != ForLogout || seen.all[1].Outcome != c.post {
				t.Errorf("%+v, want %s and %s", seen.all, c.get, c.post)
			}
			if slow := c.config.Timeout; slow > 0 && (seen.all[0].Took < slow || seen.all[0].Took > time.Minute) {
				t.Errorf("it took %v", seen.all[0].Took)
			}
		})
	}
}

// TestShares: a host that hangs takes a few turns of the client that calls it, a stranger's many hosts take all of a
// stranger's, and neither delays who calls by a client of their own.
func TestShares(t *testing.T) {
	held, release := make(chan struct{}, DefaultCalls), make(chan struct{})
	o := newOther(t, "", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			held <- struct{}{}
			<-release
		}
		_, _ = io.WriteString(w, "hello")
	})
	seen := &calls{}
	config := Config{CA: o.pool(), Allow: []string{"127.0.0.0/8"}, Resolver: resolver(t, "127.0.0.1"), Timeout: time.Minute, Calls: 8, Observe: seen.add}
	strangers, operators := newClient(t, config), newClient(t, config)
	var under sync.WaitGroup
	defer under.Wait()
	defer close(release)
	slow := func(host string) {
		under.Go(func() {
			_, _ = strangers.Get(context.WithoutCancel(t.Context()), "https://"+host+o.port()+"/slow", "*/*")
		})
	}
	for range maxCallsHost + 3 {
		slow("127.0.0.1")
	}
	for range maxCallsHost {
		<-held
	}
	// Of a name that httptest's certificate is good for; another host has turns left.
	if body, err := strangers.For(ForKeys).Get(t.Context(), "https://example.com"+o.port(), "*/*"); err != nil || string(body) != "hello" {
		t.Fatalf("another host: %q, %v", body, err)
	}
	for range maxCallsHost {
		slow("example.com")
	}
	for range maxCallsHost {
		<-held
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := strangers.For(ForKeys).Get(short, "https://www.example.com"+o.port(), "*/*")
	if err == nil || !strings.Contains(err.Error(), "no turn for the call: context deadline exceeded") {
		t.Errorf("of all turns none was left, but %v", err)
	}
	if last := seen.all[len(seen.all)-1]; last.Outcome != OutcomeBusy {
		t.Errorf("observed as %+v", last)
	}
	for _, host := range []string{"127.0.0.1", "example.com"} {
		if body, err := operators.Get(t.Context(), "https://"+host+o.port(), "*/*"); err != nil || string(body) != "hello" {
			t.Errorf("the operator's call of %s: %q, %v", host, body, err)
		}
	}
	if len(held) != 0 {
		t.Errorf("%d calls more than the host may get", len(held))
	}
}

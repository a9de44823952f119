package verifier

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/signet-oidc/signet/verifier/jws"
)

// maxHeaders is how many headers are remembered. An issuer's tokens have one for
// each of its keys and types.
const maxHeaders = 64

// headers remembers what header bytes mean, once a signature over them was good,
// so that nobody else can fill it. The map is a snapshot, swapped whole.
type headers struct {
	known atomic.Pointer[map[string]jws.Header]
	mu    sync.Mutex // among writers
}

func (h *headers) get(b64 string) (jws.Header, bool) {
	known := h.known.Load()
	if known == nil {
		return jws.Header{}, false
	}
	header, ok := (*known)[b64]
	return header, ok
}

// put remembers; when it is full it starts again, for keys rotate.
func (h *headers) put(b64 string, header jws.Header) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := make(map[string]jws.Header, 1)
	if old := h.known.Load(); old != nil && len(*old) < maxHeaders {
		next = maps.Clone(*old)
	}
	next[strings.Clone(b64)] = header // a clone, so as not to hold the whole token
	h.known.Store(&next)
}

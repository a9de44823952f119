package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/keys"
)

// document is a public one, made once a change and not a request.
type document struct {
	body  []byte
	etag  string
	cache string // Cache-Control
	algs  []keys.Algorithm
}

// publish answers with a public document, or 304 where the reader has it (RFC 9110
// §13.1.2).
func publish(w http.ResponseWriter, r *http.Request, media string, d document) {
	h := w.Header()
	h.Set("Cache-Control", d.cache)
	h.Set("ETag", d.etag)
	if matches(r.Header.Get("If-None-Match"), d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	_, _ = w.Write(d.body) // a client that left needs no answer
}

// matches compares weakly, as If-None-Match asks (RFC 9110 §13.1.2).
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}

func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// cacheFor is the Cache-Control of what every cache may keep.
func cacheFor(age time.Duration) string {
	return "public, max-age=" + strconv.Itoa(int(age/time.Second))
}

package behaviours

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The issuer's documents.
const (
	discoveryPath  = "/.well-known/openid-configuration"
	jwksPath       = "/.well-known/jwks.json"
	statusFolder   = "/oauth/status"
	statusPath     = statusFolder + "/1"
	introspectPath = "/oauth/introspect"
)

// clientSecret is of the client "api", which may introspect.
const clientSecret = "a secret of the tests"

// Issuer serves real HTTP on loopback, and misbehaves when told to.
type Issuer struct {
	URL string

	server *http.Server
	maxAge atomic.Int64  // of the documents, in seconds: 300, as Signet's
	gone   chan struct{} // closed with the issuer: whoever it keeps waiting goes

	mu      sync.Mutex // the rest
	ec, rsa *key       // which sign
	keys    []*key     // published
	extra   []any      // further elements of the JWK set
	meta    map[string]any
	answers map[string]http.HandlerFunc // instead of the documents
	hits    map[string]int
	asked   map[string]int // of hits: with If-None-Match
	down    bool
	bits    []byte // of the status list
	version int
	active  map[string]bool // for introspection
}

func newIssuer() (*Issuer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &Issuer{
		URL: "http://" + l.Addr().String(), gone: make(chan struct{}), bits: make([]byte, 1024), active: make(map[string]bool),
		answers: make(map[string]http.HandlerFunc), hits: make(map[string]int), asked: make(map[string]int),
	}
	i.ec, i.rsa = newEC("ES256"), newRSA("RS256", rsaKey())
	i.keys = []*key{i.ec, i.rsa}
	i.meta = metadata(i.URL)
	i.maxAge.Store(300)
	i.server = &http.Server{Handler: i, ReadHeaderTimeout: patience}
	go func() { _ = i.server.Serve(l) }() // it returns when close is called
	return i, nil
}

func metadata(url string) map[string]any {
	return map[string]any{
		"issuer": url, "jwks_uri": url + jwksPath, "status_list_endpoint": url + statusFolder,
		"authorization_endpoint": url + "/oauth/authorize", "token_endpoint": url + "/oauth/token", "introspection_endpoint": url + introspectPath,
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": Algorithms,
	}
}

func (i *Issuer) close() {
	close(i.gone)
	_ = i.server.Close()
}

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.hits[r.URL.Path]++
	if r.Header.Get("If-None-Match") != "" {
		i.asked[r.URL.Path]++
	}
	down, answer := i.down, i.answers[r.URL.Path]
	i.mu.Unlock()
	switch {
	case down:
		panic(http.ErrAbortHandler) // the connection breaks without an answer
	case answer != nil:
		answer(w, r)
	default:
		i.serve(w, r)
	}
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case discoveryPath:
		i.document(w, r, "application/json", i.text(func() any { return i.meta }))
	case jwksPath:
		i.document(w, r, "application/jwk-set+json", i.text(func() any { return i.set() }))
	case statusPath:
		i.document(w, r, "application/statuslist+jwt", []byte(i.List(nil)))
	case introspectPath:
		i.introspect(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) text(of func() any) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	return []byte(toJSON(of()))
}

// set is the JWK set. Call with mu held.
func (i *Issuer) set() map[string]any {
	all := slices.Clone(i.extra)
	for _, k := range i.keys {
		all = append(all, k.jwk)
	}
	return map[string]any{"keys": all}
}

func (i *Issuer) document(w http.ResponseWriter, r *http.Request, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", i.maxAge.Load()))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func (i *Issuer) introspect(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != "api" || secret == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	i.mu.Lock()
	active := i.active[r.FormValue("token")]
	i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"active": active}) // the client may be gone
}

// Down breaks every connection, or ends that.
func (i *Issuer) Down(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Answer has f answer at path; nil ends it.
func (i *Issuer) Answer(path string, f http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers[path] = f
}

// stall keeps who asks waiting, until it gives up.
func (i *Issuer) stall(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-i.gone:
	}
}

// constant answers with a status and a body.
func constant(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client may be gone
	}
}

// Hits is how often path was asked for; "" is all.
func (i *Issuer) Hits(path string) (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for p, count := range i.hits {
		if path == "" || p == path {
			n += count
		}
	}
	return n
}

// Conditional is how often path was asked for with If-None-Match.
func (i *Issuer) Conditional(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// Publish adds keys to the set.
func (i *Issuer) Publish(keys ...*key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, keys...)
}

// PublishRaw puts elements that aren't keys before them.
func (i *Issuer) PublishRaw(elements ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.extra = append(i.extra, elements...)
}

// Rotate makes the EC key another; the old one stays published. It returns the old.
func (i *Issuer) Rotate() *key {
	next := newEC("ES256")
	i.mu.Lock()
	defer i.mu.Unlock()
	old := i.ec
	i.ec = next
	i.keys = append(i.keys, next)
	return old
}

// Withdraw takes a key off the set.
func (i *Issuer) Withdraw(k *key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.DeleteFunc(i.keys, func(other *key) bool { return other.kid == k.kid })
}

func (i *Issuer) signing() *key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ec
}

// Revoke sets the bit of a session.
func (i *Issuer) Revoke(index int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bits[index/8] |= 1 << (index % 8)
	i.version++
}

// List is the status list token, with its claims changed.
func (i *Issuer) List(change func(map[string]any)) string {
	k := i.signing()
	return k.sign(`{"alg":"ES256","kid":"`+k.kid+`","typ":"statuslist+jwt"}`, i.listClaims(change))
}

func (i *Issuer) listClaims(change func(map[string]any)) string {
	i.mu.Lock()
	packed, version := pack(i.bits), i.version
	i.mu.Unlock()
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": i.URL, "sub": i.URL + statusPath, "iat": now, "exp": now + 3600, "ttl": 1, "version": version,
		"status_list": map[string]any{"bits": 1, "lst": packed},
	}
	if change != nil {
		change(claims)
	}
	return toJSON(claims)
}

func pack(bits []byte) string {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(bits) // to memory
	_ = z.Close()
	return b64(out.Bytes())
}

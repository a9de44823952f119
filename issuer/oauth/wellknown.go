package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signet-oidc/signet/discovery"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/flow"
	"github.com/signet-oidc/signet/keys"
)

// Paths of the endpoints, below the issuer URL.
const (
	PathToken      = "/oauth/token"
	PathRevoke     = "/oauth/revoke"
	PathIntrospect = "/oauth/introspect"
	PathStatus     = "/oauth/status/"
)

// metadataAge is how long the metadata may be cached: what it lists changes with
// settings only, and an algorithm enters it when its keys may sign.
const metadataAge = 5 * time.Minute

func cacheFor(age time.Duration) string {
	return "public, max-age=" + strconv.Itoa(int(age/time.Second))
}

// document is a public one, made once a change and not a request.
type document struct {
	body  []byte
	etag  string
	cache string // Cache-Control
	algs  []keys.Algorithm
}

// JWKS publishes the public keys (RFC 7517 §5). A ring that isn't fresh must not
// stay in caches.
func (o *OAuth) JWKS(w http.ResponseWriter, r *http.Request) error {
	set := o.Ring().JWKS(o.Now())
	publish(w, r, discovery.MediaJWKS, document{body: set.Body, etag: set.ETag, cache: set.CacheControl()})
	return nil
}

// Metadata publishes what the server can do (OpenID Connect Discovery 1.0 §4, RFC
// 8414 §3): one document at both paths, filled from the tables that serve.
func (o *OAuth) Metadata(w http.ResponseWriter, r *http.Request) error {
	doc := o.metadata.Load()
	if algs := o.Ring().Algorithms(o.Now()); doc == nil || !slices.Equal(doc.algs, algs) {
		body, err := json.Marshal(o.describeServer(algs))
		if err != nil {
			return fmt.Errorf("encode metadata: %w", err)
		}
		doc = &document{body: body, etag: tag(body), algs: algs, cache: cacheFor(metadataAge)}
		o.metadata.Store(doc)
	}
	publish(w, r, discovery.MediaJSON, *doc)
	return nil
}

func (o *OAuth) describeServer(algs []keys.Algorithm) discovery.Metadata {
	return discovery.Metadata{
		Issuer:                o.Issuer,
		JWKSURI:               o.Issuer + discovery.PathJWKS,
		TokenEndpoint:         o.Issuer + PathToken,
		RevocationEndpoint:    o.Issuer + PathRevoke,
		IntrospectionEndpoint: o.Issuer + PathIntrospect,
		StatusListEndpoint:    o.Issuer + PathStatus,
		GrantTypesSupported:   Grants(),
		ScopesSupported:       client.Builtin(nil).Scopes,
		SubjectTypesSupported: []string{"public"},

		TokenEndpointAuthMethodsSupported:         authMethods(),
		RevocationEndpointAuthMethodsSupported:    authMethods(),
		IntrospectionEndpointAuthMethodsSupported: authMethods()[:2],
		IDTokenSigningAlgValuesSupported:          names(algs),
	}
}

func names(algs []keys.Algorithm) []string {
	var s []string
	for _, a := range algs {
		s = append(s, string(a))
	}
	return s
}

// Status publishes a status list (Token Status List §8.1).
func (o *OAuth) Status(w http.ResponseWriter, r *http.Request) error {
	number, err := strconv.ParseInt(r.PathValue("list"), 10, 64)
	if err != nil || number < 0 || strconv.FormatInt(number, 10) != r.PathValue("list") {
		return flow.ErrNoList
	}
	list, err := o.Lists.List(number)
	if err != nil {
		return err
	}
	publish(w, r, discovery.MediaStatusList, document{body: []byte(list.Token), etag: list.ETag, cache: cacheFor(list.MaxAge)})
	return nil
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

package rotate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/signet-oidc/signet/discovery"
)

var joseAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.ES384, jose.PS256, jose.EdDSA}

// maxAgeHolder is the verifier that RFC 9111 allows and that a rotation must
// count with: it keeps a key set for the whole of its max-age, and an unknown
// kid is no reason for it to look again.
type maxAgeHolder struct {
	issuer, uri string

	mu    sync.Mutex // guards what follows, and that one asks at a time
	set   jose.JSONWebKeySet
	until time.Time
}

// Judge implements judge.
func (h *maxAgeHolder) Judge(ctx context.Context, token string) error {
	set, err := h.keys(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnavailable, err)
	}
	parsed, err := jwt.ParseSigned(token, joseAlgorithms)
	if err != nil {
		return err
	}
	found := set.Key(parsed.Headers[0].KeyID)
	if len(found) != 1 {
		return fmt.Errorf("%d keys of kid %q in the set that is held", len(found), parsed.Headers[0].KeyID)
	}
	var claims jwt.Claims
	if err := parsed.Claims(found[0].Key, &claims); err != nil {
		return err
	}
	expected := jwt.Expected{Issuer: h.issuer, AnyAudience: jwt.Audience{audience}, Time: time.Now()}
	return claims.ValidateWithLeeway(expected, 10*time.Second)
}

func (h *maxAgeHolder) keys(ctx context.Context) (jose.JSONWebKeySet, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return h.set, nil
	}
	set, age, err := fetchSet(ctx, h.uri)
	if err != nil {
		return set, err
	}
	// From the answer on, not from the question: the longest a cache may take it.
	h.set, h.until = set, time.Now().Add(age)
	return set, nil
}

var maxAgeDirective = regexp.MustCompile(`(?:^|[ ,])max-age=(\d+)`) // RFC 9111 §5.2.2.1

func fetchSet(ctx context.Context, uri string) (set jose.JSONWebKeySet, age time.Duration, err error) {
	resp, err := call(ctx, http.MethodGet, uri, nil, nil)
	if err != nil {
		return set, 0, err
	}
	if resp.status != http.StatusOK {
		return set, 0, fmt.Errorf("GET %s: %d", uri, resp.status)
	}
	if m := maxAgeDirective.FindStringSubmatch(resp.header.Get("Cache-Control")); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return set, 0, err
		}
		age = time.Duration(n) * time.Second
	}
	return set, age, json.Unmarshal(resp.body, &set)
}

// spread asks several verifiers of a kind in turn, so that their caches are of
// every age.
type spread struct {
	judges []judge
	turn   atomic.Uint64
}

// Judge implements judge.
func (s *spread) Judge(ctx context.Context, token string) error {
	return s.judges[s.turn.Add(1)%uint64(len(s.judges))].Judge(ctx, token)
}

func newMaxAgeHolders(issuer string, n int) *spread {
	s := &spread{}
	for range n {
		s.judges = append(s.judges, &maxAgeHolder{issuer: issuer, uri: issuer + discovery.PathJWKS})
	}
	return s
}

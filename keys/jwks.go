package keys

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// JWKS is the published key set (RFC 7517 §5), ready to be sent.
type JWKS struct {
	// Body is the JSON. It is shared: never write to it.
	Body []byte
	// ETag is a strong entity tag with its quotes (RFC 9110 §8.8.3).
	ETag string
	// MaxAge goes into Cache-Control: always the whole setting, never a remainder, since the publish wait counts on it.
	MaxAge time.Duration
	// Fresh is false where the ring is older than FreshFor: the answer must be sent with no-store then.
	Fresh bool
	// Modified is when this set came to be.
	Modified time.Time
}

// CacheControl is the header value to send it with.
func (j JWKS) CacheControl() string {
	if !j.Fresh {
		return "no-store"
	}
	return fmt.Sprintf("public, max-age=%d", int(j.MaxAge/time.Second))
}

// jwksStep is the key set from a time on.
type jwksStep struct {
	from time.Time
	jwks JWKS
}

// JWKS returns the key set at now. It is made once a step of the schedule, not a request, and stays the same, byte for
// byte, between steps.
func (r *Ring) JWKS(now time.Time) JWKS {
	i := len(r.steps) - 1
	for i > 0 && now.Before(r.steps[i].from) {
		i--
	}
	j := r.steps[i].jwks
	j.MaxAge = r.maxAge
	j.Fresh = r.age(now) <= FreshFor
	return j
}

// prepareJWKS makes the set for each step that is to come: keys leave it by the clock, without a write.
func (c *contents) prepareJWKS() error {
	times := []time.Time{c.doc.Updated}
	for i := range c.doc.Keys {
		if t := c.doc.Keys[i].Remove; t.After(c.doc.Updated) {
			times = append(times, t)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	for _, t := range times {
		j, err := c.renderJWKS(t)
		if err != nil {
			return err
		}
		c.steps = append(c.steps, jwksStep{t, j})
	}
	return nil
}

func (c *contents) renderJWKS(at time.Time) (JWKS, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, e := range c.published(at) {
		set.Keys = append(set.Keys, e.jwk)
	}
	body, err := json.Marshal(set)
	if err != nil {
		return JWKS{}, fmt.Errorf("keys: render JWKS: %w", err)
	}
	sum := sha256.Sum256(body)
	return JWKS{Body: body, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`, Modified: at}, nil
}

// published lists what is in the key set at a time, in an order that no replica's memory or map decides.
func (c *contents) published(at time.Time) []publicEntry {
	var out []publicEntry
	for _, e := range c.public {
		if e.record.published(at) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b publicEntry) int { return compareRecords(a.record, b.record) })
	return out
}

func compareRecords(a, b *record) int {
	return cmp.Or(
		cmp.Compare(a.Alg.sortRank(), b.Alg.sortRank()),
		a.Created.Compare(b.Created),
		cmp.Compare(a.KID, b.KID),
	)
}

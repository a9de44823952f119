package rotate

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signet-oidc/signet/verifier"
)

// errUnavailable: a verifier couldn't get the keys, which says nothing of the
// token. Whoever asked may ask once more, as an app does that gets a 503.
var errUnavailable = errors.New("the keys can't be had")

// judge is a verifier under test.
type judge interface {
	// Judge returns nil for a good token, an error that wraps errUnavailable
	// where it can't tell, and any other for one that it refuses.
	Judge(ctx context.Context, token string) error
}

// ours is the verifier package.
type ours struct{ *verifier.Verifier }

func newOurs(ctx context.Context, issuer string) (ours, error) {
	v, err := verifier.New(ctx, verifier.Config{Issuer: issuer, Audience: audience, Algorithms: algorithms})
	return ours{v}, err
}

// Judge implements judge.
func (o ours) Judge(ctx context.Context, token string) error {
	_, err := o.Verify(ctx, token)
	if errors.Is(err, verifier.ErrKeysUnavailable) || errors.Is(err, verifier.ErrStatusUnavailable) {
		return fmt.Errorf("%w: %w", errUnavailable, err)
	}
	return err
}

// ask has a verifier judge a token, once more where it couldn't tell, and counts
// what came of it.
func ask(ctx context.Context, t *Tally, name string, j judge, token string) {
	kid, asked := kidOf(token), time.Now()
	err := j.Judge(ctx, token)
	if errors.Is(err, errUnavailable) && ctx.Err() == nil {
		t.Retried(name)
		err = j.Judge(ctx, token)
	}
	switch {
	case ctx.Err() != nil: // the run is over
	case err == nil:
		t.Done(name, kid, asked)
	case errors.Is(err, errUnavailable):
		t.Failed(name, err)
	default:
		t.Refused(name, kid, err)
	}
}

// kidOf reads the header of a token (RFC 7515 §4.1.4); empty where there is none.
func kidOf(token string) string {
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return ""
	}
	var h struct {
		KID string `json:"kid"`
	}
	if json.Unmarshal(raw, &h) != nil {
		return ""
	}
	return h.KID
}

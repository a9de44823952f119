package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	callTimeout = 15 * time.Second // longer than any of the servers': nothing of ours is under way when we try again
	mostAnswer  = 64 << 10
)

// verdict is what became of a call.
type verdict int

const (
	away    verdict = iota // no connection, or 503: try again
	given                  // done
	refused                // for good
	broken                 // what no client should ever see
)

// answer is what came back.
type answer struct {
	verdict verdict
	status  int // 0: no answer at all
	text    string
	tokens
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// String shows no token.
func (a answer) String() string { return fmt.Sprintf("%d %.200s", a.status, a.text) }

// site is the replicas, as clients see them.
type site struct {
	urls   []string
	client *http.Client
}

func newSite(urls []string) *site {
	return &site{urls, &http.Client{Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
}

func (s *site) refresh(ctx context.Context, token string) answer {
	return s.post(ctx, "/refresh", map[string]string{"refresh_token": token})
}

// post calls one of the replicas, any.
func (s *site) post(ctx context.Context, path string, body any) answer {
	status, header, raw, err := s.do(ctx, s.urls[rand.IntN(len(s.urls))]+path, body)
	if err != nil {
		return answer{verdict: away, text: err.Error()}
	}
	a := answer{status: status}
	switch {
	case status < 300:
		a.verdict = given
		if len(raw) > 0 && json.Unmarshal(raw, &a.tokens) != nil {
			a.verdict, a.text = broken, "an answer that is no JSON"
		}
		return a
	case status == http.StatusServiceUnavailable && header.Get("Retry-After") != "":
		a.verdict = away
	case status == http.StatusUnauthorized:
		a.verdict = refused
	default:
		a.verdict = broken
	}
	a.text = string(raw)
	return a
}

func (s *site) do(ctx context.Context, url string, body any) (status int, header http.Header, raw []byte, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	raw, err = io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	return resp.StatusCode, resp.Header, raw, errors.Join(err, resp.Body.Close())
}

// pause waits; false: ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

package rotate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	callTimeout = 10 * time.Second
	maxAnswer   = 1 << 20
)

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// String shows an answer in a failure; those that are shown hold no tokens.
func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.body) }

var httpClient = &http.Client{
	Timeout:   callTimeout,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
}

// call sends a request and reads the answer.
func call(ctx context.Context, method, uri string, header http.Header, body []byte) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, uri, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	if header != nil {
		req.Header = header
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return a, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer{resp.StatusCode, resp.Header, b}, errors.Join(err, resp.Body.Close())
}

// postForm sends a form, as to the token endpoint.
func postForm(ctx context.Context, uri string, form url.Values) (answer, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return call(ctx, http.MethodPost, uri, header, []byte(form.Encode()))
}

// postJSON sends JSON, with a bearer token where there is one.
func postJSON(ctx context.Context, uri, bearer string, body any) (answer, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if bearer != "" {
		header.Set("Authorization", "Bearer "+bearer)
	}
	return call(ctx, http.MethodPost, uri, header, b)
}

// read decodes an answer that must have a status.
func (a answer) read(want int, into any) error {
	if a.status != want {
		return fmt.Errorf("answered %s, want %d", a, want)
	}
	return json.Unmarshal(a.body, into)
}

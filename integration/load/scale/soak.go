package scale

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	callTimeout = 10 * time.Second
	mostAnswer  = 64 << 10
	password    = "a long and winding passphrase"
	email       = "ann@example.com"
)

// site is the server under soak.
type site struct {
	url    string
	client *http.Client
}

func newSite(url string) *site {
	return &site{url, &http.Client{Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
}

// post sends JSON and returns the answer's refresh token.
func (s *site) post(ctx context.Context, path string, body map[string]string) (refresh string, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return "", err
	}
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("%s answered %d %.200s", path, resp.StatusCode, raw)
	}
	var a struct {
		Refresh string `json:"refresh_token"`
	}
	return a.Refresh, json.Unmarshal(raw, &a)
}

// open opens sessions of one person.
func (s *site) open(ctx context.Context, n int) ([]string, error) {
	who := map[string]string{"email": email, "password": password}
	if _, err := s.post(ctx, "/register", who); err != nil {
		return nil, err
	}
	tokens := make([]string, n)
	for i := range tokens {
		token, err := s.post(ctx, "/login", who)
		if err != nil {
			return nil, err
		}
		tokens[i] = token
	}
	return tokens, nil
}

// soak refreshes n times in all, and looks at the server's memory as it goes.
func (s *site) soak(ctx context.Context, tokens []string, n, looks int, look func() error) error {
	var done atomic.Int64
	all, ctx := errgroup.WithContext(ctx)
	for _, token := range tokens {
		all.Go(func() (err error) {
			for done.Load() < int64(n) {
				if token, err = s.post(ctx, "/refresh", map[string]string{"refresh_token": token}); err != nil {
					return err
				}
				if at := done.Add(1); at%int64(n/looks) == 0 {
					if err := look(); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// resident is how much memory a process has, in bytes, by Linux's /proc.
func resident(pid int) (int64, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

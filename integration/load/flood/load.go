package flood

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	callTimeout = 10 * time.Second
	mostAnswer  = 64 << 10
	password    = "a long and winding passphrase"
)

// site is the server, and who asks it.
type site struct {
	url      string
	client   *http.Client
	sessions []string // refresh tokens
	every    time.Duration
	logins   int  // at once
	obedient bool // a refused login comes back when it was told to, and not at once
}

func newClient() *http.Client {
	return &http.Client{Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

type answer struct {
	status  int
	header  http.Header
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// post sends JSON as if from an address (the server trusts us as a proxy).
func (s *site) post(ctx context.Context, path, from string, body any) (a answer, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader(b))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", from)
	resp, err := s.client.Do(req)
	if err != nil {
		return a, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return a, err
	}
	a.status, a.header = resp.StatusCode, resp.Header
	return a, json.Unmarshal(raw, &a)
}

// anywhere is an address that nobody had before.
func anywhere() string {
	return fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256))
}

// run lasts for a time, with the flood or without.
func (s *site) run(ctx context.Context, flood bool, d time.Duration) *Phase {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var p Phase
	var mu sync.Mutex // guards p
	var all sync.WaitGroup
	for i := range s.sessions {
		all.Go(func() { s.refreshing(ctx, i, func(f func(*Phase)) { mu.Lock(); defer mu.Unlock(); f(&p) }) })
	}
	for range s.logins {
		if flood {
			all.Go(func() { s.flooding(ctx, func(f func(*Phase)) { mu.Lock(); defer mu.Unlock(); f(&p) }) })
		}
	}
	all.Wait()
	return &p
}

// refreshing refreshes one session whenever that is due.
func (s *site) refreshing(ctx context.Context, i int, count func(func(*Phase))) {
	if !pause(ctx, rand.N(s.every)) { // not all at the same moment
		return
	}
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case due := <-tick.C:
			// Not ctx: what was begun is waited for, or the next phase would begin with a lost answer.
			a, err := s.post(context.WithoutCancel(ctx), "/refresh", "127.0.0.1", map[string]string{"refresh_token": s.sessions[i]})
			took := time.Since(due)
			count(func(p *Phase) { p.refreshed(a, err, took) })
			if err == nil && a.Refresh != "" {
				s.sessions[i] = a.Refresh
			}
		}
	}
}

func (p *Phase) refreshed(a answer, err error, took time.Duration) {
	p.Refreshes = append(p.Refreshes, took)
	if err != nil || a.status != http.StatusOK {
		p.Errors++
		p.Sample = fmt.Sprintf("%d %s %v", a.status, a.Error, err)
	}
}

// flooding logs in again and again, each time from elsewhere as somebody else.
func (s *site) flooding(ctx context.Context, count func(func(*Phase))) {
	for ctx.Err() == nil {
		start := time.Now()
		a, err := s.post(context.WithoutCancel(ctx), "/login", anywhere(),
			map[string]string{"email": fmt.Sprintf("nobody%d@example.com", rand.Uint64()), "password": password})
		took := time.Since(start)
		count(func(p *Phase) { p.loggedIn(a, err, took) })
		if after, _ := strconv.Atoi(a.header.Get("Retry-After")); s.obedient && after > 0 {
			pause(ctx, time.Duration(after)*time.Second)
		}
	}
}

func (p *Phase) loggedIn(a answer, err error, took time.Duration) {
	switch {
	case err == nil && a.status == http.StatusUnauthorized: // the password was looked at
		p.Served = append(p.Served, took)
	case err == nil && (a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests):
		p.Refused = append(p.Refused, took)
		if a.header.Get("Retry-After") == "" {
			p.Untold++
		}
	default:
		p.Strange++
		p.Sample = fmt.Sprintf("login: %d %s %v", a.status, a.Error, err)
	}
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

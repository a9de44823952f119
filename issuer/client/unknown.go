package client

import (
	"sync"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// unknown remembers for a short while which ids the store didn't know, so that
// one wrong id, asked for again and again, doesn't reach it each time. It is
// bounded: a flood of different ids pushes out any, which costs a look each.
type unknown struct {
	mu      sync.Mutex // guards all below
	until   map[id.Client]time.Time
	forgets uint64 // how often something was forgotten on purpose
}

func (u *unknown) has(client id.Client, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	until, ok := u.until[client]
	return ok && now.Before(until)
}

// seen returns a mark for add.
func (u *unknown) seen() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.forgets
}

// add remembers an id, unless something was forgotten since the mark was taken:
// the client may have been made after the store was asked.
func (u *unknown) add(client id.Client, until time.Time, mark uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.forgets != mark {
		return
	}
	if len(u.until) >= maxUnknown {
		for any := range u.until {
			delete(u.until, any)
			break
		}
	}
	u.until[client] = until
}

func (u *unknown) forget(client id.Client) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forgets++
	delete(u.until, client)
}

func (u *unknown) forgetAll() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forgets++
	clear(u.until)
}

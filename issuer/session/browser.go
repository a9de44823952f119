package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// A browser's login cookie is "sgl_" and 256 random bits; the ledger has its hash.
const (
	cookiePrefix = "sgl_"
	cookieLength = len(cookiePrefix) + 43
)

// Enter begins the login of a browser, which sent agent as its User-Agent, and returns it
// with its cookie. Errors as Open's.
func (s *Sessions) Enter(ctx context.Context, p Person, amr []string, agent string, e audit.Event) (Login, string, error) {
	l := s.login(p, amr, agent)
	cookie := newCookie(&l)
	if err := s.Logins.Begin(ctx, l, e); err != nil {
		return Login{}, "", fmt.Errorf("begin a login: %w", err)
	}
	return l, cookie, nil
}

// Reenter is a person of a login who has proved anew who they are. The login and its
// sessions go on; the cookie is another, for who had the old one has proved nothing.
func (s *Sessions) Reenter(ctx context.Context, old Login, p Person, amr []string, agent string, e audit.Event) (Login, string, error) {
	l := s.login(p, amr, agent)
	l.ID = old.ID
	cookie := newCookie(&l)
	if err := s.Logins.Renew(ctx, l, e); err != nil {
		return Login{}, "", fmt.Errorf("renew a login: %w", err)
	}
	return l, cookie, nil
}

// Browser returns the live login that a cookie names, and its user as of now, or
// ErrNotFound.
func (s *Sessions) Browser(ctx context.Context, cookie string) (Login, Person, error) {
	if len(cookie) != cookieLength || cookie[:len(cookiePrefix)] != cookiePrefix {
		return Login{}, Person{}, ErrNotFound
	}
	l, p, err := s.Logins.ByCookie(ctx, sha256.Sum256([]byte(cookie)), s.now())
	if err == nil && p.Disabled {
		err = ErrNotFound
	}
	if err != nil {
		return Login{}, Person{}, err
	}
	return l, p, nil
}

func newCookie(l *Login) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	cookie := cookiePrefix + base64.RawURLEncoding.EncodeToString(b[:])
	l.Cookie = sha256.Sum256([]byte(cookie))
	return cookie
}

// login is a person's login as of now.
func (s *Sessions) login(p Person, amr []string, agent string) Login {
	now := s.now()
	return Login{
		ID: id.NewLogin(), User: p.User, AuthTime: now, AMR: amr, Expires: now.Add(s.Absolute), Agent: agentOf(agent), Proved: p.Version,
	}
}

// within is the end of a session of a login that is opened now.
func (s *Sessions) within(l Login, now time.Time) time.Time {
	return earlier(l.Expires, now.Add(s.Absolute))
}

package grant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// Lives of what waits.
const (
	// CodeLife is how long a code may be exchanged: RFC 6749 §4.1.2 recommends ten
	// minutes at most, OpenID's profiles one.
	CodeLife = time.Minute
	// PendingLife is how long a page may stand open.
	PendingLife = time.Hour
	// PushedLife is how long a pushed request may be used (RFC 9126 §2.2).
	PushedLife = 90 * time.Second
)

// Prefixes, so that scanners find what leaked and a text is of one kind only.
const (
	codePrefix    = "sgc_"
	pendingPrefix = "sgq_"
	pushedPrefix  = "urn:ietf:params:oauth:request_uri:" // RFC 9126 §2.2
)

// Waiting keeps what waits, each under a secret of 256 random bits.
type Waiting struct {
	Store  Store
	Recent *Recent // nil: the store is asked for every code
}

// Begin keeps a pending request and returns its name.
func (w Waiting) Begin(ctx context.Context, p Pending, now time.Time) (string, error) {
	return put(ctx, w.Store, pendingPrefix, p, now, now.Add(PendingLife))
}

// Keep writes a pending request anew under its name.
func (w Waiting) Keep(ctx context.Context, name string, p Pending, now time.Time) error {
	document, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode what waits: %w", err)
	}
	return w.Store.Put(ctx, kept(name), document, now, now.Add(PendingLife))
}

// Pending returns a pending request, or ErrNotFound.
func (w Waiting) Pending(ctx context.Context, name string, now time.Time) (Pending, error) {
	return get[Pending](ctx, w.Store.Get, pendingPrefix, name, now)
}

// Finish takes a pending request away: of any number of calls at once, one gets it.
func (w Waiting) Finish(ctx context.Context, name string, now time.Time) (Pending, error) {
	return get[Pending](ctx, w.Store.Take, pendingPrefix, name, now)
}

// Issue keeps a code and returns it as the client will present it.
func (w Waiting) Issue(ctx context.Context, c Code, now time.Time) (string, error) {
	until := now.Add(CodeLife)
	code, err := put(ctx, w.Store, codePrefix, c, now, until)
	if err == nil {
		w.Recent.keep(kept(code), c, until)
	}
	return code, err
}

// Code returns what a code stands for, used up or not, or ErrNotFound.
func (w Waiting) Code(ctx context.Context, code string, now time.Time) (Code, error) {
	if c, known := w.Recent.code(kept(code), now); known {
		return c, nil
	}
	return get[Code](ctx, w.Store.Get, codePrefix, code, now)
}

// Push keeps a pushed request and returns its request_uri.
func (w Waiting) Push(ctx context.Context, p Pushed, now time.Time) (string, error) {
	return put(ctx, w.Store, pushedPrefix, p, now, now.Add(PushedLife))
}

// Pushed returns the request of a request_uri, or ErrNotFound.
func (w Waiting) Pushed(ctx context.Context, uri string, now time.Time) (Pushed, error) {
	return get[Pushed](ctx, w.Store.Get, pushedPrefix, uri, now)
}

// UsePushed takes a pushed request away (RFC 9126 §4: used once).
func (w Waiting) UsePushed(ctx context.Context, uri string, now time.Time) error {
	_, err := get[Pushed](ctx, w.Store.Take, pushedPrefix, uri, now)
	return err
}

// KeepClaims remembers which single claims a session's client may ask userinfo for. They
// may be lost with the store; scopes never are.
func (w Waiting) KeepClaims(ctx context.Context, s id.Session, names []string, now, until time.Time) error {
	document, err := json.Marshal(names)
	if err != nil {
		return fmt.Errorf("encode claims: %w", err)
	}
	return w.Store.Put(ctx, claimsOf(s), document, now, until)
}

// Claims returns them, if there are any.
func (w Waiting) Claims(ctx context.Context, s id.Session, now time.Time) (names []string, err error) {
	document, err := w.Store.Get(ctx, claimsOf(s), now)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return names, json.Unmarshal(document, &names)
}

func claimsOf(s id.Session) string { return "claims:" + string(s) }

// IsPushed tells whether a request_uri is of the kind that pushing gives.
func IsPushed(uri string) bool { return strings.HasPrefix(uri, pushedPrefix) }

// Once tells whether something is seen for the first time until a time: the jti of a
// client's assertion or of a proof. what keeps kinds apart; the rest may be any text.
func (w Waiting) Once(ctx context.Context, what string, parts []string, now, until time.Time) (first bool, err error) {
	b, err := json.Marshal(append([]string{what}, parts...))
	if err != nil {
		return false, err
	}
	return w.Store.Once(ctx, "once:"+hash(string(b)), now, until)
}

func put(ctx context.Context, s Store, prefix string, v any, now, until time.Time) (string, error) {
	document, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode what waits: %w", err)
	}
	if len(document) > MaxDocument {
		return "", ErrTooLong
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	name := prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return name, s.Put(ctx, kept(name), document, now, until)
}

func get[T any](ctx context.Context, read func(context.Context, string, time.Time) ([]byte, error), prefix, name string, now time.Time) (v T, err error) {
	if len(name) != len(prefix)+43 || !strings.HasPrefix(name, prefix) {
		return v, ErrNotFound
	}
	document, err := read(ctx, kept(name), now)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(document, &v); err != nil {
		return v, fmt.Errorf("decode what waits: %w", err)
	}
	return v, nil
}

// kept is the name in the store: a hash, so that a stolen store holds nothing that can
// be presented.
func kept(name string) string { return "wait:" + hash(name) }

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

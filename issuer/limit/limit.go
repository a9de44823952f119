package limit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/signet-oidc/signet/issuer/id"
)

// Default rates, where Config leaves them zero.
var (
	DefaultPerAddress = Rate{Count: 60, Per: time.Minute}
	DefaultPerAccount = Rate{Count: 10, Per: time.Minute}
)

// ErrThrottled means that there were too many attempts. The error that wraps it
// is a *ThrottledError.
var ErrThrottled = errors.New("too many attempts")

// ThrottledError is ErrThrottled with what to tell the client, and metrics.
type ThrottledError struct {
	RetryAfter time.Duration // until one more would be allowed
	Counter    string        // which said no, as "login_address"
}

func (e *ThrottledError) Error() string { return ErrThrottled.Error() }

// Unwrap returns ErrThrottled.
func (e *ThrottledError) Unwrap() error { return ErrThrottled }

// The counters. They are parts of keys: a new name forgets what was counted.
const (
	loginAddress    = "login_address"
	loginAccount    = "login_account"
	loginDevice     = "login_device"
	registerAddress = "register_address"
	passwordUser    = "password_user"
	clientAddress   = "client_address"
	clientAt        = "client_at_address"
	enrollAddress   = "client_register_address"
	waitAddress     = "authorize_address"
)

// Config has the rate of each counter. A rate that isn't positive is its default.
type Config struct {
	LoginPerAddress    Rate // 60/m
	LoginPerAccount    Rate // 10/m; of unknown accounts too
	LoginPerDevice     Rate // of an account's known device; LoginPerAccount
	RegisterPerAddress Rate // LoginPerAddress
	PasswordPerUser    Rate // LoginPerAccount
	ClientPerAddress   Rate // failed authentication from an address; LoginPerAddress
	ClientPerClient    Rate // of one client from an address; LoginPerAccount
	EnrollPerAddress   Rate // clients that register themselves; LoginPerAccount
	WaitPerAddress     Rate // authorization requests that have to be kept; five times LoginPerAddress
}

func (c Config) withDefaults() Config {
	fill(&c.LoginPerAddress, DefaultPerAddress)
	fill(&c.LoginPerAccount, DefaultPerAccount)
	fill(&c.LoginPerDevice, c.LoginPerAccount)
	fill(&c.RegisterPerAddress, c.LoginPerAddress)
	fill(&c.PasswordPerUser, c.LoginPerAccount)
	fill(&c.ClientPerAddress, c.LoginPerAddress)
	fill(&c.ClientPerClient, c.LoginPerAccount)
	fill(&c.EnrollPerAddress, c.LoginPerAccount)
	fill(&c.WaitPerAddress, Rate{Count: 5 * c.LoginPerAddress.Count, Per: c.LoginPerAddress.Per})
	return c
}

func fill(rate *Rate, otherwise Rate) {
	if rate.Count <= 0 || rate.Per <= 0 {
		*rate = otherwise
	}
}

// Limiter throttles. Each method returns nil, a *ThrottledError, or the store's
// error, wrapped: what can't be counted isn't let through.
type Limiter struct {
	store Store
	rates Config
}

// New returns a Limiter that counts in store.
func New(store Store, c Config) *Limiter { return &Limiter{store: store, rates: c.withDefaults()} }

// count is one counter that an attempt has.
type count struct {
	counter string
	key     string
	rate    Rate
}

// Login counts an attempt to log in, before the password is looked at, by
// address and then by account, alike for accounts that don't exist. account is
// the address that was typed, in any spelling. What one of the two refuses isn't
// counted by the other.
//
// device names a device that has logged in to this account before, as the caller
// has verified; empty: none. It is counted instead of the account, so that who
// attacks an account doesn't lock out its owner.
func (l *Limiter) Login(ctx context.Context, addr netip.Addr, account, device string, now time.Time) error {
	account = accountOf(account)
	person := count{loginAccount, key(loginAccount, account), l.rates.LoginPerAccount}
	if device != "" {
		person = count{loginDevice, key(loginDevice, account, device), l.rates.LoginPerDevice}
	}
	address := count{loginAddress, key(loginAddress, subject(addr)), l.rates.LoginPerAddress}
	return l.both(ctx, address, person, now)
}

// Register counts an attempt to register.
func (l *Limiter) Register(ctx context.Context, addr netip.Addr, now time.Time) error {
	return l.take(ctx, count{registerAddress, key(registerAddress, subject(addr)), l.rates.RegisterPerAddress}, 1, now)
}

// RegisterClient counts a client that registers itself without a token, or tries to with
// a wrong one. Clients stay, in the store and in memory: hence a low rate.
func (l *Limiter) RegisterClient(ctx context.Context, addr netip.Addr, now time.Time) error {
	return l.take(ctx, count{enrollAddress, key(enrollAddress, subject(addr)), l.rates.EnrollPerAddress}, 1, now)
}

// Wait counts an authorization request that has to be kept while a person looks at a
// page, or that was pushed: anybody can make them, and each takes room for an hour.
func (l *Limiter) Wait(ctx context.Context, addr netip.Addr, now time.Time) error {
	return l.take(ctx, count{waitAddress, key(waitAddress, subject(addr)), l.rates.WaitPerAddress}, 1, now)
}

// Password counts an attempt of a logged-in user to change the password.
func (l *Limiter) Password(ctx context.Context, user id.User, now time.Time) error {
	return l.take(ctx, count{passwordUser, key(passwordUser, string(user)), l.rates.PasswordPerUser}, 1, now)
}

// ClientFailed counts a failed authentication of a client, by address and by the
// client at that address: by the client alone, anybody could lock it out
// everywhere. A *ThrottledError means that there were too many: answer so, and not
// that the secret was wrong.
func (l *Limiter) ClientFailed(ctx context.Context, addr netip.Addr, client id.Client, now time.Time) error {
	from := subject(addr)
	address := count{clientAddress, key(clientAddress, from), l.rates.ClientPerAddress}
	at := count{clientAt, key(clientAt, from, string(client)), l.rates.ClientPerClient}
	return l.both(ctx, address, at, now)
}

// both counts an attempt at two counters, or at neither. It looks at the first
// before it counts at the second; only those that look at the same moment can be
// refused by the first and still have been counted at the second.
func (l *Limiter) both(ctx context.Context, first, second count, now time.Time) error {
	if err := l.take(ctx, first, 0, now); err != nil {
		return err
	}
	if err := l.take(ctx, second, 1, now); err != nil {
		return err
	}
	return l.take(ctx, first, 1, now)
}

func (l *Limiter) take(ctx context.Context, c count, cost int, now time.Time) error {
	d, err := l.store.Take(ctx, c.key, c.rate, cost, now)
	if err != nil {
		return fmt.Errorf("count %s: %w", c.counter, err)
	}
	if !d.Allowed {
		return &ThrottledError{RetryAfter: d.RetryAfter, Counter: c.counter}
	}
	return nil
}

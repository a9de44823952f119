package limit

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/id"
)

var (
	errDown = errors.New("store down")
	home    = netip.MustParseAddr("203.0.113.7")
	away    = netip.MustParseAddr("198.51.100.9")
)

// throttled returns the counter that refused, "" for none.
func throttled(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[*ThrottledError](err)
	if !ok || !errors.Is(err, ErrThrottled) || refused.RetryAfter <= 0 {
		t.Fatalf("error %#v, want a *ThrottledError", err)
	}
	return refused.Counter
}

func TestDefaults(t *testing.T) {
	ten, five := Rate{10, time.Minute}, Rate{5, time.Second}
	sixty, many := Rate{60, time.Minute}, Rate{300, time.Minute}
	tests := []struct {
		name string
		give Config
		want Config
	}{
		{"zero", Config{}, Config{sixty, ten, ten, sixty, ten, sixty, ten, ten, many}},
		{"the two settings", Config{LoginPerAddress: five, LoginPerAccount: sixty}, Config{five, sixty, sixty, five, sixty, five, sixty, sixty, Rate{25, time.Second}}},
		{"one alone", Config{RegisterPerAddress: five}, Config{sixty, ten, ten, five, ten, sixty, ten, ten, many}},
		{"no rate", Config{LoginPerAddress: Rate{-1, time.Minute}, LoginPerAccount: Rate{3, 0}}, Config{sixty, ten, ten, sixty, ten, sixty, ten, ten, many}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.give.withDefaults()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoginByAccount(t *testing.T) {
	l := New(newMemory(), Config{})
	for i := range 10 {
		// From everywhere, in any spelling.
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		email := []string{"ada@example.com", "ADA@example.com", " ada@Example.com "}[i%3]
		if c := throttled(t, l.Login(t.Context(), addr, email, "", noon)); c != "" {
			t.Fatalf("attempt %d refused by %s", i+1, c)
		}
	}
	err := l.Login(t.Context(), away, "Ada@example.com", "", noon)
	if c := throttled(t, err); c != "login_account" {
		t.Errorf("attempt 11 = %v", err)
	}
	if refused, _ := errors.AsType[*ThrottledError](err); refused.RetryAfter != 6*time.Second {
		t.Errorf("RetryAfter %v, want 6s", refused.RetryAfter)
	}
	if c := throttled(t, l.Login(t.Context(), away, "bob@example.com", "", noon)); c != "" {
		t.Errorf("another account is refused by %s", c)
	}
	if c := throttled(t, l.Login(t.Context(), away, "ada@example.com", "", noon.Add(6*time.Second))); c != "" {
		t.Errorf("after RetryAfter refused by %s", c)
	}
}

func TestLoginByAddress(t *testing.T) {
	l := New(newMemory(), Config{})
	for i := range 60 {
		if c := throttled(t, l.Login(t.Context(), home, fmt.Sprintf("u%d@example.com", i), "", noon)); c != "" {
			t.Fatalf("attempt %d refused by %s", i+1, c)
		}
	}
	for i := range 20 { // more than the account's rate
		if c := throttled(t, l.Login(t.Context(), home, "ada@example.com", "", noon)); c != "login_address" {
			t.Fatalf("attempt %d: refused by %q", 61+i, c)
		}
	}
	if c := throttled(t, l.Login(t.Context(), away, "ada@example.com", "", noon)); c != "" {
		t.Errorf("what the address refused was counted at the account: %s", c)
	}
}

// TestAccountRefusalIsNotCountedAtAddress: somebody's forgotten password doesn't
// use up the address of the whole house.
func TestAccountRefusalIsNotCountedAtAddress(t *testing.T) {
	l := New(newMemory(), Config{})
	for range 1000 {
		_ = l.Login(t.Context(), home, "ada@example.com", "", noon)
	}
	for i := range 50 {
		if c := throttled(t, l.Login(t.Context(), home, fmt.Sprintf("u%d@example.com", i), "", noon)); c != "" {
			t.Fatalf("the house's attempt %d is refused by %s", i+1, c)
		}
	}
}

func TestKnownDeviceIsCountedApart(t *testing.T) {
	l := New(newMemory(), Config{})
	for i := range 100 { // an attack from everywhere
		_ = l.Login(t.Context(), netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), "ada@example.com", "", noon)
	}
	if c := throttled(t, l.Login(t.Context(), home, "ada@example.com", "", noon)); c != "login_account" {
		t.Fatalf("an unknown device: %q", c)
	}
	for i := range 10 {
		if c := throttled(t, l.Login(t.Context(), home, "ada@example.com", "her phone", noon)); c != "" {
			t.Fatalf("her phone's attempt %d is refused by %s", i+1, c)
		}
	}
	if c := throttled(t, l.Login(t.Context(), home, "ada@example.com", "her phone", noon)); c != "login_device" {
		t.Errorf("her phone isn't throttled at all: %q", c)
	}
	if c := throttled(t, l.Login(t.Context(), home, "bob@example.com", "her phone", noon)); c != "" {
		t.Errorf("a device is counted apart from accounts: %s", c)
	}
}

func TestAddressesAreCountedByWhoHasThem(t *testing.T) {
	tests := []struct {
		name string
		a, b string
		same bool
	}{
		{"one IPv4", "203.0.113.7", "203.0.113.7", true},
		{"two IPv4", "203.0.113.7", "203.0.113.8", false},
		{"IPv4 mapped into IPv6", "203.0.113.7", "::ffff:203.0.113.7", true},
		{"two IPv4 mapped", "::ffff:203.0.113.7", "::ffff:203.0.113.8", false},
		{"one /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"two /64", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"zones", "fe80::1%eth0", "fe80::2%eth1", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := New(newMemory(), Config{RegisterPerAddress: Rate{1, time.Hour}})
			if c := throttled(t, l.Register(t.Context(), netip.MustParseAddr(tt.a), noon)); c != "" {
				t.Fatalf("the first is refused by %s", c)
			}
			c := throttled(t, l.Register(t.Context(), netip.MustParseAddr(tt.b), noon))
			if (c == "register_address") != tt.same {
				t.Errorf("the second: %q, want shared %v", c, tt.same)
			}
		})
	}
	l := New(newMemory(), Config{RegisterPerAddress: Rate{1, time.Hour}})
	_ = l.Register(t.Context(), netip.Addr{}, noon)
	if c := throttled(t, l.Register(t.Context(), netip.Addr{}, noon)); c != "register_address" {
		t.Errorf("who has no address isn't counted: %q", c)
	}
}

func TestCountersAreApart(t *testing.T) {
	one := Rate{1, time.Hour}
	m := newMemory()
	l := New(m, Config{one, one, one, one, one, one, one, one, one})
	calls := []struct {
		counter string
		call    func() error
	}{
		{"login_address", func() error { return l.Login(t.Context(), home, "x", "", noon) }},
		{"register_address", func() error { return l.Register(t.Context(), home, noon) }},
		{"client_register_address", func() error { return l.RegisterClient(t.Context(), home, noon) }},
		{"authorize_address", func() error { return l.Wait(t.Context(), home, noon) }},
		{"password_user", func() error { return l.Password(t.Context(), "x", noon) }},
		{"client_address", func() error { return l.ClientFailed(t.Context(), home, "x", noon) }},
	}
	for _, c := range calls {
		if got := throttled(t, c.call()); got != "" {
			t.Errorf("the first %s is refused by %s", c.counter, got)
		}
	}
	for _, c := range calls {
		if got := throttled(t, c.call()); got != c.counter {
			t.Errorf("the second %s is refused by %q", c.counter, got)
		}
	}
	if len(m.tats) != 8 {
		t.Errorf("%d keys, want 8: %v", len(m.tats), m.tats)
	}
}

func TestClient(t *testing.T) {
	l := New(newMemory(), Config{ClientPerAddress: Rate{5, time.Minute}, ClientPerClient: Rate{3, time.Minute}})
	for i := range 3 {
		if c := throttled(t, l.ClientFailed(t.Context(), home, "app", noon)); c != "" {
			t.Fatalf("failure %d refused by %s", i+1, c)
		}
	}
	steps := []struct {
		name   string
		addr   netip.Addr
		client id.Client
		want   string
	}{
		{"the client, here", home, "app", "client_at_address"},
		{"the client, elsewhere", away, "app", ""},
		{"another client, here", home, "other", ""},
	}
	for _, step := range steps {
		if c := throttled(t, l.ClientFailed(t.Context(), step.addr, step.client, noon)); c != step.want {
			t.Errorf("%s: ClientFailed refused by %q, want %q", step.name, c, step.want)
		}
	}
	_ = l.ClientFailed(t.Context(), home, "other", noon) // the fifth from here
	if c := throttled(t, l.ClientFailed(t.Context(), home, "third", noon)); c != "client_address" {
		t.Errorf("many clients from one address: %q", c)
	}
}

func TestWhatCannotBeCountedIsRefused(t *testing.T) {
	m := newMemory()
	m.fail = errDown
	l := New(m, Config{})
	for name, err := range map[string]error{
		"Login":          l.Login(t.Context(), home, "ada@example.com", "", noon),
		"Register":       l.Register(t.Context(), home, noon),
		"RegisterClient": l.RegisterClient(t.Context(), home, noon),
		"Password":       l.Password(t.Context(), "usr_ada", noon),
		"ClientFailed":   l.ClientFailed(t.Context(), home, "app", noon),
	} {
		if !errors.Is(err, errDown) || errors.Is(err, ErrThrottled) {
			t.Errorf("%s = %v, want the store's error", name, err)
		}
	}
}

func TestKeysAreShortAndTellNothing(t *testing.T) {
	m := newMemory()
	l := New(m, Config{})
	long := strings.Repeat("x", 1<<16)
	for _, whom := range []string{"ada@example.com", "", long, "a\x00b"} {
		_ = l.Login(t.Context(), home, whom, "", noon)
		_ = l.Login(t.Context(), home, whom, whom, noon)
		_ = l.Password(t.Context(), id.User(whom), noon)
		_ = l.ClientFailed(t.Context(), netip.MustParseAddr("2001:db8:1:2::1"), id.Client(whom), noon)
	}
	for k := range m.tats {
		counter, hash, _ := strings.Cut(k, ":")
		if len(k) > 48 || len(hash) != 22 || strings.ContainsAny(hash, "@.:") || counter == "" {
			t.Errorf("key %q", k)
		}
	}
	if key("c", "ab", "c") == key("c", "a", "bc") || key("c", "a\x00b", "c") == key("c", "a", "b\x00c") || key("c", "1:a") == key("c", "", "a") {
		t.Error("parts of a key run together")
	}
}

func TestLoginAsksTheAddressFirst(t *testing.T) {
	m := newMemory()
	if err := New(m, Config{}).Login(t.Context(), home, "ada@example.com", "", noon); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, a := range m.asked {
		counter, _, _ := strings.Cut(a.key, ":")
		order = append(order, fmt.Sprint(counter, " ", a.cost))
	}
	if diff := cmp.Diff([]string{"login_address 0", "login_account 1", "login_address 1"}, order); diff != "" {
		t.Error(diff)
	}
}

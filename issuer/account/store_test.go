package account

import (
	"context"
	"sync"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// memory is a Store that remembers what it was told to end.
type memory struct {
	mu     sync.Mutex
	users  map[id.User]User
	events []audit.Event
	ends   []Ending

	looks   int             // calls of ByEmail
	before  func(call *int) // runs before a Save, unlocked
	saves   int
	fail    error // of every call
	rehash  error
	created int
}

var (
	_ Store    = (*memory)(nil)
	_ Rehasher = (*memory)(nil)
)

func newMemory(users ...User) *memory {
	m := &memory{users: map[id.User]User{}}
	for _, u := range users {
		m.users[u.ID] = u
	}
	return m
}

func (m *memory) find(normal string) (User, bool) {
	for _, u := range m.users {
		if NormalEmail(u.Email) == normal {
			return u, true
		}
	}
	return User{}, false
}

func (m *memory) Create(_ context.Context, u User, e audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if _, taken := m.find(NormalEmail(u.Email)); taken {
		return ErrExists
	}
	m.users[u.ID] = u
	m.events = append(m.events, e)
	m.created++
	return nil
}

func (m *memory) ByEmail(_ context.Context, normal string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	if m.fail != nil {
		return User{}, m.fail
	}
	if u, ok := m.find(normal); ok {
		return u, nil
	}
	return User{}, ErrNotFound
}

func (m *memory) ByID(_ context.Context, user id.User) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return User{}, m.fail
	}
	if u, ok := m.users[user]; ok {
		return u, nil
	}
	return User{}, ErrNotFound
}

func (m *memory) Save(_ context.Context, u User, end Ending, e audit.Event) ([]id.Session, error) {
	m.saves++
	if m.before != nil {
		m.before(&m.saves)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users[u.ID].Version != u.Version {
		return nil, ErrConflict
	}
	u.Version++
	m.users[u.ID] = u
	m.events, m.ends = append(m.events, e), append(m.ends, end)
	if end.Logins {
		return []id.Session{"s1"}, nil
	}
	return nil, nil
}

func (m *memory) List(context.Context, id.User, int) ([]User, error) { return nil, nil }

func (m *memory) Rehash(_ context.Context, user id.User, old, new Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rehash != nil {
		return m.rehash
	}
	if u := m.users[user]; u.PasswordHash == old {
		u.PasswordHash = new
		m.users[user] = u
	}
	return nil
}

// edit changes a user as another replica would.
func (m *memory) edit(user id.User, f func(*User)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[user]
	f(&u)
	u.Version++
	m.users[user] = u
}

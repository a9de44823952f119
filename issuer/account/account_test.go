package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

var errDown = errors.New("store down")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const crow = "a crow on the wire"

func ada() User {
	return User{ID: "usr_ada", Email: "Ada@example.com", Roles: []string{"editor"}, Version: 3, PasswordHash: fakeHash(12, crow)}
}

// service returns a Service on m whose bcrypts w counts.
func service(t *testing.T, m *memory, w *work) *Service {
	t.Helper()
	s, err := New(Config{Store: m, Rehasher: m, Hasher: fake(t, w, HasherConfig{}), Now: func() time.Time { return noon.Add(1234567) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewRefuses(t *testing.T) {
	h := fake(t, &work{}, HasherConfig{})
	for name, c := range map[string]Config{"no store": {Hasher: h}, "no hasher": {Store: newMemory()}} {
		if _, err := New(c); err == nil {
			t.Errorf("New with %s succeeds", name)
		}
	}
}

func TestRegister(t *testing.T) {
	tests := []struct {
		name            string
		email, password string
		want            error
		bcrypts         int
	}{
		{"new", "bob@example.com", crow, nil, 1},
		{"spaces around", " bob@example.com ", crow, nil, 1},
		{"taken", "Ada@example.com", crow, ErrExists, 1},
		{"taken in another case", "ADA@EXAMPLE.com", crow, ErrExists, 1},
		{"no address", "bob", crow, ErrEmail, 0},
		{"display name", "Bob <bob@example.com>", crow, ErrEmail, 0},
		{"too short", "bob@example.com", "seven77", ErrTooShort, 0},
		{"common", "bob@example.com", "password123", ErrCommon, 0},
		{"too long", "bob@example.com", strings.Repeat("x", 73), ErrTooLong, 0},
		{"NUL", "bob@example.com", "abcd\x00efgh", ErrNUL, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, w := newMemory(ada()), &work{}
			u, err := service(t, m, w).Register(t.Context(), tt.email, tt.password)
			if !errors.Is(err, tt.want) {
				t.Fatalf("Register = %v, want %v", err, tt.want)
			}
			if n := len(w.taken()); n != tt.bcrypts {
				t.Errorf("%d bcrypts, want %d", n, tt.bcrypts)
			}
			if err != nil {
				if u.ID != "" || m.created != 0 {
					t.Errorf("a user came of it: %+v", u)
				}
				return
			}
			want := User{ID: u.ID, Email: "bob@example.com", Roles: []string{}, Version: 1, Created: noon.Add(time.Millisecond), PasswordHash: fakeHash(12, crow)}
			if diff := cmp.Diff(want, m.users[u.ID]); diff != "" || !id.IsUser(string(u.ID)) {
				t.Errorf("stored as %s: %s", u.ID, diff)
			}
			event := audit.Event{At: want.Created, Kind: audit.UserRegistered, Actor: string(u.ID), User: u.ID}
			if diff := cmp.Diff([]audit.Event{event}, m.events); diff != "" {
				t.Errorf("events: %s", diff)
			}
		})
	}
}

func TestCreateWithRoles(t *testing.T) {
	m := newMemory()
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "cli"})
	u, err := service(t, m, &work{}).CreateWithRoles(ctx, "bob@example.com", crow, []string{"editor", "admin", "editor"})
	if err != nil || !slices.Equal(u.Roles, []string{"admin", "editor"}) || m.events[0].Actor != "cli" {
		t.Errorf("CreateWithRoles = %+v, %v by %q", u, err, m.events[0].Actor)
	}
	w := &work{}
	if _, err := service(t, m, w).CreateWithRoles(ctx, "eve@example.com", crow, []string{"two words"}); !errors.Is(err, ErrRole) || len(w.taken()) > 0 {
		t.Errorf("a bad role = %v", err)
	}
}

func TestNormalRoles(t *testing.T) {
	many := make([]string, 33)
	for i := range many {
		many[i] = fmt.Sprint("role", i)
	}
	tests := []struct {
		name  string
		roles []string
		want  []string
		err   error
	}{
		{"none", nil, []string{}, nil},
		{"sorted, each once", []string{"b", "a", "b"}, []string{"a", "b"}, nil},
		{"all that a scope may have", []string{"!#[]~urn:x/Y"}, []string{"!#[]~urn:x/Y"}, nil},
		{"64 characters", []string{strings.Repeat("r", 64)}, []string{strings.Repeat("r", 64)}, nil},
		{"32 roles named twice", slices.Concat(many[:32], many[:32]), slices.Sorted(slices.Values(many[:32])), nil},
		{"65 characters", []string{strings.Repeat("r", 65)}, nil, ErrRole},
		{"33 roles", many, nil, ErrRole},
		{"empty", []string{""}, nil, ErrRole},
		{"space", []string{"an admin"}, nil, ErrRole},
		{"quote", []string{`ad"min`}, nil, ErrRole},
		{"backslash", []string{`ad\min`}, nil, ErrRole},
		{"another script", []string{"роль"}, nil, ErrRole},
		{"DEL", []string{"admin\x7f"}, nil, ErrRole},
		{"NUL", []string{"admin\x00"}, nil, ErrRole},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.roles)
			got, err := NormalRoles(tt.roles)
			if !errors.Is(err, tt.err) || !cmp.Equal(got, tt.want) {
				t.Errorf("NormalRoles = %#v, %v; want %#v, %v", got, err, tt.want, tt.err)
			}
			if !slices.Equal(tt.roles, before) {
				t.Error("the caller's slice was changed")
			}
		})
	}
}

func TestAuthenticate(t *testing.T) {
	off := ada()
	off.Disabled = true
	bare := ada()
	bare.PasswordHash = ""
	tests := []struct {
		name            string
		user            User
		email, password string
		reason          string // empty: success
	}{
		{"right", ada(), "ada@example.com", crow, ""},
		{"another spelling", ada(), " ADA@Example.com", crow, ""},
		{"wrong password", ada(), "ada@example.com", "a crow on the wall", "wrong_password"},
		{"no password", ada(), "ada@example.com", "", "wrong_password"},
		{"too long", ada(), "ada@example.com", strings.Repeat("x", 73), "wrong_password"},
		{"NUL", ada(), "ada@example.com", crow + "\x00" + crow, "wrong_password"},
		{"without a password", bare, "ada@example.com", crow, "wrong_password"},
		{"unknown", ada(), "bob@example.com", crow, "unknown_user"},
		{"unknown, too long", ada(), "bob@example.com", strings.Repeat("x", 73), "unknown_user"},
		{"no address", ada(), "bob", crow, "unknown_user"},
		{"NUL in the address", ada(), "ada@example.com\x00", crow, "unknown_user"},
		{"disabled, right", off, "ada@example.com", crow, "disabled"},
		{"disabled, wrong", off, "ada@example.com", "a crow on the wall", "wrong_password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, w := newMemory(tt.user), &work{}
			u, err := service(t, m, w).Authenticate(t.Context(), tt.email, tt.password)
			if costs := w.taken(); !slices.Equal(costs, []int{12}) {
				t.Errorf("bcrypts %v, want one of cost 12", costs)
			}
			if tt.reason == "" {
				if err != nil || !cmp.Equal(u, tt.user) {
					t.Errorf("Authenticate = %+v, %v", u, err)
				}
				return
			}
			failed, ok := errors.AsType[*CredentialsError](err)
			if !ok || failed.Reason != tt.reason || !errors.Is(err, ErrCredentials) || u.ID != "" {
				t.Errorf("Authenticate = %+v, %#v; want reason %s", u, err, tt.reason)
			}
			if err.Error() != ErrCredentials.Error() {
				t.Errorf("the text tells: %q", err)
			}
			if known := tt.reason != "unknown_user"; ok && known != (failed.User == tt.user.ID) {
				t.Errorf("user for the record: %q", failed.User)
			}
		})
	}
}

func TestAuthenticateDoesNotHideTheStore(t *testing.T) {
	m, w := newMemory(ada()), &work{}
	m.fail = errDown
	if _, err := service(t, m, w).Authenticate(t.Context(), "ada@example.com", crow); !errors.Is(err, errDown) || errors.Is(err, ErrCredentials) {
		t.Errorf("Authenticate = %v, want the store's error", err)
	}
}

func TestAuthenticateWhilePoolIsBusy(t *testing.T) {
	s := service(t, newMemory(ada()), &work{})
	s.hasher.queue = 0
	for range cap(s.hasher.slots) {
		s.hasher.slots <- struct{}{}
	}
	for _, email := range []string{"ada@example.com", "bob@example.com"} {
		if _, err := s.Authenticate(t.Context(), email, crow); !errors.Is(err, ErrBusy) || errors.Is(err, ErrCredentials) {
			t.Errorf("Authenticate(%s) = %v, want ErrBusy", email, err)
		}
	}
}

func TestUpgrade(t *testing.T) {
	old := ada()
	old.PasswordHash = fakeHash(10, crow)
	tests := []struct {
		name     string
		password string
		rehash   error
		costs    []int
		want     Hash
	}{
		{"right", crow, nil, []int{10, 12}, fakeHash(12, crow)},
		{"wrong", "a crow on the wall", nil, []int{10}, old.PasswordHash},
		{"the store fails", crow, errDown, []int{10, 12}, old.PasswordHash},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, w := newMemory(old), &work{}
			m.rehash = tt.rehash
			s := service(t, m, w)
			var told error
			s.rehashed = func(_ id.User, err error) { told = err }
			u, err := s.Authenticate(t.Context(), "ada@example.com", tt.password)
			if costs := w.taken(); !slices.Equal(costs, tt.costs) {
				t.Errorf("bcrypts %v, want %v", costs, tt.costs)
			}
			if m.users[old.ID].PasswordHash != tt.want || !errors.Is(told, tt.rehash) {
				t.Errorf("kept a hash of another kind; told %v", told)
			}
			if tt.password == crow && (err != nil || u.PasswordHash != tt.want || u.Version != old.Version) {
				t.Errorf("Authenticate = %+v, %v", u, err)
			}
		})
	}
}

func TestUpgradeWaitsForNobody(t *testing.T) {
	old := ada()
	old.PasswordHash = fakeHash(10, crow)
	w := &work{}
	s := service(t, newMemory(old), w)
	for range cap(s.hasher.slots) {
		s.hasher.slots <- struct{}{}
	}
	var told error
	s.rehashed = func(_ id.User, err error) { told = err }
	if u := s.upgrade(t.Context(), old, crow); !cmp.Equal(u, old) || !errors.Is(told, ErrBusy) || len(w.taken()) > 0 {
		t.Errorf("upgrade = %+v, told %v; want the user as it was and ErrBusy", u, told)
	}
}

func TestChangePassword(t *testing.T) {
	const hen = "a hen on the fence"
	off := ada()
	off.Disabled = true
	tests := []struct {
		name    string
		user    User
		old     string
		new     string
		meet    func(*memory) // what another does meanwhile
		want    error
		bcrypts int
	}{
		{"right", ada(), crow, hen, nil, nil, 2},
		{"wrong", ada(), "a crow on the wall", hen, nil, ErrCredentials, 1},
		{"disabled", off, crow, hen, nil, ErrCredentials, 1},
		{"common", ada(), crow, "password123", nil, ErrCommon, 0},
		{"too long", ada(), crow, strings.Repeat("x", 73), nil, ErrTooLong, 0},
		{"unknown", User{ID: "usr_bob"}, crow, hen, nil, ErrNotFound, 0},
		{"roles change meanwhile", ada(), crow, hen, func(m *memory) {
			m.edit("usr_ada", func(u *User) { u.Roles = []string{"admin"} })
		}, nil, 2},
		{"the password changes meanwhile", ada(), crow, hen, func(m *memory) {
			m.edit("usr_ada", func(u *User) { u.PasswordHash = fakeHash(12, "another") })
		}, ErrConflict, 2},
		{"disabled meanwhile", ada(), crow, hen, func(m *memory) {
			m.edit("usr_ada", func(u *User) { u.Disabled = true })
		}, ErrConflict, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, w := newMemory(tt.user), &work{}
			if tt.name == "unknown" {
				m = newMemory()
			}
			m.before = func(call *int) {
				if tt.meet != nil && *call == 1 {
					tt.meet(m)
				}
			}
			ended, err := service(t, m, w).ChangePassword(t.Context(), tt.user.ID, tt.old, tt.new, "this-login")
			if !errors.Is(err, tt.want) {
				t.Fatalf("ChangePassword = %v, want %v", err, tt.want)
			}
			if n := len(w.taken()); n != tt.bcrypts {
				t.Errorf("%d bcrypts, want %d", n, tt.bcrypts)
			}
			if err != nil {
				if len(m.ends) > 0 || len(ended) > 0 {
					t.Errorf("logins ended all the same: %+v", m.ends)
				}
				return
			}
			if got := m.users[tt.user.ID]; got.PasswordHash != fakeHash(12, hen) {
				t.Error("the old password is still there")
			}
			if want := []Ending{{Logins: true, But: "this-login", Reason: ReasonPassword}}; !slices.Equal(m.ends, want) || len(ended) != 1 {
				t.Errorf("ended %+v (%v), want %+v", m.ends, ended, want)
			}
			if e := m.events[0]; e.Kind != audit.PasswordChanged || e.User != "usr_ada" || e.Actor != "usr_ada" {
				t.Errorf("event %+v", e)
			}
			if tt.meet != nil && !slices.Equal(m.users["usr_ada"].Roles, []string{"admin"}) {
				t.Error("the other's change is lost")
			}
		})
	}
}

func TestSetPassword(t *testing.T) {
	m := newMemory(ada())
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Actor: "cli"})
	s := service(t, m, &work{})
	if _, err := s.SetPassword(ctx, "usr_ada", "short"); !errors.Is(err, ErrTooShort) {
		t.Errorf("SetPassword = %v", err)
	}
	ended, err := s.SetPassword(ctx, "usr_ada", "a hen on the fence")
	if err != nil || len(ended) != 1 || m.ends[0] != (Ending{Logins: true, Reason: ReasonPassword}) || m.events[0].Actor != "cli" {
		t.Errorf("SetPassword = %v, %v; ended %+v", ended, err, m.ends)
	}
	if _, err := s.Authenticate(t.Context(), "ada@example.com", "a hen on the fence"); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

func TestSetRoles(t *testing.T) {
	m := newMemory(ada())
	s := service(t, m, &work{})
	u, err := s.SetRoles(t.Context(), "usr_ada", []string{"editor", "admin"})
	if err != nil || u.Version != 4 || !cmp.Equal(u, m.users["usr_ada"]) || !slices.Equal(u.Roles, []string{"admin", "editor"}) {
		t.Errorf("SetRoles = %+v, %v", u, err)
	}
	if e := m.events[0]; e.Kind != audit.UserChanged || e.Detail["roles"] != "admin editor" {
		t.Errorf("event %+v", e)
	}
	if u, err := s.SetRoles(t.Context(), "usr_ada", []string{"admin", "editor", "admin"}); err != nil || u.Version != 4 || len(m.events) != 1 {
		t.Errorf("the same roles again: %+v, %v", u, err)
	}
	if _, err := s.SetRoles(t.Context(), "usr_bob", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown user: %v", err)
	}
	if _, err := s.SetRoles(t.Context(), "usr_ada", []string{"a b"}); !errors.Is(err, ErrRole) {
		t.Errorf("a bad role: %v", err)
	}
}

func TestSetDisabled(t *testing.T) {
	m := newMemory(ada())
	s := service(t, m, &work{})
	steps := []struct {
		name     string
		disabled bool
		kind     audit.Kind // empty: nothing happens
		end      Ending
	}{
		{"enable who is enabled", false, "", Ending{}},
		{"disable", true, audit.UserDisabled, Ending{Logins: true, Reason: ReasonDisabled}},
		{"disable again", true, audit.UserDisabled, Ending{Logins: true, Reason: ReasonDisabled}},
		{"enable", false, audit.UserEnabled, Ending{}},
	}
	for _, step := range steps {
		m.events, m.ends = nil, nil
		ended, err := s.SetDisabled(t.Context(), "usr_ada", step.disabled)
		if err != nil || (len(ended) > 0) != step.end.Logins || m.users["usr_ada"].Disabled != step.disabled {
			t.Errorf("%s: %v, %v", step.name, ended, err)
		}
		if step.kind == "" {
			if len(m.events) > 0 {
				t.Errorf("%s: %+v", step.name, m.events)
			}
			continue
		}
		if m.events[0].Kind != step.kind || m.ends[0] != step.end {
			t.Errorf("%s: %+v, %+v", step.name, m.events, m.ends)
		}
	}
}

func TestChangeGivesUp(t *testing.T) {
	m := newMemory(ada())
	m.before = func(*int) { m.edit("usr_ada", func(*User) {}) } // another is always faster
	if _, err := service(t, m, &work{}).SetRoles(t.Context(), "usr_ada", []string{"admin"}); !errors.Is(err, ErrConflict) || m.saves != attempts {
		t.Errorf("SetRoles = %v after %d attempts", err, m.saves)
	}
}

func TestHungUpLoginIsNoFailure(t *testing.T) {
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	_, err := service(t, newMemory(ada()), &work{}).Authenticate(ctx, "bob@example.com", crow)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrCredentials) {
		t.Errorf("Authenticate = %v", err)
	}
}

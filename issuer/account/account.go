package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// Why sessions ended, as recorded with them.
const (
	ReasonPassword = "password_changed"
	ReasonDisabled = "user_disabled"
)

// ErrCredentials means that the address and the password don't belong to one
// user that may log in. The error that wraps it is a *CredentialsError.
var ErrCredentials = errors.New("invalid credentials")

// CredentialsError is ErrCredentials with what the record may know and the
// caller's client may not. Its text is the same for all.
type CredentialsError struct {
	User   id.User // empty: no such user
	Reason string  // "unknown_user", "wrong_password" or "disabled"
}

func (e *CredentialsError) Error() string { return ErrCredentials.Error() }

// Unwrap returns ErrCredentials.
func (e *CredentialsError) Unwrap() error { return ErrCredentials }

// Config is what a Service works with.
type Config struct {
	Store    Store   // required
	Hasher   *Hasher // required
	Policy   Policy
	Rehasher Rehasher         // nil: hashes of another cost stay as they are
	Now      func() time.Time // nil: time.Now; engines keep milliseconds
	// Rehashed is told of each hash upgraded at login, with the error if that
	// went wrong (the login succeeds all the same). Nil: nobody.
	Rehashed func(id.User, error)
}

// Service holds the rules for people.
type Service struct {
	store    Store
	hasher   *Hasher
	policy   Policy
	rehasher Rehasher
	now      func() time.Time
	rehashed func(id.User, error)
}

// New returns a Service, or an error if Store or Hasher is missing.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Hasher == nil {
		return nil, errors.New("account: Store and Hasher are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rehashed == nil {
		c.Rehashed = func(id.User, error) {}
	}
	return &Service{
		store: c.Store, hasher: c.Hasher, policy: c.Policy,
		now:      func() time.Time { return c.Now().UTC().Truncate(time.Millisecond) },
		rehasher: c.Rehasher, rehashed: c.Rehashed,
	}, nil
}

// Register makes a user without roles. It returns ErrExists if the address is
// taken (after the same bcrypt), ErrEmail, an error of Policy.Check, of the pool
// or of the store.
func (s *Service) Register(ctx context.Context, email, password string) (User, error) {
	return s.create(ctx, email, password, nil, bySelf)
}

// CreateWithRoles is Register by an operator, who may give roles; in addition it
// returns ErrRole. Never pass it roles that came from the person.
func (s *Service) CreateWithRoles(ctx context.Context, email, password string, roles []string) (User, error) {
	return s.create(ctx, email, password, roles, byOrigin)
}

func (s *Service) create(ctx context.Context, email, password string, roles []string, by actor) (User, error) {
	u, err := newUser(email, roles)
	if err != nil {
		return User{}, err
	}
	if err := s.policy.Check(password); err != nil {
		return User{}, err
	}
	// Hashed before the store is asked: a taken address takes as long.
	if u.PasswordHash, err = s.hasher.Hash(ctx, password); err != nil {
		return User{}, err
	}
	now := s.now()
	u.Created = now
	if err := s.store.Create(ctx, u, userEvent(ctx, audit.UserRegistered, u, now, by)); err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	return u, nil
}

func newUser(email string, roles []string) (User, error) {
	email = strings.TrimSpace(email) // phones add a space to a completed word
	if !ValidEmail(email) {
		return User{}, ErrEmail
	}
	roles, err := NormalRoles(roles)
	return User{ID: id.NewUser(), Email: email, Roles: roles, Version: 1}, err
}

// SetRoles gives a user other roles and returns the user as it is then. The same
// roles again change nothing.
func (s *Service) SetRoles(ctx context.Context, user id.User, roles []string) (User, error) {
	roles, err := NormalRoles(roles)
	if err != nil {
		return User{}, err
	}
	u, _, err := s.change(ctx, user, Ending{}, func(u *User) (audit.Event, error) {
		if slices.Equal(u.Roles, roles) {
			return audit.Event{}, errSame
		}
		u.Roles = roles
		e := userEvent(ctx, audit.UserChanged, *u, s.now(), byOrigin)
		e.Detail = map[string]string{"roles": strings.Join(roles, " ")}
		return e, nil
	})
	return u, err
}

// SetDisabled disables or enables a user. Disabling ends all logins and returns
// the ended sessions, also if the user was disabled already; enabling one who is
// enabled changes nothing.
func (s *Service) SetDisabled(ctx context.Context, user id.User, disabled bool) ([]id.Session, error) {
	kind, end := audit.UserEnabled, Ending{}
	if disabled {
		kind, end = audit.UserDisabled, Ending{Logins: true, Reason: ReasonDisabled}
	}
	_, ended, err := s.change(ctx, user, end, func(u *User) (audit.Event, error) {
		if !disabled && !u.Disabled {
			return audit.Event{}, errSame
		}
		u.Disabled = disabled
		return userEvent(ctx, kind, *u, s.now(), byOrigin), nil
	})
	return ended, err
}

// actor says who makes a change, where the context's origin doesn't.
type actor bool

const (
	byOrigin actor = false // an operator
	bySelf   actor = true  // the person, who may not be logged in yet
)

func userEvent(ctx context.Context, kind audit.Kind, u User, at time.Time, by actor) audit.Event {
	e := audit.New(ctx, kind, at)
	e.User = u.ID
	if e.Actor == "" && by == bySelf {
		e.Actor = string(u.ID)
	}
	return e
}

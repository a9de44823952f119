package account

import (
	"context"
	"errors"
	"fmt"
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
	return s.create(ctx, NewUser{Email: email, Password: password}, bySelf)
}

// Create is Register by an operator, who may say more; in addition it returns ErrRole
// and ErrProfile.
func (s *Service) Create(ctx context.Context, n NewUser) (User, error) {
	return s.create(ctx, n, byOrigin)
}

// CreateWithRoles is Create with roles alone.
func (s *Service) CreateWithRoles(ctx context.Context, email, password string, roles []string) (User, error) {
	return s.Create(ctx, NewUser{Email: email, Password: password, Roles: roles})
}

func (s *Service) create(ctx context.Context, n NewUser, by actor) (User, error) {
	u, err := newUser(n)
	if err != nil {
		return User{}, err
	}
	if err := s.policy.Check(n.Password); err != nil {
		return User{}, err
	}
	// Hashed before the store is asked: a taken address takes as long.
	if u.PasswordHash, err = s.hasher.Hash(ctx, n.Password); err != nil {
		return User{}, err
	}
	now := s.now()
	u.Created = now
	s.profile(&u, &n.Profile)
	if err := s.store.Create(ctx, u, userEvent(ctx, audit.UserRegistered, u, now, by)); err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	return u, nil
}

func newUser(n NewUser) (User, error) {
	email := strings.TrimSpace(n.Email) // phones add a space to a completed word
	if !ValidEmail(email) {
		return User{}, ErrEmail
	}
	if err := n.Profile.Check(); err != nil {
		return User{}, err
	}
	roles, err := NormalRoles(n.Roles)
	return User{ID: id.NewUser(), Email: email, EmailVerified: n.EmailVerified, Roles: roles, Version: 1}, err
}

// SetRoles gives a user other roles and returns the user as it is then. The same
// roles again change nothing.
func (s *Service) SetRoles(ctx context.Context, user id.User, roles []string) (User, error) {
	u, _, err := s.Edit(ctx, user, Edit{Roles: &roles})
	return u, err
}

// SetDisabled disables or enables a user. Disabling ends all logins and returns
// the ended sessions, also if the user was disabled already; enabling one who is
// enabled changes nothing.
func (s *Service) SetDisabled(ctx context.Context, user id.User, disabled bool) ([]id.Session, error) {
	_, ended, err := s.Edit(ctx, user, Edit{Disabled: &disabled})
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

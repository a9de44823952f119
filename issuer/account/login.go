package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// Authenticate returns the user whose address and password these are. A wrong
// password, an unknown and a disabled user are ErrCredentials alike, each after
// one bcrypt; only a password that was right costs a second one, when its hash
// has another cost than it should (once a user, and only if the pool has room at
// once). Other errors are the pool's (*BusyError, the context's) and the store's.
func (s *Service) Authenticate(ctx context.Context, email, password string) (User, error) {
	u, err := s.find(ctx, email)
	if errors.Is(err, ErrNotFound) {
		return User{}, s.denied(s.hasher.Dummy(ctx, password), "", "unknown_user")
	}
	if err != nil {
		return User{}, fmt.Errorf("find user: %w", err)
	}
	if err := s.verify(ctx, u, password); err != nil {
		return User{}, err
	}
	return s.upgrade(ctx, u, password), nil
}

// find looks only for what can be there: a NUL would be an error in PostgreSQL.
func (s *Service) find(ctx context.Context, email string) (User, error) {
	normal := NormalEmail(email)
	if !ValidEmail(normal) {
		return User{}, ErrNotFound
	}
	return s.store.ByEmail(ctx, normal)
}

// verify asks whether the password is u's and u may log in, in that order: a
// disabled user takes the time of an enabled one.
func (s *Service) verify(ctx context.Context, u User, password string) error {
	if err := s.hasher.Compare(ctx, u.PasswordHash, password); err != nil {
		return s.denied(err, u.ID, "wrong_password")
	}
	if u.Disabled {
		return s.denied(ErrMismatch, u.ID, "disabled")
	}
	return nil
}

// denied makes a mismatch a *CredentialsError and leaves other errors.
func (s *Service) denied(err error, user id.User, reason string) error {
	if errors.Is(err, ErrMismatch) {
		return &CredentialsError{User: user, Reason: reason}
	}
	return err
}

// upgrade replaces a hash of another cost while the password is known, as well
// as it can: the login has succeeded whatever becomes of it.
func (s *Service) upgrade(ctx context.Context, u User, password string) User {
	if s.rehasher == nil || !s.hasher.Outdated(u.PasswordHash) {
		return u
	}
	hash, err := s.hasher.hashNow(password)
	if err == nil {
		err = s.rehasher.Rehash(ctx, u.ID, u.PasswordHash, hash)
	}
	s.rehashed(u.ID, err)
	if err == nil {
		u.PasswordHash = hash
	}
	return u
}

// ChangePassword replaces the password of a user who knows the old one, ends the
// user's other logins (all but keep) and returns the sessions that ended. It
// returns ErrCredentials for a wrong old password and for a disabled user, an
// error of Policy.Check for the new one, and ErrConflict when the password was
// changed by another meanwhile.
func (s *Service) ChangePassword(ctx context.Context, user id.User, old, new string, keep id.Login) ([]id.Session, error) {
	if err := s.policy.Check(new); err != nil {
		return nil, err
	}
	before, err := s.store.ByID(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	if err := s.verify(ctx, before, old); err != nil {
		return nil, err
	}
	// What was proved must still hold when it is written: two bcrypts have passed.
	return s.replace(ctx, user, new, Ending{Logins: true, But: keep, Reason: ReasonPassword}, func(u User) error {
		if u.PasswordHash != before.PasswordHash || u.Disabled {
			return ErrConflict
		}
		return nil
	})
}

// SetPassword replaces a user's password by an operator's word, ends all logins
// of the user and returns the sessions that ended.
func (s *Service) SetPassword(ctx context.Context, user id.User, new string) ([]id.Session, error) {
	_, ended, err := s.Edit(ctx, user, Edit{Password: &new})
	return ended, err
}

func (s *Service) replace(ctx context.Context, user id.User, password string, end Ending, still func(User) error) ([]id.Session, error) {
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	_, ended, err := s.change(ctx, user, end, func(u *User) (audit.Event, error) {
		if err := still(*u); err != nil {
			return audit.Event{}, err
		}
		u.PasswordHash = hash
		return userEvent(ctx, audit.PasswordChanged, *u, s.now(), bySelf), nil
	})
	return ended, err
}

package account

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// NewUser is a user as an operator makes one. Never fill Roles, EmailVerified or Profile's
// PhoneVerified with what came from the person.
type NewUser struct {
	Email         string
	Password      string
	Roles         []string
	EmailVerified bool
	Profile       Profile
}

// Edit is what an operator changes of a user, all of it or nothing; what is nil stays.
type Edit struct {
	Roles         *[]string
	Disabled      *bool
	Password      *string
	EmailVerified *bool
	Profile       *Profile // as a whole; Updated is ours to say
}

// Edit changes a user and returns them as they are then, with the sessions that ended:
// another password ends all logins of the user, and so does to disable one, also who is
// disabled already. What is so already changes nothing. It returns ErrRole, ErrProfile,
// an error of Policy.Check, of the pool or of the store.
func (s *Service) Edit(ctx context.Context, user id.User, e Edit) (User, []id.Session, error) {
	e, err := s.checked(e)
	if err != nil {
		return User{}, nil, err
	}
	var hash Hash
	if e.Password != nil {
		if hash, err = s.hasher.Hash(ctx, *e.Password); err != nil {
			return User{}, nil, err
		}
	}
	return s.change(ctx, user, e.ending(), func(u *User) (audit.Event, error) {
		kind, detail := s.apply(u, e, hash)
		if kind == "" {
			return audit.Event{}, errSame
		}
		event := userEvent(ctx, kind, *u, s.now(), byOrigin)
		event.Detail = detail
		return event, nil
	})
}

func (s *Service) checked(e Edit) (Edit, error) {
	if e.Roles != nil {
		roles, err := NormalRoles(*e.Roles)
		if err != nil {
			return e, err
		}
		e.Roles = &roles
	}
	if e.Profile != nil {
		if err := e.Profile.Check(); err != nil {
			return e, err
		}
	}
	if e.Password != nil {
		return e, s.policy.Check(*e.Password)
	}
	return e, nil
}

func (e Edit) ending() Ending {
	switch {
	case e.Disabled != nil && *e.Disabled:
		return Ending{Logins: true, Reason: ReasonDisabled}
	case e.Password != nil:
		return Ending{Logins: true, Reason: ReasonPassword}
	}
	return Ending{}
}

// apply edits a user. One event tells all of it: its kind is of what weighs most, and
// empty where nothing changed; its detail names the rest. What a profile says isn't
// repeated there: the record outlives the person's wish to be forgotten.
func (s *Service) apply(u *User, e Edit, hash Hash) (kind audit.Kind, detail map[string]string) {
	detail = map[string]string{}
	if e.Roles != nil && !slices.Equal(u.Roles, *e.Roles) {
		u.Roles = *e.Roles
		detail["roles"] = strings.Join(u.Roles, " ")
	}
	if e.EmailVerified != nil && u.EmailVerified != *e.EmailVerified {
		u.EmailVerified = *e.EmailVerified
		detail["email_verified"] = strconv.FormatBool(u.EmailVerified)
	}
	if s.profile(u, e.Profile) {
		detail["profile"] = "changed"
	}
	if len(detail) > 0 {
		kind = audit.UserChanged
	}
	if e.Password != nil {
		u.PasswordHash, kind = hash, audit.PasswordChanged
	}
	if e.Disabled != nil && (*e.Disabled || u.Disabled) {
		if e.Password != nil {
			detail["password"] = "changed"
		}
		u.Disabled, kind = *e.Disabled, audit.UserEnabled
		if u.Disabled {
			kind = audit.UserDisabled
		}
	}
	if len(detail) == 0 {
		detail = nil
	}
	return kind, detail
}

// profile puts a profile in the place of another and tells whether they differ.
func (s *Service) profile(u *User, p *Profile) bool {
	if p == nil {
		return false
	}
	next := *p
	next.Updated = u.Profile.Updated
	if reflect.DeepEqual(next, u.Profile) {
		return false
	}
	next.Updated = s.now()
	u.Profile = next
	return true
}

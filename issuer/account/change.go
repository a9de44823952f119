package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/id"
)

// attempts is how often a change is tried when others change the same user at
// the same time; more means that something is wrong.
const attempts = 4

// errSame ends a change that would change nothing.
var errSame = errors.New("nothing to change")

// change reads a user, edits it and writes it back with the event that edit
// returns; and again with what another has made of the user meanwhile.
func (s *Service) change(ctx context.Context, user id.User, end Ending, edit func(*User) (audit.Event, error)) (User, []id.Session, error) {
	var err error
	for range attempts {
		var u User
		if u, err = s.store.ByID(ctx, user); err != nil {
			return User{}, nil, fmt.Errorf("read user: %w", err)
		}
		event, same := edit(&u)
		if errors.Is(same, errSame) {
			return u, nil, nil
		}
		if same != nil {
			return User{}, nil, same
		}
		var ended []id.Session
		if ended, err = s.store.Save(ctx, u, end, event); err == nil {
			u.Version++
			return u, ended, nil
		}
		if !errors.Is(err, ErrConflict) {
			break
		}
	}
	return User{}, nil, fmt.Errorf("change user: %w", err)
}

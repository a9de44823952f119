package flow

import (
	"context"
	"errors"

	"github.com/signet-oidc/signet/issuer/grant"
)

// GivenCode tells whether a code was given here and has not expired, used up or not:
// nil, or ErrCode.
func (f *Flow) GivenCode(ctx context.Context, code string) error {
	_, err := f.Grants.Code(ctx, code, f.now())
	if errors.Is(err, grant.ErrNotFound) {
		err = errors.Join(ErrCode, err)
	}
	return err
}

// GivenRefresh tells whether a refresh token was made here, however old: nil, or
// session.ErrToken. No store is asked.
func (f *Flow) GivenRefresh(token string) error {
	_, err := f.Sessions.Named(token)
	return err
}

// GivenAccess tells whether an access token was given here and has not expired: nil, or
// ErrToken.
func (f *Flow) GivenAccess(ctx context.Context, access string) error {
	_, err := f.live(ctx, access)
	if err != nil {
		err = notOurs(err)
	}
	return err
}

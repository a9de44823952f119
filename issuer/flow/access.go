package flow

import (
	"context"
	"errors"

	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
	"github.com/signet-oidc/signet/verifier"
)

// live is an access token of ours that has not expired.
func (f *Flow) live(ctx context.Context, raw string) (*verifier.Token, error) {
	t, err := f.Tokens.UnsafeVerifyOriginOnly(ctx, raw)
	if err == nil && !f.now().Before(t.Expiry) {
		err = verifier.ErrExpired
	}
	return t, err
}

// notOurs makes ErrToken of what says that a token isn't ours. That it can't be told, for
// want of keys, must not look like that: a token would count as revoked.
func notOurs(err error) error {
	if errors.Is(err, verifier.ErrKeysUnavailable) {
		return err
	}
	return errors.Join(ErrToken, err)
}

// ErrBound is an ErrToken: a token that is bound to a key came without proof of that key,
// or one that is bound to none with proof of any (RFC 9449 §7.1, §7.2).
var ErrBound = errors.New("the token is bound to another key than the one proved")

// Presented is an access token as a request brings it.
type Presented struct {
	Access string
	Proof  string // thumbprint of the DPoP key that the request proves; empty: none
}

// opened is live for a token that is presented as it must be.
func (f *Flow) opened(ctx context.Context, in Presented) (*verifier.Token, error) {
	t, err := f.live(ctx, in.Access)
	if err != nil {
		return nil, notOurs(err)
	}
	if key := t.BoundKey(); key != in.Proof || t.Bound() && key == "" {
		return nil, errors.Join(ErrToken, ErrBound)
	}
	return t, nil
}

// bearer is the live session of a live access token that a person has from the
// first-party client. One that they gave to another client, or that this showed to a
// resource server, must not act as the person.
func (f *Flow) bearer(ctx context.Context, access string) (session.State, error) {
	t, err := f.live(ctx, access)
	if err != nil {
		return session.State{}, notOurs(err)
	}
	if t.SessionID == "" || t.ClientID != string(client.BuiltinID) || t.Bound() {
		return session.State{}, ErrToken
	}
	return f.liveSession(ctx, t)
}

// liveSession is that of a token, or ErrToken.
func (f *Flow) liveSession(ctx context.Context, t *verifier.Token) (session.State, error) {
	state, err := f.Sessions.Live(ctx, id.Session(t.SessionID))
	if errors.Is(err, session.ErrOver) {
		return session.State{}, errors.Join(ErrToken, err)
	}
	return state, err
}

// stillStands tells whether what a token was given for is still there: its
// session, or for a client's own token the client.
func (f *Flow) stillStands(ctx context.Context, t *verifier.Token) (bool, error) {
	var err error
	if t.SessionID != "" {
		_, err = f.Sessions.Live(ctx, id.Session(t.SessionID))
	} else {
		_, err = f.Clients.Get(ctx, id.Client(t.ClientID))
	}
	if errors.Is(err, session.ErrOver) || errors.Is(err, client.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

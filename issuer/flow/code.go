package flow

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/signet-oidc/signet/issuer/account"
	"github.com/signet-oidc/signet/issuer/audit"
	"github.com/signet-oidc/signet/issuer/client"
	"github.com/signet-oidc/signet/issuer/grant"
	"github.com/signet-oidc/signet/issuer/id"
	"github.com/signet-oidc/signet/issuer/session"
)

// ErrCode means that an authorization code isn't good: unknown, expired, used, of
// another client or redirect URI, or without the proof that it was asked for by who
// presents it. Clients are told one thing for all (RFC 6749 §5.2 invalid_grant).
var ErrCode = errors.New("the code is not good")

// Exchange is a code presented by a client that is who it says (RFC 6749 §4.1.3).
type Exchange struct {
	Code     string
	Client   client.Client
	Redirect string
	Verifier string   // RFC 7636 §4.5
	Resource []string // asked; nil: what the code is for (RFC 8707 §2.2)
	Proof    string   // thumbprint of the DPoP key of the request; empty: none
}

// ExchangeCode gives tokens for a code, once: the session that a code opens is taken
// by its id. A second use ends what the first has given (RFC 6749 §4.1.2, RFC 9700
// §4.5).
func (f *Flow) ExchangeCode(ctx context.Context, in Exchange) (Tokens, error) {
	code, err := f.Grants.Code(ctx, in.Code, f.now())
	if errors.Is(err, grant.ErrNotFound) {
		err = errors.Join(ErrCode, err)
	}
	if err == nil {
		err = in.matches(code.Request)
	}
	if err != nil {
		return Tokens{}, err
	}
	var user account.User
	if err := json.Unmarshal(code.Account, &user); err != nil {
		return Tokens{}, fmt.Errorf("decode the user of a code: %w", err)
	}
	g, err := f.openCode(ctx, in, code, user)
	if errors.Is(err, session.ErrChanged) { // since the code was given
		if user, err = f.stillThere(ctx, in.Client, code); err == nil {
			g, err = f.openCode(ctx, in, code, user)
		}
	}
	if err != nil {
		return Tokens{}, err
	}
	return f.codeTokens(ctx, in, code, g, user)
}

// stillThere is the user of a code who may still log in and hasn't taken back what the
// code was given for, or ErrCode. They are read first: a withdrawal after that is a
// change again.
func (f *Flow) stillThere(ctx context.Context, c client.Client, code grant.Code) (account.User, error) {
	u, err := f.Users.ByID(ctx, code.User)
	if errors.Is(err, account.ErrNotFound) || err == nil && u.Disabled {
		return u, fmt.Errorf("%w: its user is gone", ErrCode)
	}
	if err != nil || c.Trusted { // nobody was asked
		return u, err
	}
	agreed, err := f.agreed(ctx, c, code.User, code.Request)
	if err == nil && !agreed {
		err = fmt.Errorf("%w: its consent was withdrawn", ErrCode)
	}
	return u, err
}

// matches tells whether a code was asked for by who presents it.
func (in Exchange) matches(r grant.Request) error {
	switch {
	case r.Client != in.Client.ID:
		return fmt.Errorf("%w: it is another client's", ErrCode)
	case r.Redirect != in.Redirect:
		return fmt.Errorf("%w: it was sent to another redirect_uri", ErrCode)
	case !challenged(r.Challenge, in.Verifier):
		return fmt.Errorf("%w: code_verifier", ErrCode)
	case r.BoundKey != "" && r.BoundKey != in.Proof:
		return fmt.Errorf("%w: it is bound to another key", ErrCode)
	}
	for _, a := range in.Resource {
		if !slices.Contains(r.Audience, a) {
			return ErrTarget
		}
	}
	return nil
}

// challenged tells whether a verifier is the challenge's (RFC 7636 §4.6). One that
// nobody asked for is refused: somebody has taken the challenge away (RFC 9700 §4.8.2).
func challenged(challenge, verifier string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// openCode opens the session of a code, in the login of the browser that asked; with
// offline_access in a login of its own, which the browser's logout doesn't end (OpenID
// Connect Core §11). Until now it goes with the browser's: who was logged out elsewhere,
// for another password or by the owner, may have kept a code in hand. From now on its
// client is told when that ends.
func (f *Flow) openCode(ctx context.Context, in Exchange, code grant.Code, user account.User) (session.Grant, error) {
	login := &session.Login{ID: code.Login, User: code.User, AuthTime: code.AuthTime, AMR: code.AMR, Expires: code.Expires}
	if code.Request.Wants(grant.ScopeOffline) {
		login.ID, login.Origin = id.NewLogin(), code.Login
	}
	e := audit.New(ctx, audit.SessionOpened, f.now())
	e.Actor = string(user.ID)
	o := session.Opening{
		Person: PersonOf(user), Client: in.Client.ID, Scope: code.Request.Scope, Audience: code.Request.Audience, AMR: code.AMR,
		BoundKey: binding(in.Client, in.Proof), Session: code.Session, Login: login, Notify: in.Client.BackchannelLogoutURI != "",
	}
	g, err := f.Sessions.Open(ctx, o, e)
	switch {
	case errors.Is(err, session.ErrUsed):
		return g, errors.Join(fmt.Errorf("%w: it was used before", ErrCode), f.replayed(ctx, code))
	case errors.Is(err, session.ErrNotFound), errors.Is(err, session.ErrChanged): // logged out, or changed, since
		return g, errors.Join(ErrCode, err)
	}
	return g, err
}

// replayed ends what a code gave when it was first used.
func (f *Flow) replayed(ctx context.Context, code grant.Code) error {
	e := audit.New(ctx, audit.CodeReplayed, f.now())
	e.Actor, e.User, e.Client, e.Session, e.Reason = "signet", code.User, code.Request.Client, code.Session, "code_replayed"
	return f.Sessions.End(ctx, session.Which{ID: code.Session}, e)
}

// codeTokens is the answer to the exchange.
func (f *Flow) codeTokens(ctx context.Context, in Exchange, code grant.Code, g session.Grant, user account.User) (Tokens, error) {
	if names := code.Request.Claims.UserInfo; len(names) > 0 {
		if err := f.Grants.KeepClaims(ctx, g.Session, names, f.now(), g.Expires); err != nil {
			return Tokens{}, err
		}
	}
	t, err := f.tokens(g, in.Client, nil, in.Resource, in.Proof)
	if err != nil || !code.Request.Wants(grant.ScopeOpenID) {
		return t, err
	}
	t.ID, err = f.idToken(idFor{
		grant: g, client: in.Client, user: user, access: t, nonce: code.Request.Nonce, amr: code.AMR, claims: code.Request.Claims.IDToken,
	})
	return t, err
}
